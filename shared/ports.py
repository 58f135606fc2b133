"""What the services need from the outside world. The docstrings are the contract.

Every adapter must pass ``tests/contract``. The contract asks for no more than a document store
offers: conditional writes of single documents, batches within one partition, indexed queries with
continuation tokens. Nothing here spans two aggregates.

Errors:

StoreError
├── AlreadyExists         create: the id is taken
├── ConcurrencyConflict   replace, delete: the stored version is no longer the expected one, or gone
│                         create of a job: its offers are barred
├── InvalidContinuation   the continuation token was not made by this query
├── TooLarge              create, replace: larger than the store allows; nothing was written
└── StoreUnavailable      the store is down or throttles; nothing is known to be written
    └── StoreBusy         it throttles
PublishFailed             some of the events may not have been published
InvalidRule               check: the rule can never have a result
RuleFailed                evaluate: the rule has no result
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy, ScoringOptions
from shared.domain.events import RecordedEvent
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.follow_ups import FollowUp
from shared.domain.jobs import Job
from shared.domain.labels import Labels
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.domain.rules import Json, Rule, RuleUse
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus, WorkerState
from shared.domain.waiting import WaitingGroup
from shared.domain.workers import Worker


class StoreError(Exception):
    """Base of what a store reports."""


class AlreadyExists(StoreError):
    """A document with this id exists."""


class ConcurrencyConflict(StoreError):
    """Somebody else changed or removed the document since it was read."""


class InvalidContinuation(StoreError):
    """The continuation token is damaged or belongs to another query."""


class TooLarge(StoreError):
    """What is to be written is larger than the store allows."""


class StoreUnavailable(StoreError):
    """The store cannot answer now. ``retry_after``: seconds after which to try again."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreBusy(StoreUnavailable):
    """The store has no time for the request; it would have for fewer of them."""


class PublishFailed(Exception):
    """Publishing failed in part or whole; the same events must be published again."""


