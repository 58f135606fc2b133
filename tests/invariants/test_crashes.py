"""A process may die before or after any write. The sweeps of another one put everything right.

Each scenario is run once undisturbed, to count its writes, and then once for every write and side
of it, dying there. What was acknowledged must hold, and the invariants must hold at rest.
"""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from shared.domain.channels import Channel
from shared.domain.events import RecordedEvent
from shared.services.jobs import cancel_job, delete_job, unassign_job
from shared.services.offers import decline_offer
from shared.services.workers import delete_worker
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore, is_write
from tests.invariants.checks import check_at_rest
from tests.rig import CatchingPublisher, CountingIds, Rig, build_router


class ProcessDied(BaseException):
    """Not an Exception: nothing in the product may catch it."""


class DeathGate:
    """Dies at the given write, before or after it takes effect, and stays dead."""

    def __init__(self, at_write: int | None, after_effect: bool) -> None:
        self.writes = 0
        self._at = at_write
        self._after = after_effect
        self._dead = False

    async def before(self, operation: str) -> None:
        self._check()
        if is_write(operation):
            self.writes += 1
            if self.writes == self._at and not self._after:
                self._die()

    async def after(self, operation: str) -> None:
        if is_write(operation) and self.writes == self._at and self._after:
            self._die()

    def _check(self) -> None:
        if self._dead:
            raise ProcessDied

    def _die(self) -> None:
        self._dead = True
        raise ProcessDied


type Scenario = Callable[[Rig], Awaitable[None]]


async def life_cycle(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.finish(await rig.accept())


async def decline_and_offer_to_another(rig: Rig) -> None:
    await rig.worker("a")
    await rig.worker("b")
    await rig.job()
    first = (await rig.read_job()).offers[0].worker_id
    await decline_offer(rig.router, first, await rig.offer_id(first), None)


async def fan_out_and_accept(rig: Rig) -> None:
    for name in ("a", "b", "c"):
        await rig.worker(name)
    await rig.job()
    await rig.job("next")
    await rig.accept("b")


async def expire_offer(rig: Rig) -> None:
    await rig.worker("a", capacity=2)
    await rig.job()
    await rig.job("other")
    rig.clock.forward(seconds=61)
    await rig.sweep()


async def deregister_with_open_offers(rig: Rig) -> None:
    await rig.worker("a", capacity=2)
    await rig.job()
    await rig.job("other")
    await rig.set_available("a", False)
    await rig.worker("b")


async def delete_busy_worker(rig: Rig) -> None:
    await rig.worker("a")
    await rig.job()
    await delete_worker(rig.router, "a")
    await rig.worker("b")


async def cancel_and_delete(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.accept()
    await cancel_job(rig.router, "job", "note", None)
    await delete_job(rig.router, "job")
    await rig.job("next")


async def unassign(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    await unassign_job(rig.router, "job", accepted.assignment_id, False)


async def ninety_days(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.accept()
    rig.clock.forward(days=91)
    await rig.sweep()


async def shrinking_worker(rig: Rig) -> None:
    chat = (Channel(channel_id="chat", capacity_cost_per_job=1),)
    await rig.worker("a", capacity=3, channels=chat)
    for name in ("one", "two", "three"):
        await rig.job(name)
    await rig.worker("a", capacity=1, channels=chat)


SCENARIOS: Sequence[Scenario] = (
    life_cycle,
    decline_and_offer_to_another,
    fan_out_and_accept,
    expire_offer,
    deregister_with_open_offers,
    delete_busy_worker,
    cancel_and_delete,
    unassign,
    ninety_days,
    shrinking_worker,
)


@pytest.mark.parametrize("publishing", [True, False], ids=["publishing", "publisher down"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
async def test_every_crash_is_repaired(scenario: Scenario, publishing: bool) -> None:
    writes = await _run(scenario, None, after_effect=False, publishing=publishing)
    assert writes > 3
    for at_write in range(1, writes + 1):
        for after_effect in (False, True):
            await _run(scenario, at_write, after_effect=after_effect, publishing=publishing)


async def _run(
    scenario: Scenario, at_write: int | None, *, after_effect: bool, publishing: bool
) -> int:
    inner = MemoryStore()
    setup = Rig(inner)
    await setup.ready(max_concurrent_offers=3 if scenario is fan_out_and_accept else 1)
    gate = DeathGate(at_write, after_effect)
    rig = Rig(GatedStore(inner, gate))
    rig.events.down = not publishing
    try:
        await scenario(rig)
    except ProcessDied:
        assert at_write is not None
    published = await _recover(inner, rig)
    await check_at_rest(inner, published)
    return gate.writes


async def _recover(inner: MemoryStore, dead: Rig) -> list[RecordedEvent]:
    """Another process with working sweeps takes over; everything published, by both."""
    successor = Rig(inner)
    successor.clock.now = dead.clock.now
    successor.events = CatchingPublisher()
    successor.router = build_router(
        inner, successor.events, successor.clock, CountingIds("successor")
    )
    for _ in range(3):
        successor.clock.forward(seconds=16)
        await successor.sweep()
    return dead.events.published + successor.events.published
