"""Races inside the issuing of an offer, stopped at the worst moment: between its two commits.

The second one lists the offer on a job that is stored, or creates the job with it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from shared.domain.events import OfferIssued
from shared.domain.matching_modes import QueueAndMatch, Suspend
from shared.services import sweeps
from shared.services.jobs import cancel_job
from shared.services.offering import resolve_reservation
from shared.services.offers import accept_offer, decline_offer
from shared.services.workers import delete_worker
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore
from tests.invariants.checks import check_at_rest
from tests.rig import CountingIds, Rig, build_router


class PausingGate:
    """Holds up one operation, the first after those that are skipped, until it is released."""

    def __init__(self, operation: str, skip: int = 0) -> None:
        self._operation = operation
        self._left = skip
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def before(self, operation: str) -> None:
        if operation != self._operation:
            return
        self._left -= 1
        if self._left == -1:
            self.reached.set()
            await self.released.wait()

    async def after(self, _operation: str) -> None:
        return


class Race:
    """``slow``: a router stopped before it lists an offer. ``rig``: another one, on the same store.

    The worker already holds the reservation.
    """

    def __init__(self, gate: PausingGate) -> None:
        self.store = MemoryStore()
        self.rig = Rig(self.store)
        self.gate = gate
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
        issuing = asyncio.ensure_future(await self.begin())
        await self.gate.reached.wait()
        assert len((await self.rig.read_worker()).open_offers) == 1
        assert await self.listed() == set()
        yield
        self.gate.released.set()
        await issuing

    async def begin(self) -> Awaitable[None]:
        """What the slow router does."""
        raise NotImplementedError

    async def listed(self) -> set[str]:
        job = await self.store.jobs.get("job")
        return {offer.offer_id for offer in job.value.offers} if job else set()

    async def check(self) -> None:
        for _ in range(3):
            self.rig.clock.forward(seconds=16)
            await self.rig.sweep()
        await check_at_rest(self.store, self.rig.events.published)


class StoredJob(Race):
    """The job is suspended first; its activation is one commit, the listing the next."""

    def __init__(self) -> None:
        super().__init__(PausingGate("jobs.replace", skip=1))

    async def begin(self) -> Awaitable[None]:
        await self.rig.submit(queue_id="queue", matching_mode=Suspend())
        return self.slow.patch_job(matching_mode=QueueAndMatch())


class NewJob(Race):
    def __init__(self) -> None:
        super().__init__(PausingGate("jobs.create"))

    async def begin(self) -> Awaitable[None]:
        return self.slow.job()


@pytest.fixture(params=[StoredJob, NewJob])
async def race(request: pytest.FixtureRequest) -> Race:
    race: Race = request.param()
    return race


async def test_a_stalled_issuer_cannot_list_an_offer_that_was_given_back(race: Race) -> None:
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        await resolve_reservation(race.rig.router, "worker", stalled.offer_id, "job")
        assert (await race.rig.read_worker()).reservations == ()
    (offered,) = await race.listed()
    assert offered != stalled.offer_id
    await race.check()


async def test_the_sweep_gives_back_what_a_stalled_issuer_holds(race: Race) -> None:
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        race.rig.clock.forward(seconds=16)
        await sweeps.expire(race.rig.router)
        held = (await race.rig.read_worker()).open_offers
        assert stalled.offer_id not in {reservation.offer_id for reservation in held}
        assert len(held) == isinstance(race, StoredJob), "a job that is stored is offered anew"
    (offered,) = await race.listed()
    assert offered != stalled.offer_id
    await race.check()


async def test_an_offer_to_a_deleted_worker_is_never_listed(race: Race) -> None:
    async with race.issuing():
        await delete_worker(race.rig.router, "worker")
    assert (await race.rig.read_job()).offers == ()
    assert race.rig.events.of(OfferIssued) == []
    await race.check()


async def test_an_offer_to_a_worker_that_left_is_never_listed(race: Race) -> None:
    async with race.issuing():
        await race.rig.set_available("worker", False)
        assert (await race.rig.read_worker()).reservations == ()
    assert (await race.rig.read_job()).offers == ()
    assert race.rig.events.of(OfferIssued) == []
    await race.check()


async def test_an_offer_to_a_worker_that_left_goes_to_another_one(race: Race) -> None:
    async with race.issuing():
        await race.rig.set_available("worker", False)
        await race.rig.worker("another")
    (offer,) = (await race.rig.read_job()).offers
    assert offer.worker_id == "another"
    await race.check()


async def test_an_answer_waits_until_the_offer_is_listed(race: Race) -> None:
    async with race.issuing():
        offer_id = await race.rig.offer_id()
        answer = asyncio.create_task(accept_offer(race.rig.router, "worker", offer_id))
        await asyncio.sleep(0.02)
        assert not answer.done()
    assert (await answer).job_id == "job"
    await race.check()


async def test_a_decline_waits_until_the_offer_is_listed(race: Race) -> None:
    async with race.issuing():
        offer_id = await race.rig.offer_id()
        answer = asyncio.create_task(decline_offer(race.rig.router, "worker", offer_id, None))
        await asyncio.sleep(0.02)
        assert not answer.done()
    await answer
    assert await race.listed() == set()
    await race.check()


async def test_the_reservation_for_a_job_that_ended_is_given_back_at_once() -> None:
    race = StoredJob()
    async with race.issuing():
        await cancel_job(race.rig.router, "job", None, None)
    assert (await race.rig.read_worker()).reservations == ()
    await race.check()


async def test_a_creator_that_was_overtaken_gives_the_worker_back() -> None:
    race = NewJob()
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        await race.rig.job()
        assert await race.listed() == set(), "the worker is taken"
    (offered,) = await race.listed()
    assert offered != stalled.offer_id
    assert race.rig.events.names("job") == ["JobReceived", "JobQueued", "OfferIssued"]
    await race.check()


async def test_a_resolved_reservation_does_not_keep_the_job_from_being_submitted() -> None:
    race = NewJob()
    async with race.issuing():
        (stalled,) = (await race.rig.read_worker()).open_offers
        await resolve_reservation(race.rig.router, "worker", stalled.offer_id, "job")
        await race.rig.job()
        assert len(await race.listed()) == 1
    assert race.rig.events.names("job") == ["JobReceived", "JobQueued", "OfferIssued"]
    await race.check()