@dataclass(frozen=True, slots=True)
class Stored[D]:
    """A document as stored.

    ``etag`` changes with every write of the document and is opaque, without quotes.
    ``modified_at`` is the time of the last write, as the writer's clock had it.
    """

    value: D
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Page[D]:
    """Some results and, if there may be more, the token that continues after them."""

    items: Sequence[D]
    continuation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """The events and follow-ups of one commit, kept until they are dealt with.

    ``aggregate_id`` is the id of the job or worker that was committed. The record lives in that
    aggregate's partition, also after the aggregate was deleted.
    """

    id: str
    aggregate_id: str
    created_at: datetime
    events: tuple[RecordedEvent, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Conditions of a job list, ANDed; ``None`` does not restrict.

    ``scheduled_before`` and ``scheduled_after`` are inclusive and select jobs that have a scheduled
    time.
    """

    statuses: frozenset[JobStatus] | None = None
    queue_id: str | None = None
    channel_id: str | None = None
    classification_policy_id: str | None = None
    scheduled_before: datetime | None = None
    scheduled_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFilter:
    """Conditions of a worker list, ANDed; ``None`` does not restrict.

    ``channel_id``: has the channel configured. ``has_capacity``: one more job of ``channel_id``, or
    of any of its channels if that is ``None``, would fit (``Worker.has_capacity_for``).
    """

    state: WorkerState | None = None
    queue_id: str | None = None
    channel_id: str | None = None
    has_capacity: bool = False


class WorkerOrder(StrEnum):
    """In which order available workers are returned; ties by worker id."""

    LONGEST_IDLE = "longestIdle"
    """Lowest load ratio first, then earliest ``available_since``."""
    ID = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerQuery:
    """Which workers may be offered a job.

    ``channel_id`` ``None``: any channel. ``after_id`` (order ``ID`` only): ids greater than this.
    """

    queue_id: str
    channel_id: str | None = None
    selectors: tuple[WorkerSelector, ...] = ()
    order: WorkerOrder = WorkerOrder.LONGEST_IDLE
    after_id: str | None = None


class AggregateStore[A](Protocol):
    """One document per aggregate in a partition of its own, with its outbox records."""

    async def get(self, id: str) -> Stored[A] | None:
        """The aggregate, or ``None``. A caller reads its own completed writes."""
        ...

    async def create(self, aggregate: A, record: OutboxRecord | None, now: datetime) -> Stored[A]:
        """Store a new aggregate and its outbox record, both or neither.

        :raises AlreadyExists: nothing was written.
        """
        ...

    async def replace(
        self, expected: Stored[A], aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        """Replace ``expected`` and store the outbox record, both or neither.

        The etag changes even if the aggregate is equal to the stored one.
        :raises ConcurrencyConflict: ``expected.etag`` is not the stored one; nothing was written.
        """
        ...

    async def delete(self, expected: Stored[A], record: OutboxRecord | None) -> None:
        """Remove ``expected`` and store the outbox record, both or neither.

        :raises ConcurrencyConflict: as for ``replace``.
        """
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Stored[A]]:
        """Aggregates whose ``due_at`` is not later than ``now``, earliest first."""
        ...

    async def outbox(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        """Records created before the time, oldest first (by ``created_at``, then id)."""
        ...

    async def remove_records(self, records: Iterable[OutboxRecord]) -> None:
        """Forget the records; those already gone are ignored. Not necessarily atomic.

        If the process dies within seconds, others may find some of them again.
        """
        ...


BARRED_FOR = timedelta(days=1)
"""How long a bar lasts at least: longer than anybody can be about to create a job."""


class JobStore(AggregateStore[Job], Protocol):
    """``create`` raises ``ConcurrencyConflict`` for a job with offers if such are barred."""

    async def bar_offers(self, job_id: str, now: datetime) -> None:
        """Make sure that nobody creates a job under this id that comes with offers.

        One without offers can be created, and ends the bar. It lasts for ``BARRED_FOR``, at least.
        :raises AlreadyExists, ConcurrencyConflict: there is a job, or there may be: look again.
        """
        ...

    async def list(
        self, filter: JobFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Job]]:
        """Jobs by id. Stable under change: what exists throughout appears exactly once.

        :raises InvalidContinuation: the token was not made by a list with the same filter.
        """
        ...

    async def waiting(
        self,
        queue_ids: Sequence[str],
        channel_ids: Sequence[str] | None,
        limit: int,
        continuation: str | None = None,
    ) -> Page[Stored[Job]]:
        """Jobs that are waiting (``Job.is_waiting``) in any of the queues, best first.

        Best: expedited ones, then by priority (highest first), ``enqueued_at`` (earliest first) and
        id. ``channel_ids`` ``None``: any channel; an empty sequence of either: no job.
        :raises InvalidContinuation: the token was not made by this query.
        """
        ...

    async def count_waiting(self, queue_id: str, ahead_of: Job | None = None) -> int:
        """How many jobs wait in the queue; with ``ahead_of``: of those that are better than it."""
        ...

    async def count_in_service(self, queue_id: str) -> int:
        """How many jobs of the queue hold a worker's capacity (``Job.open_assignment``)."""
        ...

    async def waiting_by_priority(self, queue_id: str) -> Sequence[WaitingGroup]:
        """What waits in the queue, best first; nothing that does not occur."""
        ...

    async def assigned_last(self, queue_id: str, limit: int) -> Sequence[Stored[Job]]:
        """Jobs of the queue that are or were assigned, whatever became of them; latest first.

        By the time of their last assignment that was not taken back; ties by the greatest id.
        """
        ...


class WorkerStore(AggregateStore[Worker], Protocol):
    async def list(
        self, filter: WorkerFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        """Workers by id. Stable under change: what exists throughout appears exactly once.

        :raises InvalidContinuation: the token was not made by a list with the same filter.
        """
        ...

    async def available(
        self, query: WorkerQuery, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        """Workers that may be offered a job (``Worker.is_available``), in the query's order.

        All whose labels pass the active selectors are among them. Others may be, so the caller
        checks again: a store pushes down what it can. A page may hold fewer than ``limit`` workers
        and still continue.
        :raises InvalidContinuation: the token was not made by this query.
        """
        ...

    async def count(self, filter: WorkerFilter) -> int:
        """How many workers a list with the filter would have."""
        ...

    async def last_offered(self, queue_id: str) -> str | None:
        """Id of the worker among the queue's that was offered a job last, if any was.

        Registered or not; by ``last_offered_at``, ties by the greatest id.
        """
        ...

    async def idle(self, since: datetime, limit: int) -> Sequence[Stored[Worker]]:
        """Workers whose ``idle_since`` is not later than the time, earliest first."""
        ...


type Definition = Queue | DistributionPolicy | ClassificationPolicy | ExceptionPolicy
"""Configuration: what an administrator decides, and jobs and workers do not change."""

type Document = Definition | ChangedConditions
"""What is kept by id, without events."""


class DefinitionStore[D](Protocol):
    """Definitions of one kind. Without events."""

    async def get(self, id: str) -> Stored[D] | None: ...

    async def create(self, definition: D, now: datetime) -> Stored[D]:
        """:raises AlreadyExists: nothing was written."""
        ...

    async def replace(self, expected: Stored[D], definition: D, now: datetime) -> Stored[D]:
        """:raises ConcurrencyConflict: ``expected`` is not what is stored."""
        ...

    async def delete(self, expected: Stored[D]) -> None:
        """:raises ConcurrencyConflict: ``expected`` is not what is stored."""
        ...

    async def list(self, limit: int, continuation: str | None = None) -> Page[Stored[D]]:
        """Definitions by id. Stable under change, as for jobs.

        :raises InvalidContinuation: the token was not made by a list of this kind.
        """
        ...


class Store(Protocol):
    """Everything a router remembers."""

    @property
    def jobs(self) -> JobStore: ...
    @property
    def workers(self) -> WorkerStore: ...
    @property
    def queues(self) -> DefinitionStore[Queue]: ...
    @property
    def distribution_policies(self) -> DefinitionStore[DistributionPolicy]: ...
    @property
    def classification_policies(self) -> DefinitionStore[ClassificationPolicy]: ...
    @property
    def exception_policies(self) -> DefinitionStore[ExceptionPolicy]: ...
    @property
    def changed_conditions(self) -> DefinitionStore[ChangedConditions]: ...

    async def close(self) -> None:
        """Release what is held open. Writes that were acknowledged are kept."""
        ...


class EventPublisher(Protocol):
    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        """Publish the events, in this order, at least once each.

        Returns within seconds even if the receiver hangs.
        :raises PublishFailed: some may not have been published.
        """
        ...

    async def close(self) -> None: ...


class RuleFailed(Exception):
    """A rule has no result; the message tells the policy's author why."""


class InvalidRule(Exception):
    """A rule can never have a result.

    ``position``: where in an expression it is wrong, as 1-based line and column. ``member``: of the
    rule, as the API calls it, if not all of it is wrong.
    """

    def __init__(
        self,
        message: str,
        position: tuple[int, int] | None = None,
        *,
        member: str | None = None,
    ) -> None:
        super().__init__(message)
        self.position = position
        self.member = member


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringQuestion:
    """How well does each of the workers suit a job?

    ``selectors``: those of the job that are active. ``workers``: labels by worker id, among them
    ``Id``; if there is no time for all, the last ones are left out.
    """

    job_labels: Labels
    selectors: Sequence[WorkerSelector]
    workers: Mapping[str, Labels]
    options: ScoringOptions


@dataclass(frozen=True, slots=True)
class Scored:
    """By worker id: the scores, and why others failed. Who is in neither was not asked about."""

    scores: Mapping[str, float]
    failures: Mapping[str, str]


class RuleEngine(Protocol):
    """Evaluates rules, or has others evaluate them, which may take seconds.

    Has no effect on anything, so it may be asked any number of times.
    """

    def check(self, rule: Rule, use: RuleUse) -> None:
        """Whether the rule may be saved in a place with this use.

        :raises InvalidRule: it can never have a result that makes sense there.
        """
        ...

    async def evaluate(self, rule: Rule, job_labels: Labels) -> Json:
        """The rule's result for a job with these labels.

        :raises RuleFailed: it has none.
        """
        ...

    async def score(self, rule: Rule, question: ScoringQuestion) -> Scored:
        """What the rule says of each worker. Returns within seconds; a failure is no exception."""
        ...

    def seal(self, rule: Rule) -> Rule:
        """The rule as it may be stored: what is secret in it can be read by this engine alone.

        The rule must have passed the check.
        """
        ...

    async def close(self) -> None: ...


class MatchSubject(StrEnum):
    """What is matched: a job with workers, a worker with jobs, or a queue whole."""

    JOB = "job"
    WORKER = "worker"
    QUEUE = "queue"


class Sweep(StrEnum):
    """The sweeps, by the names of their functions."""

    EXPIRE = "expire"
    DEREGISTER_IDLE_WORKERS = "deregister_idle_workers"
    TELL_CHANGED_CONDITIONS = "tell_changed_conditions"
    PUBLISH_OUTBOX = "publish_outbox"
    MATCH = "match"
    MATCH_QUEUE = "match_queue"
    OBSERVE_QUEUES = "observe_queues"


type Span = AbstractContextManager[object]
"""Lasts for as long as what it stands for. What begins within it is a part of it."""


class Telemetry(Protocol):
    """Shows operators what the router does. Nothing here waits, raises or suppresses an error."""

    @property
    def is_on(self) -> bool:
        """Whether anybody looks, so that something may be found out for that alone."""
        ...

    def committing(self, aggregate: Job | Worker) -> Span: ...

    def committed(self, before: Job | Worker, record: OutboxRecord) -> None:
        """The record was written, with what followed ``before``. Called once for each record."""
        ...

    def settling(self) -> Span: ...

    def matching(self, subject: MatchSubject, id: str) -> Span:
        """``id``: of the job, worker or queue."""
        ...

    def sweep_run(self, sweep: Sweep) -> Span:
        """One run of a sweep, whether or not there is something to do."""
        ...

    def sweep_batch(self, sweep: Sweep) -> Span:
        """Work that the sweep has found."""
        ...

    def sweep_lag(self, sweep: Sweep, lag: timedelta) -> None:
        """For how long the first thing to do has been due; zero: nothing is."""
        ...

    def outbox_age(self, age: timedelta) -> None:
        """Of the oldest record that a sweep found; zero: it found none."""
        ...

    def queue_seen(self, queue_id: str, length: int, longest_wait: timedelta) -> None:
        """``length``: how many jobs wait. ``longest_wait``: of the one that has waited longest."""
        ...


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The present time, in UTC."""
        ...


class IdGenerator(Protocol):
    def __call__(self) -> str:
        """A new unique id (a GUID)."""
        ...
