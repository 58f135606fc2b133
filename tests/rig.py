"""A router under full control: memory store, a clock that is set, ids that count, events caught."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.channels import Channel
from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionMode, DistributionPolicy
from shared.domain.errors import NotFound
from shared.domain.events import Event, RecordedEvent
from shared.domain.exception_policies import ExceptionPolicy, ExceptionRule
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import Labels
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import Worker, WorkerProfile
from shared.ports import PublishFailed, Store
from shared.rules.engine import Engine
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import Vault
from shared.services import sweeps
from shared.services.classification_policies import upsert_classification_policy
from shared.services.definitions import DefinitionCache
from shared.services.distribution_policies import upsert_distribution_policy
from shared.services.exception_policies import upsert_exception_policy
from shared.services.jobs import close_job, complete_job, upsert_job
from shared.services.offers import AcceptedOffer, accept_offer
from shared.services.outbox import Outbox, Pending
from shared.services.preconditions import Precondition
from shared.services.queues import upsert_queue
from shared.services.router import Router
from shared.services.workers import upsert_worker
from shared.storage.memory import MemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)
NONE = Precondition()
LOOPBACK = AllowedHosts.parse(["127.0.0.1"])
SECRETS_KEY = b"a key to seal secrets of rules 1"


class SetClock:
    """Time stands still until a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class CountingIds:
    def __init__(self, prefix: str = "id") -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"


class CatchingPublisher:
    """Keeps what is published; refuses while ``down``."""

    def __init__(self) -> None:
        self.published: list[RecordedEvent] = []
        self.down = False
        self.attempts = 0

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        self.attempts += 1
        if self.down:
            raise PublishFailed("down")
        self.published += events

    async def close(self) -> None:
        return

    def of[E](self, kind: type[E]) -> list[E]:
        return [r.event for r in self.published if isinstance(r.event, kind)]

    def names(self, about: str | None = None) -> list[str]:
        """Class names in order; ``about``: only those of the job or worker with this id."""
        return [
            type(r.event).__name__
            for r in self.published
            if about is None or about in _ids(r.event)
        ]


def _ids(event: Event) -> set[str]:
    return {getattr(event, name) for name in ("job_id", "worker_id") if hasattr(event, name)}


class PromptOutbox(Outbox):
    """Publishes before the request is answered, so that a test sees the events at once."""

    async def post(self, pending: Iterable[Pending]) -> None:
        if not self._is_paused():
            await self.deliver(list(pending))


def build_router(
    store: Store, publisher: CatchingPublisher, clock: SetClock, ids: CountingIds
) -> Router:
    return Router(
        store=store,
        outbox=PromptOutbox(publisher, clock),
        definitions=DefinitionCache(store, clock),
        rules=Engine(clock, RemoteRules(clock, LOOPBACK, Vault([SECRETS_KEY]))),
        clock=clock,
        new_id=ids,
    )


