"""Random snapshots of jobs and workers, small worlds in which everything collides with everything.

One builder serves Hypothesis, which can shrink what it draws, and seeded series.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.offers import Decline, Offer, Reservation
from shared.domain.selectors import SelectorStatus, WorkerSelector
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker
from tests.factories import NOW, make_job, make_offer, make_reservation, make_worker

TRICKY_VALUES: tuple[LabelValue, ...] = (
    True, False, 1, 1.0, 0, 0.0, -0.0, "1", "true", "", "x", 2, 2.5, -3, -0.5,
    2**53, 2**53 + 1, float(2**53), 1e308, -1e308, 10**400, 5e-324,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """How many of what there are at most, and which label values occur."""

    workers: int = 6
    jobs: int = 8
    queues: tuple[str, ...] = ("q1", "q2", "q3")
    channels: tuple[str, ...] = ("chat", "voice", "mail")
    label_keys: tuple[str, ...] = ("a", "b", "c")
    values: tuple[LabelValue, ...] = TRICKY_VALUES
    values_at_once: int = 4
    capacity: int = 6


LARGE = World(
    workers=80,
    jobs=150,
    values=(*TRICKY_VALUES, *range(40)),
    values_at_once=50,
    capacity=60,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    jobs: list[Job]
    workers: list[Worker]
    modes: dict[str, DistributionMode]
    last_offered: dict[str, str | None]


def snapshot(random: Random, world: World = World()) -> Snapshot:
    return SnapshotBuilder(random, world).snapshot()


class SnapshotBuilder:
    def __init__(self, random: Random, world: World) -> None:
        self.random = random
        self.world = world
        self.queues = random.sample(world.queues, random.randint(1, len(world.queues)))
        self.channels = random.sample(world.channels, random.randint(1, len(world.channels)))
        self.values = random.choices(world.values, k=world.values_at_once)
        self.worker_ids = [f"w{n}" for n in range(random.randint(1, world.workers))]
        self.job_ids = [f"j{n}" for n in range(random.randint(1, world.jobs))]
        random.shuffle(self.worker_ids)
        random.shuffle(self.job_ids)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            [self.job(id) for id in self.job_ids],
            [self.worker(id) for id in self.worker_ids],
            {queue: self.mode() for queue in self.queues if not self.rarely()},
            {queue: self.pointer() for queue in self.queues if self.often()},
        )

    def mode(self) -> DistributionMode:
        return DistributionMode(
            kind=self.random.choice(list(DistributionModeKind)),
            min_concurrent_offers=self.random.choice([1, 1, 2, 3]),
            max_concurrent_offers=self.random.choice([1, 1, 2, 3, 5]),
            bypass_selectors=self.rarely(),
        )

    def worker(self, id: str) -> Worker:
        return make_worker(
            id,
            capacity=self.random.choice([0, 1, 2, self.random.randint(1, self.world.capacity)]),
            queues=tuple(self.random.choices(self.queues, k=self.random.randint(1, 3))),
            channels=tuple(self.channel() for _ in range(self.random.randint(1, 4))),
            labels=self.labels(),
            available_for_offers=not self.rarely(),
            max_concurrent_offers=self.random.choice([None, None, None, None, 0, 1, 2]),
            registration=self.random.randint(1, 2),
            available_since=NOW - timedelta(seconds=self.random.randint(0, 2)),
            reservations=tuple(self.reservation(f"r{n}") for n in range(self.few())),
        )

    def channel(self) -> Channel:
        return Channel(
            channel_id=self.random.choice(self.channels),
            capacity_cost_per_job=self.random.randint(0, 3),
            max_number_of_jobs=self.random.choice([None, None, None, 0, 1, 2]),
        )

    def reservation(self, id: str) -> Reservation:
        return make_reservation(
            id,
            job_id=self.random.choice([*self.job_ids, "elsewhere"]),
            channel_id=self.random.choice(self.channels),
            capacity_cost=self.random.randint(0, 3),
            assignment_id=self.random.choice([None, "assignment"]),
        )

    def job(self, id: str) -> Job:
        job = make_job(
            id,
            queue_id=self.random.choice(self.queues),
            channel_id=self.random.choice(self.channels),
            priority=self.random.randint(1, 3),
            labels=self.labels(),
            requested_worker_selectors=tuple(self.selector() for _ in range(self.few())),
            status=JobStatus.CREATED if self.rarely() else JobStatus.QUEUED,
            enqueued_at=NOW + timedelta(seconds=self.random.randint(0, 2)),
        )
        return replace(
            job,
            offers=tuple(self.offer(f"o{n}") for n in range(self.few())),
            declines=tuple(self.decline() for _ in range(self.few())),
        )

    def labels(self) -> dict[str, LabelValue]:
        return {key: self.value() for key in self.world.label_keys if self.often()}

    def selector(self) -> WorkerSelector:
        return WorkerSelector(
            key=self.random.choice(self.world.label_keys),
            operator=self.random.choice(list(LabelOperator)),
            value=self.value(),
            expedite=self.rarely(),
            status=SelectorStatus.EXPIRED if self.rarely() else SelectorStatus.ACTIVE,
        )

    def offer(self, id: str) -> Offer:
        return make_offer(id, worker_id=self.some_worker(), registration=1)

    def decline(self) -> Decline:
        return Decline(worker_id=self.some_worker(), registration=self.random.randint(1, 2))

    def pointer(self) -> str | None:
        return self.random.choice([None, "", "w05", "zz", *self.worker_ids])

    def some_worker(self) -> str:
        return self.random.choice([*self.worker_ids, "gone"])

    def value(self) -> LabelValue:
        return self.random.choice(self.values)

    def few(self) -> int:
        return self.random.choice([0, 0, 0, 0, 1, 2])

    def often(self) -> bool:
        return self.random.randint(0, 3) > 0

    def rarely(self) -> bool:
        return self.random.randint(0, 5) == 0
