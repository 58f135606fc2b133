"""Jobs in SQLite."""

from collections.abc import Mapping, Sequence
from itertools import product

from shared.domain.jobs import Job
from shared.domain.statuses import JobStatus
from shared.ports import JobFilter, Page, Stored
from shared.storage.documents import JOBS
from shared.storage.epoch import to_micros
from shared.storage.queries import job_list, waiting_jobs, waiting_key
from shared.storage.sqlite.aggregates import IndexRows, SqliteAggregates
from shared.storage.sqlite.conditions import Conditions
from shared.storage.sqlite.database import Database
from shared.storage.sqlite.tables import STORED, SqlValue

_WAITING_KEY = "tier, rank, waiting_since, id"


class SqliteJobStore(SqliteAggregates[Job]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "jobs", JOBS)

    def _columns(self, job: Job) -> Mapping[str, SqlValue]:
        tier, rank, waiting_since, _ = waiting_key(job)
        return {
            "due_at": to_micros(job.due_at),
            "status": job.status,
            "queue_id": job.queue_id,
            "channel_id": job.channel_id,
            "scheduled_at": to_micros(job.scheduled_at) if job.scheduled_at else None,
            "waiting": job.is_waiting,
            "tier": tier,
            "rank": rank,
            "waiting_since": waiting_since,
        }

    def _index_rows(self, job: Job) -> IndexRows:  # noqa: ARG002
        """None: a job's own row has all that is asked for."""
        return {}

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


def _conditions(filter: JobFilter) -> Conditions:
    conditions = Conditions()
    if filter.queue_id is not None:
        conditions.require("queue_id = ?", filter.queue_id)
    if filter.channel_id is not None:
        conditions.require("channel_id = ?", filter.channel_id)
    if filter.scheduled_before is not None:
        conditions.require("scheduled_at <= ?", to_micros(filter.scheduled_before))
    if filter.scheduled_after is not None:
        conditions.require("scheduled_at >= ?", to_micros(filter.scheduled_after))
    return conditions
