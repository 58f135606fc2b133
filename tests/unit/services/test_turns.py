"""Requests of one process do not race each other for what only one of them can have."""

import asyncio
from collections import Counter

import pytest

from shared.domain.matching_modes import QueueAndMatch, Suspend
from shared.services.turns import Turns
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore
from tests.rig import Rig


class CountingGate:
    """Counts the operations and lets every other task run in each; the next slow one takes long.

    ``skip``: how many of that kind are quick before it.
    """

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.slow: str | None = None
        self.skip = 0
        self.slowed = asyncio.Event()

    async def before(self, operation: str) -> None:
        self.operations[operation] += 1
        await asyncio.sleep(0)
        if operation == self.slow:
            await self._take_long()

    async def _take_long(self) -> None:
        if self.skip:
            self.skip -= 1
        else:
            self.slow = None
            self.slowed.set()
            for _ in range(100):
                await asyncio.sleep(0)

    async def after(self, _operation: str) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def gate() -> CountingGate:
    return CountingGate()


@pytest.fixture
async def rig(gate: CountingGate) -> Rig:
    return await Rig(GatedStore(MemoryStore(), gate)).ready()


async def test_jobs_submitted_at_once_go_to_different_workers(rig: Rig, gate: CountingGate) -> None:
    names = [str(number) for number in range(6)]
    for name in names:
        await rig.worker(f"worker-{name}")
    gate.operations.clear()

    await asyncio.gather(*(rig.job(f"job-{name}") for name in names))

    offered = [await rig.offers_of(f"worker-{name}") for name in names]
    assert sorted(offered) == [[f"job-{name}"] for name in names]
    assert gate.operations["workers.replace"] == len(names)
    assert gate.operations["jobs.create"] == len(names)
    assert gate.operations["jobs.replace"] == 0


async def test_jobs_submitted_at_once_share_a_worker_with_enough_capacity(
    rig: Rig, gate: CountingGate
) -> None:
    await rig.worker(capacity=3)
    gate.operations.clear()

    await asyncio.gather(*(rig.job(f"job-{number}") for number in range(5)))

    assert len(await rig.offers_of()) == 3
    assert gate.operations["workers.replace"] == 3


async def test_a_freed_worker_leaves_a_job_to_the_request_that_is_offering_it(
    rig: Rig, gate: CountingGate
) -> None:
    await rig.worker("busy")
    await rig.job("first")
    accepted = await rig.accept("busy", "first")
    await rig.worker("free")
    await rig.submit("second", queue_id="queue", matching_mode=Suspend())
    gate.operations.clear()
    gate.slow, gate.skip = "jobs.replace", 1

    activation = asyncio.create_task(rig.patch_job("second", matching_mode=QueueAndMatch()))
    await gate.slowed.wait()
    await rig.job("third", priority=0)
    await rig.finish(accepted)
    await activation

    assert await rig.offers_of("free") == ["second"]
    assert await rig.offers_of("busy") == ["third"]
    # Second activated; second and third offered; first completed, closed.
    assert gate.operations["jobs.replace"] == 5


async def test_turns_are_taken_one_by_one_and_only_for_the_same_id() -> None:
    turns, order = Turns(), []

    async def take(id: str) -> None:
        async with turns.of(id) as had_to_wait:
            order.append(("begins", id, had_to_wait))
            await asyncio.sleep(0)
            order.append(("ends", id, had_to_wait))

    await asyncio.gather(take("a"), take("a"), take("b"))

    of_a = [entry for entry in order if entry[1] == "a"]
    assert of_a == [
        ("begins", "a", False),
        ("ends", "a", False),
        ("begins", "a", True),
        ("ends", "a", True),
    ]
    assert order.index(("begins", "b", False)) < order.index(("ends", "a", False))
    assert not turns.is_taken("a")


async def test_a_turn_ends_with_an_error() -> None:
    turns = Turns()

    async def fail() -> None:
        async with turns.of("a"):
            assert turns.is_taken("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with turns.of("a") as had_to_wait:
        assert not had_to_wait
