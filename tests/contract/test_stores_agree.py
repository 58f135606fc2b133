"""The adapters are told apart by nothing but their etags: random histories give equal answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from shared.domain.jobs import Assignment, Job
from shared.domain.labels import identical
from shared.domain.statuses import JobStatus, WorkerState
from shared.ports import (
    AggregateStore,
    JobFilter,
    OutboxRecord,
    Page,
    Store,
    Stored,
    StoreError,
    WorkerFilter,
    WorkerOrder,
    WorkerQuery,
)
from tests.contract.stores import OPENERS, all_pages
from tests.factories import (
    NOW,
    make_channel,
    make_job,
    make_offer,
    make_record,
    make_reservation,
    make_selector,
    make_worker,
)

IDS = st.sampled_from(["a", "b", "c", "d"])
QUEUES = st.sampled_from(["q1", "q2"])
CHANNELS = st.sampled_from(["chat", "voice"])
TIMES = st.integers(-2, 2).map(lambda offset: NOW + timedelta(microseconds=offset))
STATUSES = st.just(JobStatus.QUEUED) | st.sampled_from(JobStatus)
SMALL = st.integers(0, 3)
POLICIES = st.none() | st.sampled_from(["p1", "p2"])


def make_assignment(assigned_at: datetime) -> Assignment:
    return Assignment(
        assignment_id="assignment", worker_id="w", offer_id="offer", assigned_at=assigned_at
    )


JOBS = st.builds(
    make_job,
    IDS,
    status=STATUSES,
    queue_id=QUEUES,
    channel_id=CHANNELS,
    classification_policy_id=POLICIES,
    assignments=st.lists(st.builds(make_assignment, TIMES), max_size=2).map(tuple),
    priority=st.integers(-1, 1),
    enqueued_at=TIMES,
    scheduled_at=st.none() | TIMES,
    requested_worker_selectors=st.sampled_from([(), (make_selector("Vip", expedite=True),)]),
    offers=st.lists(st.builds(make_offer, expires_at=TIMES), max_size=2).map(tuple),
)
RESERVATIONS = st.builds(
    make_reservation,
    channel_id=CHANNELS,
    check_at=TIMES,
    assignment_id=st.none() | st.just("assignment"),
)
WORKERS = st.builds(
    make_worker,
    IDS,
    capacity=SMALL,
    queues=st.lists(QUEUES, max_size=2).map(tuple),
    channels=st.lists(
        st.builds(make_channel, CHANNELS, st.integers(1, 2), st.none() | SMALL), max_size=2
    ).map(tuple),
    labels=st.sampled_from([{}, {"Vip": True}, {"Vip": 1}]),
    available_for_offers=st.sampled_from([True, True, False]),
    max_concurrent_offers=st.none() | SMALL,
    available_since=TIMES,
    last_offered_at=st.none() | TIMES,
    reservations=st.lists(RESERVATIONS, max_size=2).map(tuple),
)
JOB_FILTERS = st.builds(
    JobFilter,
    statuses=st.none() | st.frozensets(STATUSES),
    queue_id=st.none() | QUEUES,
    channel_id=st.none() | CHANNELS,
    classification_policy_id=POLICIES,
    scheduled_before=st.none() | TIMES,
    scheduled_after=st.none() | TIMES,
)
WORKER_FILTERS = st.builds(
    WorkerFilter,
    state=st.none() | st.sampled_from(WorkerState),
    queue_id=st.none() | QUEUES,
    channel_id=st.none() | CHANNELS,
    has_capacity=st.booleans(),
)
WORKER_QUERIES = st.builds(
    WorkerQuery,
    queue_id=QUEUES,
    channel_id=st.none() | CHANNELS,
    selectors=st.sampled_from([(), (make_selector("Vip"),)]),
    order=st.sampled_from(WorkerOrder),
    after_id=st.none() | IDS,
)
LIMITS = st.sampled_from([1, 2, 50])

type Operation = Callable[[int], Awaitable[Any]]
"""What is done to the store of this number."""


class Adapters(RuleBasedStateMachine):
    """Every version of every aggregate is remembered, so that old ones are tried as well."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory()
        self._stores = [self._runner.run(self._open(name)) for name in OPENERS]
        self._versions: dict[str, list[Sequence[Stored[Any]]]] = {"jobs": [], "workers": []}
        self._records: list[OutboxRecord] = []

    async def _open(self, name: str) -> Store:
        return await OPENERS[name](Path(self._folder.name))

    def teardown(self) -> None:
        for store in self._stores:
            self._runner.run(store.close())
        self._runner.close()
        self._folder.cleanup()

    # -- writes -------------------------------------------------------------------------------

    @rule(value=JOBS, with_record=st.booleans())
    def create_job(self, value: Any, with_record: bool) -> None:
        self._create("jobs", value, with_record)

    @rule(value=WORKERS, with_record=st.booleans())
    def create_worker(self, value: Any, with_record: bool) -> None:
        self._create("workers", value, with_record)

    @rule(id=IDS)
    def bar_offers(self, id: str) -> None:
        self._same(lambda n: self._stores[n].jobs.bar_offers(id, NOW))

    @precondition(lambda self: self._versions["jobs"])
    @rule(data=st.data(), value=JOBS, with_record=st.booleans())
    def replace_job(self, data: st.DataObject, value: Any, with_record: bool) -> None:
        self._replace("jobs", data, value, with_record)

    @precondition(lambda self: self._versions["workers"])
    @rule(data=st.data(), value=WORKERS, with_record=st.booleans())
    def replace_worker(self, data: st.DataObject, value: Any, with_record: bool) -> None:
        self._replace("workers", data, value, with_record)

    @rule(data=st.data(), kind=st.sampled_from(["jobs", "workers"]), with_record=st.booleans())
    def delete(self, data: st.DataObject, kind: str, with_record: bool) -> None:
        if not self._versions[kind]:
            return
        expected = self._version(kind, data)
        record = self._record(expected[0].value.id, with_record)
        self._same(lambda n: self._aggregates(n, kind).delete(expected[n], record))

    @rule(kind=st.sampled_from(["jobs", "workers"]), data=st.data())
    def remove_records(self, kind: str, data: st.DataObject) -> None:
        if self._records:
            some = data.draw(st.lists(st.sampled_from(self._records), max_size=3))
            self._same(lambda n: self._aggregates(n, kind).remove_records(some))

    # -- queries ------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["jobs", "workers"]), id=IDS, at=TIMES, limit=LIMITS)
    def read(self, kind: str, id: str, at: Any, limit: int) -> None:
        self._same(lambda n: self._aggregates(n, kind).get(id))
        self._same(lambda n: self._aggregates(n, kind).due(at, limit))
        self._same(lambda n: self._aggregates(n, kind).outbox(at, limit))

    @rule(filter=JOB_FILTERS, limit=LIMITS)
    def list_jobs(self, filter: JobFilter, limit: int) -> None:
        self._same_pages(lambda n, token: self._stores[n].jobs.list(filter, limit, token))

    @rule(
        queues=st.lists(QUEUES, max_size=3),
        channels=st.none() | st.lists(CHANNELS, max_size=3),
        limit=LIMITS,
    )
    def wait(self, queues: list[str], channels: list[str] | None, limit: int) -> None:
        self._same_pages(
            lambda n, token: self._stores[n].jobs.waiting(queues, channels, limit, token)
        )

    @rule(queue_id=QUEUES, job=JOBS, limit=LIMITS)
    def backlog(self, queue_id: str, job: Job, limit: int) -> None:
        self._same(lambda n: self._stores[n].jobs.count_waiting(queue_id))
        self._same(lambda n: self._stores[n].jobs.count_waiting(queue_id, job))
        self._same(lambda n: self._stores[n].jobs.count_in_service(queue_id))
        self._same(lambda n: self._stores[n].jobs.waiting_by_priority(queue_id))
        self._same(lambda n: self._stores[n].jobs.assigned_last(queue_id, limit))

    @rule(filter=WORKER_FILTERS, limit=LIMITS)
    def list_workers(self, filter: WorkerFilter, limit: int) -> None:
        self._same(lambda n: self._stores[n].workers.count(filter))
        self._same_pages(lambda n, token: self._stores[n].workers.list(filter, limit, token))

    @rule(query=WORKER_QUERIES, limit=LIMITS)
    def available(self, query: WorkerQuery, limit: int) -> None:
        self._same_pages(lambda n, token: self._stores[n].workers.available(query, limit, token))

    @rule(queue_id=QUEUES, at=TIMES, limit=LIMITS)
    def distribution(self, queue_id: str, at: Any, limit: int) -> None:
        self._same(lambda n: self._stores[n].workers.last_offered(queue_id))
        self._same(lambda n: self._stores[n].workers.idle(at, limit))

    # -- steps --------------------------------------------------------------------------------

    def _create(self, kind: str, value: Any, with_record: bool) -> None:
        record = self._record(value.id, with_record)
        self._remember(
            kind, self._same(lambda n: self._aggregates(n, kind).create(value, record, NOW))
        )

    def _replace(self, kind: str, data: st.DataObject, value: Any, with_record: bool) -> None:
        expected = self._version(kind, data)
        id = expected[0].value.id
        value, record = replace(value, id=id), self._record(id, with_record)
        self._remember(
            kind,
            self._same(
                lambda n: self._aggregates(n, kind).replace(expected[n], value, record, NOW)
            ),
        )

    def _aggregates(self, number: int, kind: str) -> AggregateStore[Any]:
        store = self._stores[number]
        return store.jobs if kind == "jobs" else store.workers

    def _version(self, kind: str, data: st.DataObject) -> Sequence[Stored[Any]]:
        """One of the versions, most often the latest of its aggregate."""
        latest = {versions[0].value.id: versions for versions in self._versions[kind]}
        return data.draw(
            st.sampled_from(list(latest.values())) | st.sampled_from(self._versions[kind])
        )

    def _record(self, aggregate_id: str, wanted: bool) -> OutboxRecord | None:
        if not wanted:
            return None
        number = len(self._records)
        at = NOW + timedelta(microseconds=number % 3 - 1)
        self._records.append(make_record(f"r{number}", aggregate_id, created_at=at))
        return self._records[-1]

    def _remember(self, kind: str, outcomes: Sequence[Any]) -> None:
        if isinstance(outcomes[0], Stored):
            self._versions[kind].append(outcomes)

    def _same(self, operation: Operation) -> Sequence[Any]:
        """What the operation gave on each store, all the same."""
        outcomes = [self._runner.run(_outcome(operation(n))) for n in range(len(self._stores))]
        first, *others = [_without_etags(outcome) for outcome in outcomes]
        for other in others:
            assert identical(first, other)
        return outcomes

    def _same_pages(self, fetch: Callable[[int, str | None], Awaitable[Page[Any]]]) -> None:
        self._same(lambda n: all_pages(lambda token: fetch(n, token)))


async def _outcome(operation: Awaitable[Any]) -> Any:
    try:
        return await operation
    except StoreError as error:
        return type(error)


def _without_etags(outcome: Any) -> Any:
    if isinstance(outcome, Stored):
        return (outcome.value, outcome.modified_at)
    if isinstance(outcome, list):
        return [_without_etags(item) for item in outcome]
    return outcome


TestAdapters = Adapters.TestCase
TestAdapters.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
