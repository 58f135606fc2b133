"""Races inside the issuing of an offer, stopped at the worst moment: between its two commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.domain.events import OfferIssued
from shared.services import sweeps
from shared.services.jobs import cancel_job
from shared.services.offering import resolve_reservation
from shared.services.offers import accept_offer
from shared.services.workers import delete_worker
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore
from tests.invariants.checks import check_at_rest
from tests.rig import CountingIds, Rig, build_router


class PausingGate:
    """Holds up the next job commit, once armed, until it is released."""

    def __init__(self) -> None:
        self.armed = False
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def before(self, operation: str) -> None:
        if self.armed and operation == "jobs.replace":
            self.armed = False
            self.reached.set()
            await self.released.wait()

    async def after(self, _operation: str) -> None:
        return


class Race:
    """``slow``: a router stopped before it lists an offer. ``rig``: another one, on the same store.

    The worker already holds the reservation.
    """

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.rig = Rig(self.store)
        self.gate = PausingGate()
        self.slow = Rig(GatedStore(self.store, self.gate))
        self.slow.clock, self.slow.events = self.rig.clock, self.rig.events
        self.slow.router = build_router(
            self.slow.store, self.rig.events, self.rig.clock, CountingIds("slow")
        )

    @asynccontextmanager
    async def issuing(self) -> AsyncIterator[None]:
        """Inside: the slow router is about to offer ``job`` to ``worker``."""
        await self.rig.ready()
        await self.rig.worker()
        self.gate.armed = True
        submission = asyncio.create_task(self.slow.job())
        await self.gate.reached.wait()
        assert len((await self.rig.read_worker()).open_offers) == 1
        assert (await self.rig.read_job()).offers == ()
        yield
        self.gate.released.set()
        await submission

    async def check(self) -> None:
        for _ in range(3):
            self.rig.clock.forward(seconds=16)
            await self.rig.sweep()
        await check_at_rest(self.store, self.rig.events.published)


async def test_a_stalled_issuer_cannot_list_an_offer_that_was_given_back() -> None:
    race = Race()
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        await resolve_reservation(race.rig.router, "worker", stalled.offer_id, "job")
        assert (await race.rig.read_worker()).reservations == ()
    assert stalled.offer_id not in {o.offer_id for o in (await race.rig.read_job()).offers}
    await race.check()


async def test_the_sweep_gives_back_what_a_stalled_issuer_holds() -> None:
    race = Race()
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        race.rig.clock.forward(seconds=16)
        await sweeps.expire(race.rig.router)
        (offered,) = (await race.rig.read_worker()).open_offers
        assert offered.offer_id != stalled.offer_id, "offered anew"
    assert len((await race.rig.read_job()).offers) == 1
    await race.check()


async def test_an_offer_to_a_deleted_worker_is_never_listed() -> None:
    race = Race()
    async with race.issuing():
        await delete_worker(race.rig.router, "worker")
    assert (await race.rig.read_job()).offers == ()
    await race.check()


async def test_an_offer_to_a_worker_that_left_is_never_listed() -> None:
    race = Race()
    async with race.issuing():
        await race.rig.set_available("worker", False)
        assert (await race.rig.read_worker()).reservations == ()
    assert (await race.rig.read_job()).offers == ()
    assert race.rig.events.of(OfferIssued) == []
    await race.check()


async def test_the_reservation_for_a_job_that_ended_is_given_back_at_once() -> None:
    race = Race()
    async with race.issuing():
        await cancel_job(race.rig.router, "job", None, None)
    assert (await race.rig.read_worker()).reservations == ()
    await race.check()


async def test_an_answer_waits_until_the_offer_is_listed() -> None:
    race = Race()
    async with race.issuing():
        offer_id = await race.rig.offer_id()
        answer = asyncio.create_task(accept_offer(race.rig.router, "worker", offer_id))
        await asyncio.sleep(0.02)
        assert not answer.done()
    assert (await answer).job_id == "job"
    await race.check()
