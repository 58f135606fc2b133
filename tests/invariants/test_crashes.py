"""A process may die before or after any write. The sweeps of another one put everything right.

Each scenario is run once undisturbed, to count its writes, and then once for every write and side
of it, dying there. What was acknowledged must hold, and the invariants must hold at rest.
"""

import pytest

from shared.domain.events import RecordedEvent
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore, is_write
from tests.invariants.checks import check_at_rest
from tests.invariants.scenarios import SCENARIOS, Request, Scenario, play, set_up
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


@pytest.mark.parametrize("publishing", [True, False], ids=["publishing", "publisher down"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
async def test_every_crash_is_repaired(scenario: Scenario, publishing: bool) -> None:
    writes = await _run(scenario, None, after_effect=False, publishing=publishing)
    assert writes > 1
    for at_write in range(1, writes + 1):
        for after_effect in (False, True):
            await _run(scenario, at_write, after_effect=after_effect, publishing=publishing)


async def _run(
    scenario: Scenario, at_write: int | None, *, after_effect: bool, publishing: bool
) -> int:
    inner = MemoryStore()
    await set_up(scenario, Rig(inner))
    gate = DeathGate(at_write, after_effect)
    rig = Rig(GatedStore(inner, gate))
    rig.events.down = not publishing
    try:
        await play(scenario, rig, _send)
    except ProcessDied:
        assert at_write is not None
    published = await _recover(inner, rig)
    await check_at_rest(inner, published)
    return gate.writes


async def _send(request: Request) -> None:
    await request()


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
