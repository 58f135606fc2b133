"""Workers in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.statuses import WorkerState
from shared.domain.workers import Worker
from shared.ports import Page, Stored, WorkerFilter, WorkerOrder, WorkerQuery
from shared.storage.documents import WORKERS
from shared.storage.epoch import to_micros
from shared.storage.projections import availability, capacity_by_channel
from shared.storage.queries import available_workers, idle_key, worker_list
from shared.storage.sqlite.aggregates import IndexRows, SqliteAggregates
from shared.storage.sqlite.conditions import Conditions
from shared.storage.sqlite.database import Database
from shared.storage.sqlite.labels import label_rows, require_selector
from shared.storage.sqlite.tables import STORED, SqlValue

_KEYS = {
    WorkerOrder.LONGEST_IDLE: "a.load_ratio, a.available_since, a.worker_id",
    WorkerOrder.ID: "a.worker_id",
}


class SqliteWorkerStore(SqliteAggregates[Worker]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "workers", WORKERS)

    def _columns(self, worker: Worker) -> Mapping[str, SqlValue]:
        return {
            "due_at": _micros(worker.due_at),
            "state": worker.state,
            "idle_since": _micros(worker.idle_since),
        }

    def _check_new(self, connection: sqlite3.Connection, worker: Worker) -> None:
        """Any worker may be."""

    def _index_rows(self, worker: Worker) -> IndexRows:
        last_offered = _micros(worker.last_offered_at)
        load_ratio, since, _ = idle_key(worker)
        queues = dict.fromkeys(worker.profile.queues)
        return {
            "worker_queues": [(worker.id, id, last_offered) for id in queues],
            "worker_channels": [
                (worker.id, id, fits) for id, fits in capacity_by_channel(worker).items()
            ],
            "worker_labels": list(label_rows(worker.id, worker.profile.labels)),
            "worker_availability": [
                (worker.id, *place, load_ratio, since) for place in availability(worker)
            ],
        }

    async def list(
        self, filter: WorkerFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        """One index range for each state."""
        query = worker_list(filter)
        conditions = _conditions(filter)
        if position := query.position(continuation):
            conditions.require("w.id > ?", *position)
        statement = f"""
            SELECT w.id, {STORED} FROM workers w WHERE w.state = ? AND {conditions.where}
            ORDER BY w.id
        """
        states = WorkerState if filter.state is None else (filter.state,)
        ranges = [(state, *conditions.parameters) for state in states]
        return await self._page(query, statement, ranges, limit)

    async def available(
        self, query: WorkerQuery, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        """One index range, of which workers with other labels are skipped."""
        paged = available_workers(query)
        key = _KEYS[query.order]
        conditions = _availability_conditions(query)
        if position := paged.position(continuation):
            marks = ", ".join("?" for _ in position)
            conditions.require(f"({key}) > ({marks})", *position)
        statement = f"""
            SELECT {key}, {STORED}
            FROM worker_availability a CROSS JOIN workers w ON w.id = a.worker_id
            WHERE {conditions.where} ORDER BY {key}
        """
        return await self._page(paged, statement, [conditions.parameters], limit)

    async def count(self, filter: WorkerFilter) -> int:
        conditions = _conditions(filter)
        states = WorkerState if filter.state is None else (filter.state,)
        marks = ", ".join("?" for _ in states)
        statement = f"""
            SELECT count(*) FROM workers w WHERE w.state IN ({marks}) AND {conditions.where}
        """
        return await self._count(statement, (*states, *conditions.parameters))

    async def last_offered(self, queue_id: str) -> str | None:
        statement = """
            SELECT worker_id FROM worker_queues
            WHERE queue_id = ? AND last_offered_at IS NOT NULL
            ORDER BY last_offered_at DESC, worker_id DESC LIMIT 1
        """

        def read(connection: sqlite3.Connection) -> str | None:
            return next((id for (id,) in connection.execute(statement, (queue_id,))), None)

        return await self._database.readers.run(read)

    async def idle(self, since: datetime, limit: int) -> Sequence[Stored[Worker]]:
        return await self._earliest("idle_since", since, limit)


def _conditions(filter: WorkerFilter) -> Conditions:
    conditions = Conditions()
    if filter.queue_id is not None:
        conditions.require(
            "EXISTS (SELECT 1 FROM worker_queues q WHERE q.worker_id = w.id AND q.queue_id = ?)",
            filter.queue_id,
        )
    if filter.channel_id is not None or filter.has_capacity:
        channel = _channel_conditions(filter)
        conditions.require(
            f"EXISTS (SELECT 1 FROM worker_channels c WHERE {channel.where})", *channel.parameters
        )
    return conditions


def _channel_conditions(filter: WorkerFilter) -> Conditions:
    conditions = Conditions()
    conditions.require("c.worker_id = w.id")
    if filter.channel_id is not None:
        conditions.require("c.channel_id = ?", filter.channel_id)
    if filter.has_capacity:
        conditions.require("c.has_capacity")
    return conditions


def _availability_conditions(query: WorkerQuery) -> Conditions:
    conditions = Conditions()
    conditions.require("a.queue_id = ?", query.queue_id)
    conditions.require("a.channel_id IS ?", query.channel_id)
    if query.order is WorkerOrder.ID and query.after_id is not None:
        conditions.require("a.worker_id > ?", query.after_id)
    for selector in query.selectors:
        if selector.is_active:
            require_selector(conditions, selector)
    return conditions


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)
