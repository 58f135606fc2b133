"""How SQLite finds rows: every statement of the store searches an index and sorts nothing."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from shared.domain.labels import LabelOperator
from shared.domain.statuses import JobStatus, WorkerState
from shared.ports import JobFilter, Page, WorkerFilter, WorkerOrder, WorkerQuery
from shared.storage.sqlite import SqliteStore, open_sqlite_store
from tests.contract.stores import all_pages
from tests.factories import NOW, make_job, make_queue, make_record, make_selector, make_worker

IDS = ("a", "b", "c")


async def every_operation(store: SqliteStore) -> None:
    for id in IDS:
        await store.queues.create(make_queue(id), NOW)
        job = await store.jobs.create(make_job(id), make_record("r", id), NOW)
        await store.jobs.replace(job, make_job(id, scheduled_at=NOW), None, NOW)
        worker = await store.workers.create(make_worker(id, labels={"x": 1}), None, NOW)
        await store.workers.replace(worker, worker.value, make_record("r", id), NOW)
    await every_query(store)
    await every_removal(store)


async def every_query(store: SqliteStore) -> None:
    for aggregates in (store.jobs, store.workers):
        await aggregates.due(NOW, 10)
        await aggregates.outbox(NOW, 10)
    await store.workers.idle(NOW, 10)
    await store.workers.last_offered("queue-1")
    for filter in every_worker_filter():
        await store.workers.count(filter)
    for ahead_of in (None, make_job("b")):
        await store.jobs.count_waiting("queue-1", ahead_of)
    await store.jobs.count_in_service("queue-1")
    await store.jobs.waiting_by_priority("queue-1")
    await store.jobs.assigned_last("queue-1", 10)
    for fetch in every_paged_query(store):
        await all_pages(fetch)


def every_paged_query(store: SqliteStore) -> list[Callable[[str | None], Awaitable[Page[Any]]]]:
    statuses = frozenset({JobStatus.QUEUED, JobStatus.ASSIGNED})
    job_filters = [
        JobFilter(
            statuses=some,
            queue_id=queue,
            channel_id=channel,
            classification_policy_id=policy,
            scheduled_after=after,
        )
        for some, queue, channel, policy, after in product(
            (None, statuses), (None, "queue-1"), (None, "chat"), (None, "policy"), (None, NOW)
        )
    ]
    selectors = tuple(make_selector("x", operator, 1) for operator in LabelOperator)
    worker_queries = [
        WorkerQuery(queue_id="queue-1", channel_id=channel, order=order, selectors=some)
        for channel, order, some in product((None, "chat"), WorkerOrder, ((), selectors))
    ]
    queues, after_a = (
        ["queue-1", "queue-2"],
        WorkerQuery(queue_id="queue-1", order=WorkerOrder.ID, after_id="a"),
    )
    return [
        *(lambda token, f=f: store.jobs.list(f, 1, token) for f in job_filters),
        *(lambda token, f=f: store.workers.list(f, 1, token) for f in every_worker_filter()),
        *(lambda token, q=q: store.workers.available(q, 1, token) for q in worker_queries),
        lambda token: store.workers.available(after_a, 1, token),
        lambda token: store.jobs.waiting(queues, None, 1, token),
        lambda token: store.jobs.waiting(queues, ["chat", "voice"], 1, token),
        lambda token: store.queues.list(1, token),
    ]


def every_worker_filter() -> list[WorkerFilter]:
    return [
        WorkerFilter(state=state, queue_id=queue, channel_id=channel, has_capacity=capacity)
        for state, queue, channel, capacity in product(
            (None, WorkerState.ACTIVE), (None, "queue-1"), (None, "chat"), (False, True)
        )
    ]


async def every_removal(store: SqliteStore) -> None:
    for id in IDS:
        job, worker = await store.jobs.get(id), await store.workers.get(id)
        queue = await store.queues.get(id)
        assert job
        assert worker
        assert queue
        await store.jobs.remove_records([make_record("r", id)])
        await store.jobs.delete(job, None)
        await store.workers.delete(worker, None)
        await store.queues.delete(await store.queues.replace(queue, make_queue(id), NOW))


async def test_every_statement_searches_an_index_and_sorts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    statements = traced(monkeypatch)
    store = await open_sqlite_store(tmp_path / "store.db")
    statements.clear()
    await every_operation(store)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        plans = {
            statement: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            for statement in statements
            if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))
        }
    assert len(plans) > 100
    for statement, steps in plans.items():
        slow = [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step]
        assert steps, statement
        assert not slow, (statement, steps)
        if "count(*)" in statement and "FROM jobs" in statement:
            assert all("COVERING INDEX" in step for step in steps), (statement, steps)


def traced(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """All statements that are executed from now on, with their parameters filled in."""
    statements: set[str] = set()
    connect = sqlite3.connect

    def tracing(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.add)
        return connection

    monkeypatch.setattr(sqlite3, "connect", tracing)
    return statements
