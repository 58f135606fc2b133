"""Many callers at once, interleaved at random at every store operation, and then quiet.

The clock moves, offers expire, publishing fails now and then. Every request either takes effect or
fails by a rule; at rest the invariants hold.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.domain.channels import Channel
from shared.domain.classification import RuleAttachment
from shared.domain.errors import RouterError
from shared.domain.events import OfferAccepted
from shared.domain.exception_policies import (
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.labels import LabelOperator
from shared.domain.rules import DirectMapRule
from shared.domain.selectors import WorkerSelector
from shared.ports import Store
from shared.services.jobs import (
    cancel_job,
    close_job,
    complete_job,
    delete_job,
    get_job,
    unassign_job,
)
from shared.services.offers import accept_offer, decline_offer
from shared.services.router import TooMuchContention
from shared.services.workers import delete_worker, get_worker
from shared.storage.memory import MemoryStore
from shared.storage.sqlite import open_sqlite_store
from tests.gates import GatedStore
from tests.invariants.checks import check_at_rest
from tests.rig import CountingIds, Rig, build_router

WORKERS = 6
CALLERS = 6
ACTIONS = 60


class ShufflingGate:
    """Lets other tasks run before and after an operation, at random."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def before(self, _operation: str) -> None:
        await self._yield()

    async def after(self, _operation: str) -> None:
        await self._yield()

    async def _yield(self) -> None:
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(0)


class Caller:
    """One application which does random things."""

    def __init__(self, rig: Rig, chance: random.Random, name: str) -> None:
        self._rig = rig
        self._chance = chance
        self._name = name
        self._submitted = 0
        self._visits = 0

    async def act(self) -> None:
        action = self._chance.choices(
            (
                self._submit,
                self._answer,
                self._work,
                self._change_worker,
                self._cancel,
                self._come_and_go,
                self._relabel,
                self._change_rules,
                self._pass_time,
            ),
            (8, 12, 10, 4, 1, 1, 3, 1, 2),
        )[0]
        with contextlib.suppress(RouterError, TooMuchContention):
            await action()

    async def _submit(self) -> None:
        self._submitted += 1
        selector = WorkerSelector(
            key="skill",
            operator=LabelOperator.GREATER_THAN,
            value=self._chance.randrange(4),
            expires_after_seconds=self._chance.choice((None, 30)),
        )
        place = self._chance.choice(
            (
                {"queue_id": "queue"},
                {"queue_id": "fan-out"},
                {"classification_policy_id": "by-wish", "labels": self._wish()},
            )
        )
        await self._rig.submit(
            f"{self._name}-{self._submitted}",
            channel_id=self._chance.choice(("chat", "voice")),
            priority=self._chance.randrange(3),
            requested_worker_selectors=(selector,) if self._chance.random() < 0.5 else (),
            **place,
        )

    def _wish(self) -> dict[str, str]:
        return {"wish": self._chance.choice(("queue", "fan-out"))}

    async def _relabel(self) -> None:
        """Perhaps a job that is classified, even at this very moment."""
        if self._submitted:
            number = self._chance.randint(1, self._submitted)
            await self._rig.patch_job(f"{self._name}-{number}", labels=self._wish())

    async def _change_rules(self) -> None:
        move = ManualReclassifyAction(id="move", queue_id="queue", priority=9)
        late = WaitTimeTrigger(threshold_seconds=self._chance.choice((1, 20)))
        full = QueueLengthTrigger(threshold=self._chance.choice((2, 5)))
        again = ReclassifyAction(id="again", labels_to_upsert=self._wish())
        await self._rig.exceptions(
            ExceptionRule(id="late", trigger=late, actions=(move,)),
            ExceptionRule(id="full", trigger=full, actions=(again,)),
        )

    async def _answer(self) -> None:
        worker = (await get_worker(self._rig.router, self._worker_id())).value
        assert worker.consumed_capacity <= worker.profile.capacity
        for held in worker.open_offers:
            if self._chance.random() < 0.7:
                await accept_offer(self._rig.router, worker.id, held.offer_id)
            else:
                await decline_offer(self._rig.router, worker.id, held.offer_id, None)

    async def _work(self) -> None:
        worker = (await get_worker(self._rig.router, self._worker_id())).value
        for held in worker.assignments:
            job = await get_job(self._rig.router, held.job_id)
            for assignment in job.value.assignments:
                await self._progress(held.job_id, assignment.assignment_id)

    async def _progress(self, job_id: str, assignment_id: str) -> None:
        router = self._rig.router
        if self._chance.random() < 0.1:
            await unassign_job(router, job_id, assignment_id, self._chance.random() < 0.3)
            return
        with contextlib.suppress(RouterError):
            await complete_job(router, job_id, assignment_id, None)
        await close_job(router, job_id, assignment_id, None, None, None)
        if self._chance.random() < 0.3:
            await delete_job(router, job_id)

    async def _change_worker(self) -> None:
        await self._rig.worker(
            self._worker_id(),
            queues=self._chance.choice((("queue",), ("queue", "fan-out"), ("fan-out",))),
            capacity=3,
            channels=CHANNELS,
            labels={"skill": self._chance.randrange(6)},
            available=self._chance.random() < 0.8,
            most_offers=self._chance.choice((None, 1, 2)),
        )

    async def _cancel(self) -> None:
        if self._submitted:
            number = self._chance.randint(1, self._submitted)
            await cancel_job(self._rig.router, f"{self._name}-{number}", None, None)

    async def _come_and_go(self) -> None:
        """A worker that is deleted while offers may be on their way to it."""
        self._visits += 1
        visitor = f"visitor-{self._name}-{self._visits}"
        await self._rig.worker(visitor, queues=("queue", "fan-out"), capacity=3, channels=CHANNELS)
        await asyncio.sleep(0)
        await delete_worker(self._rig.router, visitor)

    async def _pass_time(self) -> None:
        self._rig.events.down = self._chance.random() < 0.3
        self._rig.clock.forward(seconds=self._chance.choice((1, 5, 20)))
        await self._rig.sweep()

    def _worker_id(self) -> str:
        return f"worker-{self._chance.randrange(WORKERS)}"


