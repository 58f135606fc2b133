"""A store in memory: the simplest model of the contract, for tests and trials.

It forgets everything with its process. Values are immutable, so it shares them with its callers.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import nlargest, nsmallest
from itertools import groupby

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.jobs import Job
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.domain.selectors import all_accept
from shared.domain.waiting import WaitingGroup
from shared.domain.workers import Worker
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    Document,
    JobFilter,
    OutboxRecord,
    Page,
    Stored,
    WorkerFilter,
    WorkerOrder,
    WorkerQuery,
)
from shared.storage.continuation import PagedQuery, Position
from shared.storage.etags import first_etag, next_etag
from shared.storage.queries import (
    IN_SERVICE,
    assigned_at,
    available_workers,
    definition_list,
    idle_key,
    job_list,
    waiting_jobs,
    waiting_key,
    worker_list,
)


class _Documents[D: Job | Worker | Document]:
    """Documents by id, written under conditions."""

    def __init__(self) -> None:
        self._stored: dict[str, Stored[D]] = {}

    async def get(self, id: str) -> Stored[D] | None:
        return self._stored.get(id)

    def _require_new(self, id: str) -> None:
        if id in self._stored:
            raise AlreadyExists(f"'{id}' exists already.")

    def _require(self, expected: Stored[D]) -> None:
        stored = self._stored.get(expected.value.id)
        if stored is None or stored.etag != expected.etag:
            raise ConcurrencyConflict(f"'{expected.value.id}' was changed or removed.")

    def _put(self, value: D, etag: str, now: datetime) -> Stored[D]:
        stored = Stored(value, etag, now)
        self._stored[value.id] = stored
        return stored

    def _page(
        self,
        query: PagedQuery,
        key: Callable[[D], Position],
        matches: Callable[[D], bool],
        limit: int,
        continuation: str | None,
    ) -> Page[Stored[D]]:
        after = query.position(continuation)
        results = (
            (key(stored.value), stored) for stored in self._stored.values() if matches(stored.value)
        )
        left = (result for result in results if after is None or result[0] > after)
        return query.page(nsmallest(limit + 1, left, key=lambda result: result[0]), limit)


class _Aggregates[A: Job | Worker](_Documents[A]):
    """Aggregates with their outbox records."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[tuple[str, str], OutboxRecord] = {}

    async def create(self, aggregate: A, record: OutboxRecord | None, now: datetime) -> Stored[A]:
        self._require_new(aggregate.id)
        self._add_record(record)
        return self._put(aggregate, first_etag(), now)

    async def replace(
        self, expected: Stored[A], aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        self._require(expected)
        self._add_record(record)
        return self._put(aggregate, next_etag(expected.etag), now)

    async def delete(self, expected: Stored[A], record: OutboxRecord | None) -> None:
        self._require(expected)
        self._add_record(record)
        del self._stored[expected.value.id]

    async def due(self, now: datetime, limit: int) -> Sequence[Stored[A]]:
        return self._earliest(lambda aggregate: aggregate.due_at, now, limit)

    async def outbox(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        records = (r for r in self._records.values() if r.created_at < created_before)
        return nsmallest(limit, records, key=lambda record: (record.created_at, record.id))

    async def remove_records(self, records: Iterable[OutboxRecord]) -> None:
        for record in records:
            self._records.pop((record.aggregate_id, record.id), None)

    def _add_record(self, record: OutboxRecord | None) -> None:
        if record is None:
            return
        key = (record.aggregate_id, record.id)
        if key in self._records:
            raise AlreadyExists(f"The outbox record '{record.id}' exists already.")
        self._records[key] = record

    def _earliest(
        self, time_of: Callable[[A], datetime | None], until: datetime, limit: int
    ) -> Sequence[Stored[A]]:
        timed = (
            (at, stored.value.id, stored)
            for stored in self._stored.values()
            if (at := time_of(stored.value)) is not None and at <= until
        )
        return [stored for _, _, stored in nsmallest(limit, timed, key=lambda entry: entry[:2])]


class MemoryJobStore(_Aggregates[Job]):
    def __init__(self) -> None:
        super().__init__()
        self._barred: set[str] = set()

    async def create(
        self, aggregate: Job, record: OutboxRecord | None, now: datetime
    ) -> Stored[Job]:
        self._require_new(aggregate.id)
        if aggregate.offers and aggregate.id in self._barred:
            raise ConcurrencyConflict(f"Offers of '{aggregate.id}' are barred.")
        created = await super().create(aggregate, record, now)
        self._barred.discard(aggregate.id)
        return created

    async def bar_offers(self, job_id: str, now: datetime) -> None:  # noqa: ARG002
        """For ever: a process in memory does not live long."""
        self._require_new(job_id)
        self._barred.add(job_id)

    async def list(
        self, filter: JobFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Job]]:
        return self._page(
            job_list(filter), _by_id, lambda job: _job_matches(filter, job), limit, continuation
        )

    async def waiting(
        self,
        queue_ids: Sequence[str],
        channel_ids: Sequence[str] | None,
        limit: int,
        continuation: str | None = None,
    ) -> Page[Stored[Job]]:
        def matches(job: Job) -> bool:
            return (
                job.is_waiting
                and job.queue_id in queue_ids
                and (channel_ids is None or job.channel_id in channel_ids)
            )

        query = waiting_jobs(queue_ids, channel_ids)
        return self._page(query, waiting_key, matches, limit, continuation)

    async def count_waiting(self, queue_id: str, ahead_of: Job | None = None) -> int:
        waiting = self._waiting_in(queue_id)
        if ahead_of is None:
            return len(waiting)
        return sum(waiting_key(job) < waiting_key(ahead_of) for job in waiting)

    async def count_in_service(self, queue_id: str) -> int:
        jobs = (stored.value for stored in self._stored.values())
        return sum(job.queue_id == queue_id and job.status in IN_SERVICE for job in jobs)

    async def waiting_by_priority(self, queue_id: str) -> Sequence[WaitingGroup]:
        best_first = sorted(self._waiting_in(queue_id), key=waiting_key)
        groups = groupby(best_first, key=lambda job: (job.is_expedited, job.priority))
        return [_described(*kind, list(jobs)) for kind, jobs in groups]

    async def assigned_last(self, queue_id: str, limit: int) -> Sequence[Stored[Job]]:
        assigned = (
            (at, stored.value.id, stored)
            for stored in self._stored.values()
            if stored.value.queue_id == queue_id and (at := assigned_at(stored.value)) is not None
        )
        return [stored for _, _, stored in nlargest(limit, assigned, key=lambda entry: entry[:2])]

    def _waiting_in(self, queue_id: str) -> Sequence[Job]:
        jobs = (stored.value for stored in self._stored.values())
        return [job for job in jobs if job.is_waiting and job.queue_id == queue_id]


class MemoryWorkerStore(_Aggregates[Worker]):
    async def list(
        self, filter: WorkerFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        return self._page(
            worker_list(filter),
            _by_id,
            lambda worker: _worker_matches(filter, worker),
            limit,
            continuation,
        )

    async def available(
        self, query: WorkerQuery, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        return self._page(
            available_workers(query),
            _by_id if query.order is WorkerOrder.ID else idle_key,
            lambda worker: _may_be_offered(query, worker),
            limit,
            continuation,
        )

    async def count(self, filter: WorkerFilter) -> int:
        workers = (stored.value for stored in self._stored.values())
        return sum(_worker_matches(filter, worker) for worker in workers)

    async def last_offered(self, queue_id: str) -> str | None:
        offered = (
            (worker.last_offered_at, worker.id)
            for worker in (stored.value for stored in self._stored.values())
            if worker.last_offered_at and queue_id in worker.profile.queues
        )
        return max(offered, default=(None, None))[1]

    async def idle(self, since: datetime, limit: int) -> Sequence[Stored[Worker]]:
        return self._earliest(lambda worker: worker.idle_since, since, limit)


class MemoryDefinitionStore[D: Document](_Documents[D]):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    async def create(self, definition: D, now: datetime) -> Stored[D]:
        self._require_new(definition.id)
        return self._put(definition, first_etag(), now)

    async def replace(self, expected: Stored[D], definition: D, now: datetime) -> Stored[D]:
        self._require(expected)
        return self._put(definition, next_etag(expected.etag), now)

    async def delete(self, expected: Stored[D]) -> None:
        self._require(expected)
        del self._stored[expected.value.id]

    async def list(self, limit: int, continuation: str | None = None) -> Page[Stored[D]]:
        query = definition_list(self._kind)
        return self._page(query, _by_id, lambda _: True, limit, continuation)


class MemoryStore:
    def __init__(self) -> None:
        self.jobs = MemoryJobStore()
        self.workers = MemoryWorkerStore()
        self.queues = MemoryDefinitionStore[Queue]("queues")
        self.distribution_policies = MemoryDefinitionStore[DistributionPolicy](
            "distribution_policies"
        )
        self.classification_policies = MemoryDefinitionStore[ClassificationPolicy](
            "classification_policies"
        )
        self.exception_policies = MemoryDefinitionStore[ExceptionPolicy]("exception_policies")
        self.changed_conditions = MemoryDefinitionStore[ChangedConditions]("changed_conditions")

    async def close(self) -> None:
        """Nothing is held open."""


def _by_id(value: Job | Worker | Document) -> Position:
    return (value.id,)


def _described(expedited: bool, priority: int, jobs: Sequence[Job]) -> WaitingGroup:
    """``jobs``: best first, so the oldest comes first."""
    oldest = jobs[0].enqueued_at or jobs[0].created_at
    return WaitingGroup(expedited=expedited, priority=priority, count=len(jobs), oldest=oldest)


def _job_matches(filter: JobFilter, job: Job) -> bool:
    before, after = filter.scheduled_before, filter.scheduled_after
    policy_id = filter.classification_policy_id
    return (
        (filter.statuses is None or job.status in filter.statuses)
        and filter.queue_id in {None, job.queue_id}
        and filter.channel_id in {None, job.channel_id}
        and policy_id in {None, job.definition.classification_policy_id}
        and (before is None or (job.scheduled_at is not None and job.scheduled_at <= before))
        and (after is None or (job.scheduled_at is not None and job.scheduled_at >= after))
    )


def _worker_matches(filter: WorkerFilter, worker: Worker) -> bool:
    channel_ids = {channel.channel_id for channel in worker.profile.channels}
    asked = channel_ids if filter.channel_id is None else channel_ids & {filter.channel_id}
    return (
        filter.state in {None, worker.state}
        and (filter.queue_id is None or filter.queue_id in worker.profile.queues)
        and (filter.channel_id is None or bool(asked))
        and (not filter.has_capacity or any(map(worker.has_capacity_for, asked)))
    )


def _may_be_offered(query: WorkerQuery, worker: Worker) -> bool:
    if query.order is WorkerOrder.ID and query.after_id is not None and worker.id <= query.after_id:
        return False
    channel_ids: Iterable[str] = (channel.channel_id for channel in worker.profile.channels)
    if query.channel_id is not None:
        channel_ids = (query.channel_id,)
    available = any(worker.is_available(query.queue_id, channel_id) for channel_id in channel_ids)
    return available and all_accept(query.selectors, worker.profile.labels)
