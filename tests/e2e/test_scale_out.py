"""Several routers on one store, with a crowd at all of them at once; one is killed on the way.

What clients were told, what events told and what the routers show in the end must agree.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.e2e.crowd import Clients, Crowd, meanwhile
from tests.e2e.fleet import NO_SWEEPS, STORES, Fleet, fleet_on
from tests.e2e.history import ENDED
from tests.e2e.inbox import Inbox, open_inbox
from tests.e2e.journal import Journal
from tests.e2e.ledger import Evidence, check_capacity, complaints_about
from tests.e2e.plan import LONG_SECONDS, QUEUES, SHORT_SECONDS, draw_plan
from tests.e2e.signed_client import SignedClient

SEED = 20_231_101

INSPECTION_SECONDS = 1.0
LOOK_SECONDS = 1.0
SETTLING_SECONDS = 60.0
DAY_SECONDS = 240.0
"""Many times what it takes: a day that does not end is a failure."""
CACHED_SECONDS = 2.5
"""Longer than a host may use a distribution policy that another host has changed."""

EVERY_ACTION = (
    *("submit", "accept", "decline", "decline for now", "complete", "close", "cancel"),
    *("unassign", "resume", "join", "leave", "train"),
)
EVERY_END = ("Accepted", "Declined", "Expired", "Revoked")


@dataclass(frozen=True)
class Size:
    """``each``: how often everything that can happen happens at least."""

    jobs: int
    workers: int
    each: int


SIZES = {"sqlite": Size(jobs=2000, workers=200, each=20), "cosmos": Size(300, 60, each=1)}
"""The double of Cosmos DB is slow: it is for what happens, not for how much of it."""


@dataclass
class Town:
    """Where it all happens. ``excesses``: what inspections of the workers found."""

    size: Size
    fleet: Fleet
    crowd: Crowd
    inbox: Inbox
    journal: Journal
    excesses: list[str]

    @property
    def api(self) -> SignedClient:
        """A host that is alive."""
        return next(iter(self.fleet.alive.values())).client

    async def evidence(self) -> Evidence:
        jobs = await self.api.list("/routing/jobs")
        workers = await self.api.list("/routing/workers")
        return Evidence(
            entries=tuple(self.journal.entries),
            events=tuple(self.inbox.events),
            jobs={job["id"]: job for job in jobs},
            workers={worker["id"]: worker for worker in workers},
            limits={queue_id: mode.at_most for queue_id, mode in QUEUES.items()},
        )


@asynccontextmanager
async def town_on(store: str, folder: Path) -> AsyncIterator[Town]:
    journal, dice, size = Journal(), Random(SEED), SIZES[store]
    async with (
        open_inbox() as (inbox, url),
        fleet_on(STORES[store], folder, url, "first", "second", "victim") as fleet,
    ):
        crowd = Crowd(Clients(fleet, journal, dice), draw_plan(SEED, size.jobs, size.workers))
        inbox.notify = crowd.on_event
        yield Town(size, fleet, crowd, inbox, journal, [])


@pytest.mark.parametrize("store", STORES)
async def test_three_hosts_on_one_store_are_one_router(store: str, tmp_path: Path) -> None:
    async with town_on(store, tmp_path) as town:
        await open_queues(town, SHORT_SECONDS)
        await town.crowd.register()
        await live(town)
        await wind_down(town)
        await town.fleet.start("victim", NO_SWEEPS)  # Only its topic has something left to do.
        await check_settles(town)
        await end_all_jobs(town)
        await check_settles(town)
        await check_nothing_is_held(town)
        assert town.excesses == []
        assert town.fleet.faults() == []
        check_everything_happened(town)


async def open_queues(town: Town, offer_seconds: float) -> None:
    for queue_id, mode in QUEUES.items():
        policy = mode.policy(offer_seconds)
        await town.api.send("PATCH", f"/routing/distributionPolicies/{queue_id}", policy)
        queue = {"distributionPolicyId": queue_id}
        await town.api.send("PATCH", f"/routing/queues/{queue_id}", queue)


async def live(town: Town) -> None:
    """The crowd's whole day."""
    async with (
        asyncio.timeout(DAY_SECONDS),
        meanwhile(inspect_all_the_time(town)),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(town.crowd.submit_all())
        group.create_task(kill_midway(town))


async def kill_midway(town: Town) -> None:
    await town.crowd.midway.wait()
    await town.fleet.kill("victim")


async def inspect_all_the_time(town: Town) -> None:
    while True:
        town.excesses += check_capacity(await town.api.list("/routing/workers"))
        await asyncio.sleep(INSPECTION_SECONDS)


async def wind_down(town: Town) -> None:
    """From here on offers last, so that they can rest too; then everybody is available."""
    await open_queues(town, LONG_SECONDS)
    await asyncio.sleep(CACHED_SECONDS + SHORT_SECONDS)
    await town.crowd.rest()
    for worker in await town.api.list("/routing/workers"):
        if not worker["availableForOffers"]:
            await town.crowd.join(worker["id"])


async def check_settles(town: Town) -> None:
    """All is well, if not at once then as soon as the sweeps have run."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + SETTLING_SECONDS
    while complaints := complaints_about(await town.evidence()):
        assert clock() < deadline, "\n".join(complaints)
        await asyncio.sleep(LOOK_SECONDS)


async def end_all_jobs(town: Town) -> None:
    """That a job can be ended shows that it is not stuck."""
    jobs = await town.api.list("/routing/jobs")
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            if job["status"] not in ENDED:
                group.create_task(town.crowd.cancel(job["id"]))


async def check_nothing_is_held(town: Town) -> None:
    evidence = await town.evidence()
    assert len(evidence.jobs) == town.size.jobs
    assert {job["status"] for job in evidence.jobs.values()} == ENDED
    assert {worker["loadRatio"] for worker in evidence.workers.values()} == {0}


def check_everything_happened(town: Town) -> None:
    """The checks had something to check."""
    done = {action: town.journal.done(action) for action in EVERY_ACTION}
    told = Counter(event.name for event in town.inbox.events)
    ends = {end: told[f"WorkerOffer{end}"] for end in EVERY_END}
    assert min(*done.values(), *ends.values()) >= town.size.each, (done, ends)