CHANNELS = (
    Channel(channel_id="chat", capacity_cost_per_job=1, max_number_of_jobs=2),
    Channel(channel_id="voice", capacity_cost_per_job=2),
)


@pytest.mark.parametrize("seed", range(30))
async def test_invariants_hold_at_rest(seed: int) -> None:
    store = MemoryStore()
    await _check_many_callers(seed, [store])


@pytest.mark.parametrize("seed", range(10))
async def test_invariants_hold_for_two_instances_on_one_store(seed: int) -> None:
    store = MemoryStore()
    await _check_many_callers(seed, [store, store])


@pytest.mark.parametrize("seed", range(2))
async def test_invariants_hold_for_two_instances_on_one_file(seed: int, tmp_path: Path) -> None:
    stores = [await open_sqlite_store(tmp_path / "router.db") for _ in range(2)]
    await _check_many_callers(seed, stores)
    for store in stores:
        await store.close()


async def _check_many_callers(seed: int, stores: Sequence[Store]) -> None:
    """``stores``: all on the same data; each belongs to an instance of the router."""
    chance = random.Random(seed)
    instances = [Rig(GatedStore(store, ShufflingGate(chance))) for store in stores]
    for number, rig in enumerate(instances):
        rig.clock, rig.events = instances[0].clock, instances[0].events
        rig.router = build_router(
            rig.store, rig.events, rig.clock, CountingIds(f"instance-{number}")
        )
    await _set_up(instances[0])
    callers = [
        Caller(instances[number % len(instances)], chance, f"caller-{number}")
        for number in range(CALLERS)
    ]
    await asyncio.gather(*(_run(caller) for caller in callers))
    await _rest(instances[0], stores[0])
    assert len(instances[0].events.of(OfferAccepted)) > 5, "the test did something"


async def _set_up(rig: Rig) -> None:
    await rig.ready()
    await rig.policy("fan-out", max_concurrent_offers=3, min_concurrent_offers=2)
    await rig.exceptions()
    await rig.queue("fan-out", "fan-out", exceptions="exceptions")
    wished = RuleAttachment(rule=DirectMapRule())
    await rig.queue(labels={"wish": "queue"})
    await rig.classification(
        "by-wish", fallback_queue_id="fan-out", queue_selector_attachments=(wished,)
    )
    for number in range(WORKERS):
        await rig.worker(
            f"worker-{number}", queues=("queue", "fan-out"), capacity=3, channels=CHANNELS
        )


async def _rest(rig: Rig, store: Store) -> None:
    rig.events.down = False
    rig.router = build_router(store, rig.events, rig.clock, CountingIds("quiet"))
    for _ in range(4):
        rig.clock.forward(seconds=16)
        await rig.sweep()
    await check_at_rest(store, rig.events.published)


async def _run(caller: Caller) -> None:
    for _ in range(ACTIONS):
        await caller.act()