class Rig:
    """A router and short ways to set it up. Ids: policy ``policy``, queue ``queue``."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock = SetClock()
        self.store: Store = store or MemoryStore()
        self.events = CatchingPublisher()
        self.ids = CountingIds()
        self.router = build_router(self.store, self.events, self.clock, self.ids)

    async def policy(self, id: str = "policy", *, seconds: float = 60, **mode: object) -> None:
        policy = DistributionPolicy(
            id=id,
            offer_expires_after_seconds=seconds,
            mode=DistributionMode(**mode),  # type: ignore[arg-type]
        )
        await upsert_distribution_policy(self.router, id, lambda _: policy, NONE)

    async def queue(
        self,
        id: str = "queue",
        policy: str = "policy",
        *,
        labels: Labels | None = None,
        exceptions: str | None = None,
    ) -> None:
        queue = Queue(
            id=id,
            distribution_policy_id=policy,
            labels=labels or {},
            exception_policy_id=exceptions,
        )
        await upsert_queue(self.router, id, lambda _: queue, NONE)

    async def classification(self, id: str = "classification", **members: Any) -> None:
        policy = ClassificationPolicy(id=id, **members)
        await upsert_classification_policy(self.router, id, lambda _: policy, NONE)

    async def unchecked_classification(self, **members: Any) -> None:
        """One with rules that make no sense, as functions may give what makes none."""
        policy = ClassificationPolicy(id="classification", **members)
        await self.store.classification_policies.create(policy, self.clock())

    async def exceptions(self, *rules: ExceptionRule, id: str = "exceptions") -> None:
        policy = ExceptionPolicy(id=id, rules=rules)
        await upsert_exception_policy(self.router, id, lambda _: policy, NONE)

    async def submit(self, id: str = "job", **members: Any) -> Job:
        """The job as answered. ``members``: of its definition; channel ``chat`` by default."""
        definition = JobDefinition(**{"channel_id": "chat", **members})
        return (await upsert_job(self.router, id, lambda _: definition, NONE)).stored.value

    async def patch_job(self, id: str = "job", **members: Any) -> None:
        def define(current: JobDefinition | None) -> JobDefinition:
            if current is None:
                raise NotFound("job", id)
            return replace(current, **members)

        await upsert_job(self.router, id, define, NONE)

    async def ready(self, **mode: object) -> "Rig":
        """With one policy and one queue."""
        await self.policy(**mode)  # type: ignore[arg-type]
        await self.queue()
        return self

    async def worker(
        self,
        id: str = "worker",
        *,
        queues: tuple[str, ...] = ("queue",),
        capacity: int = 1,
        channels: tuple[Channel, ...] = (Channel(channel_id="chat", capacity_cost_per_job=1),),
        labels: Labels | None = None,
        available: bool = True,
        most_offers: int | None = None,
    ) -> None:
        profile = WorkerProfile(
            capacity=capacity,
            queues=queues,
            channels=channels,
            labels=labels or {},
            available_for_offers=available,
            max_concurrent_offers=most_offers,
        )
        await upsert_worker(self.router, id, lambda _: profile, NONE)

    async def set_available(self, id: str, available: bool) -> None:
        def define(profile: WorkerProfile | None) -> WorkerProfile:
            assert profile is not None
            return replace(profile, available_for_offers=available)

        await upsert_worker(self.router, id, define, NONE)

    async def job(
        self,
        id: str = "job",
        *,
        queue: str = "queue",
        channel: str = "chat",
        priority: int = 1,
        selectors: tuple[WorkerSelector, ...] = (),
        labels: Labels | None = None,
    ) -> None:
        definition = JobDefinition(
            channel_id=channel,
            queue_id=queue,
            priority=priority,
            requested_worker_selectors=selectors,
            labels=labels or {},
        )
        await upsert_job(self.router, id, lambda _: definition, NONE)

    async def read_job(self, id: str = "job") -> Job:
        stored = await self.store.jobs.get(id)
        assert stored is not None
        return stored.value

    async def read_worker(self, id: str = "worker") -> Worker:
        stored = await self.store.workers.get(id)
        assert stored is not None
        return stored.value

    async def offers_of(self, worker_id: str = "worker") -> list[str]:
        """Ids of the jobs offered to the worker now."""
        return [held.job_id for held in (await self.read_worker(worker_id)).open_offers]

    async def offer_id(self, worker_id: str = "worker", job_id: str = "job") -> str:
        worker = await self.read_worker(worker_id)
        return next(h.offer_id for h in worker.open_offers if h.job_id == job_id)

    async def accept(self, worker_id: str = "worker", job_id: str = "job") -> AcceptedOffer:
        return await accept_offer(self.router, worker_id, await self.offer_id(worker_id, job_id))

    async def finish(self, accepted: AcceptedOffer) -> None:
        await complete_job(self.router, accepted.job_id, accepted.assignment_id, None)
        await close_job(self.router, accepted.job_id, accepted.assignment_id, None, None, None)

    async def sweep(self) -> None:
        """Every sweep once, in the order which leaves least for the next time."""
        await sweeps.publish_outbox(self.router)
        await sweeps.expire(self.router)
        await sweeps.deregister_idle_workers(self.router)
        await sweeps.tell_changed_conditions(self.router)
        await sweeps.match(self.router)
