"""Jobs in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product

from shared.domain.jobs import Job
from shared.domain.statuses import JobStatus
from shared.domain.waiting import WaitingGroup
from shared.ports import JobFilter, Page, Stored
from shared.storage.documents import JOBS
from shared.storage.epoch import from_micros, to_micros
from shared.storage.queries import IN_SERVICE, assigned_at, job_list, waiting_jobs, waiting_key
from shared.storage.sqlite.aggregates import IndexRows, SqliteAggregates
from shared.storage.sqlite.bars import add_bar, pass_bar
from shared.storage.sqlite.conditions import Conditions
from shared.storage.sqlite.database import Database
from shared.storage.sqlite.tables import STORED, SqlValue, stored

_WAITING_KEY = "tier, rank, waiting_since, id"

_NO_QUEUE = ""


class SqliteJobStore(SqliteAggregates[Job]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "jobs", JOBS)

    def _columns(self, job: Job) -> Mapping[str, SqlValue]:
        tier, rank, waiting_since, _ = waiting_key(job)
        assigned = assigned_at(job)
        return {
            "due_at": to_micros(job.due_at),
            "status": job.status,
            "queue_id": job.queue_id or _NO_QUEUE,
            "channel_id": job.channel_id,
            "classification_policy_id": job.definition.classification_policy_id,
            "scheduled_at": to_micros(job.scheduled_at) if job.scheduled_at else None,
            "waiting": job.is_waiting,
            "tier": tier,
            "rank": rank,
            "waiting_since": waiting_since,
            "assigned_at": to_micros(assigned) if assigned else None,
        }

    def _index_rows(self, job: Job) -> IndexRows:  # noqa: ARG002
        """None: a job's own row has all that is asked for."""
        return {}

    def _check_new(self, connection: sqlite3.Connection, job: Job) -> None:
        pass_bar(connection, job)

    async def bar_offers(self, job_id: str, now: datetime) -> None:
        await self._database.writer.run(lambda connection: add_bar(connection, job_id, now))

    async def list(
        self, filter: JobFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Job]]:
        """One index range for each status, so that jobs in other statuses cost nothing."""
        query = job_list(filter)
        conditions = _conditions(filter)
        if position := query.position(continuation):
            conditions.require("id > ?", *position)
        statement = f"""
            SELECT id, {STORED} FROM jobs WHERE status = ? AND {conditions.where} ORDER BY id
        """
        statuses = JobStatus if filter.statuses is None else filter.statuses
        ranges = [(status, *conditions.parameters) for status in statuses]
        return await self._page(query, statement, ranges, limit)

    async def waiting(
        self,
        queue_ids: Sequence[str],
        channel_ids: Sequence[str] | None,
        limit: int,
        continuation: str | None = None,
    ) -> Page[Stored[Job]]:
        """One index range for each queue, or each queue and channel."""
        query = waiting_jobs(queue_ids, channel_ids)
        places = product(set(queue_ids), *(() if channel_ids is None else (set(channel_ids),)))
        position = query.position(continuation) or ()
        statement = f"""
            SELECT {_WAITING_KEY}, {STORED} FROM jobs
            WHERE waiting AND queue_id = ? {"" if channel_ids is None else "AND channel_id = ?"}
            {f"AND ({_WAITING_KEY}) > (?, ?, ?, ?)" if position else ""}
            ORDER BY {_WAITING_KEY}
        """
        ranges = [(*place, *position) for place in places]
        return await self._page(query, statement, ranges, limit)

    async def count_waiting(self, queue_id: str, ahead_of: Job | None = None) -> int:
        position = () if ahead_of is None else waiting_key(ahead_of)
        statement = f"""
            SELECT count(*) FROM jobs INDEXED BY jobs_waiting WHERE waiting AND queue_id = ?
            {f"AND ({_WAITING_KEY}) < (?, ?, ?, ?)" if position else ""}
        """
        return await self._count(statement, (queue_id, *position))

    async def count_in_service(self, queue_id: str) -> int:
        marks = ", ".join("?" for _ in IN_SERVICE)
        statement = f"SELECT count(*) FROM jobs WHERE queue_id = ? AND status IN ({marks})"
        return await self._count(statement, (queue_id, *IN_SERVICE))

    async def waiting_by_priority(self, queue_id: str) -> Sequence[WaitingGroup]:
        statement = """
            SELECT tier, rank, count(*), min(waiting_since) FROM jobs INDEXED BY jobs_waiting
            WHERE waiting AND queue_id = ? GROUP BY tier, rank ORDER BY tier, rank
        """

        def read(connection: sqlite3.Connection) -> Sequence[WaitingGroup]:
            return [_waiting(*row) for row in connection.execute(statement, (queue_id,))]

        return await self._database.readers.run(read)

    async def assigned_last(self, queue_id: str, limit: int) -> Sequence[Stored[Job]]:
        statement = f"""
            SELECT {STORED} FROM jobs WHERE queue_id = ? AND assigned_at IS NOT NULL
            ORDER BY assigned_at DESC, id DESC LIMIT ?
        """

        def read(connection: sqlite3.Connection) -> Sequence[Stored[Job]]:
            rows = connection.execute(statement, (queue_id, limit))
            return [stored(self._codec, row) for row in rows]

        return await self._database.readers.run(read)


def _waiting(tier: int, rank: int, count: int, oldest: int) -> WaitingGroup:
    return WaitingGroup(
        expedited=tier == 0, priority=-rank, count=count, oldest=from_micros(oldest)
    )


def _conditions(filter: JobFilter) -> Conditions:
    conditions = Conditions()
    if filter.queue_id is not None:
        conditions.require("queue_id = ? AND queue_id <> ?", filter.queue_id, _NO_QUEUE)
    if filter.channel_id is not None:
        conditions.require("channel_id = ?", filter.channel_id)
    if filter.classification_policy_id is not None:
        conditions.require("classification_policy_id = ?", filter.classification_policy_id)
    if filter.scheduled_before is not None:
        conditions.require("scheduled_at <= ?", to_micros(filter.scheduled_before))
    if filter.scheduled_after is not None:
        conditions.require("scheduled_at >= ?", to_micros(filter.scheduled_after))
    return conditions
