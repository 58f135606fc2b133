"""The outbox in Azure Cosmos DB: who answers for which records, in processes that live, or die."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy, CosmosClient
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.follow_ups import ReleaseReservation
from shared.domain.jobs import Job
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    OutboxRecord,
    Stored,
    StoreUnavailable,
)
from shared.storage.cosmos import Account, CosmosStore, Patience, provision_cosmos_store
from shared.storage.cosmos.client import connected
from shared.storage.cosmos.errors import Uncertain
from shared.storage.cosmos.items import BESIDE_FOR
from shared.storage.cosmos.leftovers import DEAD_AFTER, FORGOTTEN_AFTER
from shared.storage.cosmos.outbox import MOST_CARRIED_BYTES
from shared.storage.cosmos.segments import Pace
from tests.cosmos.double import Double, Options, double_in_thread
from tests.cosmos.faults import Answer, Delay, Drop, Hang
from tests.cosmos.messages import Operation
from tests.factories import NOW, make_job, make_record, seconds

USUAL = Patience()
BRIEF = Pace(open=0.03, patience=0.06, pause=0.02)
LASTING = Pace(open=60.0, patience=60.0)
SOON = NOW + seconds(1)
DEAD = SOON + DEAD_AFTER
FORGOTTEN = SOON + FORGOTTEN_AFTER
WRITES = (Operation.CREATE, Operation.REPLACE, Operation.BATCH)
NAMES = count()


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with double_in_thread(Options(ranges=1, strict_indexing=True)) as double:
        yield double


@pytest.fixture
def double(running: Double) -> Iterator[Double]:
    yield running
    running.faults.clear()


class Process:
    """A process of the router as its jobs' outbox sees it."""

    def __init__(
        self,
        client: CosmosClient,
        database: str,
        pace: Pace,
        patience: Patience,
        opened: AsyncExitStack,
    ) -> None:
        self.store = CosmosStore(client, database, patience, AsyncExitStack(), pace)
        self._connection = opened

    async def end(self) -> None:
        async with self._connection:
            await self.store.close()

    async def die(self) -> None:
        """From now on nothing of it reaches the database."""
        await self._connection.aclose()

    async def submit(self, id: str, record: str | None = None) -> Stored[Job]:
        return await self.store.jobs.create(make_job(id), _record(id, record), NOW)

    async def change(self, id: str, record: str | None = None) -> Stored[Job]:
        stored = await self.read(id)
        return await self.store.jobs.replace(stored, stored.value, _record(id, record), NOW)

    async def delete(self, id: str, record: str | None = None) -> None:
        await self.store.jobs.delete(await self.read(id), _record(id, record))

    async def read(self, id: str) -> Stored[Job]:
        stored = await self.store.jobs.get(id)
        assert stored is not None
        return stored

    async def deal_with(self, id: str, *records: str) -> None:
        await self.store.jobs.remove_records([make_record(record, id) for record in records])

    async def finds(self, at: Any = SOON) -> list[str]:
        return [record.id for record in await self.store.jobs.outbox(at, 100)]


def _record(aggregate_id: str, id: str | None) -> OutboxRecord | None:
    return make_record(id, aggregate_id) if id else None


@dataclass(frozen=True)
class World:
    """A database, and processes that use it."""

    account: Account
    database: str
    jobs: ContainerProxy
    definitions: ContainerProxy
    processes: AsyncExitStack

    async def process(self, pace: Pace = LASTING, patience: Patience = USUAL) -> Process:
        opened = AsyncExitStack()
        client = await opened.enter_async_context(connected(self.account))
        process = Process(client, self.database, pace, patience, opened)
        self.processes.push_async_callback(process.end)
        return process

    async def segments(self) -> list[dict[str, Any]]:
        return await _items(self.definitions)

    async def until(self, holds: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Wait until the list of segments is as it should be."""
        async with asyncio.timeout(5):
            while True:
                if holds(await self.segments()):
                    return
                await asyncio.sleep(0.01)

    async def until_all_have_ended(self) -> None:
        await self.until(lambda listed: not listed)

    async def until_left(self, *records: str) -> None:
        await self.until(lambda listed: _left(listed) == sorted(records))

    async def carried_records(self) -> list[str]:
        """What is in items of jobs, whether or not somebody looks for it."""
        items = await _items(self.jobs)
        return [record["id"] for item in items for record in item.get("outbox", [])]


async def _items(container: ContainerProxy) -> list[dict[str, Any]]:
    return [item async for item in container.query_items("SELECT * FROM c")]


def _left(listed: Sequence[dict[str, Any]]) -> list[str] | None:
    """Of all segments; ``None``: one says nothing."""
    lists = [segment["document"]["left"] for segment in listed]
    if None in lists:
        return None
    return sorted(left["record_id"] for of in lists for left in of)


@asynccontextmanager
async def new_world(double: Double) -> AsyncIterator[World]:
    account = Account(endpoint=double.endpoint, credential=double.key)
    name = f"outbox-{next(NAMES)}"
    await provision_cosmos_store(account, name)
    async with (
        CosmosClient(account.endpoint, account.credential) as client,
        AsyncExitStack() as processes,
    ):
        database = client.get_database_client(name)
        jobs = database.get_container_client("jobs")
        definitions = database.get_container_client("definitions")
        yield World(account, name, jobs, definitions, processes)


@pytest.fixture
async def world(double: Double) -> AsyncIterator[World]:
    async with new_world(double) as opened:
        yield opened


# -- a process that lives -------------------------------------------------------------------------


async def test_a_record_costs_one_write_and_no_removal(world: World, double: Double) -> None:
    process = await world.process()
    await process.submit("a", "r1")
    double.requests.clear()
    await process.change("a", "r2")
    await process.deal_with("a", "r1", "r2")
    sent = [entry.operation for entry in double.requests if entry.partition is not None]
    assert sent == [Operation.READ, Operation.REPLACE]
    assert await process.finds() == []


async def test_what_is_dealt_with_leaves_with_the_next_write(world: World) -> None:
    process = await world.process()
    await process.submit("a", "r1")
    await process.change("a", "r2")
    assert await world.carried_records() == ["r1", "r2"]
    await process.deal_with("a", "r1")
    await process.change("a")
    assert await world.carried_records() == ["r2"]


async def test_a_segment_ends_when_nothing_is_left(world: World) -> None:
    process = await world.process(BRIEF)
    await process.submit("a", "r1")
    assert len(await world.segments()) == 1
    await process.deal_with("a", "r1")
    await world.until_all_have_ended()
    await process.change("a")
    assert await world.carried_records() == []


async def test_commits_of_the_same_seconds_share_a_segment(world: World) -> None:
    process = await world.process()
    await asyncio.gather(*(process.submit(f"job-{number}", "r") for number in range(20)))
    assert len(await world.segments()) == 1


async def test_commits_without_records_need_no_segment(world: World) -> None:
    process = await world.process()
    await process.submit("a")
    await process.change("a")
    await process.delete("a")
    assert await world.segments() == []


async def test_a_lost_race_leaves_nothing_to_do(world: World) -> None:
    process = await world.process(BRIEF)
    old = await process.submit("a")
    await process.change("a")
    with pytest.raises(ConcurrencyConflict):
        await process.store.jobs.replace(old, old.value, make_record("r", "a"), NOW)
    await world.until_all_have_ended()


async def test_what_is_not_dealt_with_in_time_is_left_by_name(world: World) -> None:
    process, other = await world.process(BRIEF), await world.process()
    await process.submit("a", "r1")
    await process.submit("b", "r2")
    await process.deal_with("b", "r2")
    await world.until_left("r1")
    assert await other.finds(NOW) == []
    assert await other.finds() == ["r1"]
    await other.deal_with("a", "r1")
    assert await world.segments() == []


async def test_what_is_dealt_with_late_is_struck_off(world: World) -> None:
    process = await world.process(BRIEF)
    await process.submit("a", "r1")
    await world.until_left("r1")
    await process.deal_with("a", "r1")
    assert await world.segments() == []


async def test_closing_leaves_what_is_not_dealt_with(world: World) -> None:
    process, other = await world.process(), await world.process()
    await process.submit("a", "r1")
    await process.submit("b", "r2")
    await process.deal_with("b", "r2")
    await process.store.close()
    assert await other.finds() == ["r1"]


async def test_many_wait_no_longer_than_one_for_a_list_that_cannot_be_told(
    world: World, double: Double
) -> None:
    process = await world.process()
    fault = double.faults.add(Drop(), *WRITES, container="definitions", times=10**6)
    submissions = (process.submit(f"job-{number}", "r") for number in range(10))
    outcomes = await asyncio.gather(*submissions, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Uncertain, StoreUnavailable}
    assert fault.struck <= 8
    double.faults.clear()
    await process.submit("job-0", "r")


async def test_a_store_that_is_closed_while_the_list_cannot_be_told(
    world: World, double: Double
) -> None:
    process = await world.process(BRIEF)
    await process.submit("a", "r1")
    double.faults.add(Drop(), *WRITES, container="definitions", times=10**6)
    await process.store.close()
    double.faults.clear()
    await process.submit("b", "r2")
    await process.deal_with("b", "r2")
    assert "r1" in await process.finds(DEAD)
    await process.deal_with("a", "r1")
    await world.until(lambda listed: len(listed) == 1)
    await process.finds(FORGOTTEN)
    assert await world.segments() == []


async def test_a_list_that_cannot_be_told_is_told_later(world: World, double: Double) -> None:
    process = await world.process(BRIEF)
    await process.submit("a", "r1")
    await process.deal_with("a", "r1")
    fault = double.faults.add(Drop(), Operation.DELETE, container="definitions", times=12)
    await world.until_all_have_ended()
    assert fault.struck == 12


# -- a process that dies --------------------------------------------------------------------------


async def test_what_a_dead_process_did_not_say_is_looked_for(world: World) -> None:
    dead, other = await world.process(), await world.process()
    await dead.submit("a", "r1")
    await dead.submit("b", "r2")
    await dead.die()
    assert await other.finds(SOON) == []
    assert sorted(await other.finds(DEAD)) == ["r1", "r2"]
    await other.deal_with("a", "r1")
    assert await other.finds(DEAD) == ["r2"]
    await other.deal_with("b", "r2")
    assert await other.finds(DEAD) == []
    assert await world.carried_records() == []


async def test_the_segment_of_a_dead_process_is_forgotten_when_it_is_old(world: World) -> None:
    dead, other = await world.process(), await world.process()
    await dead.submit("a", "r1")
    await dead.die()
    assert await other.finds(FORGOTTEN) == ["r1"]
    assert len(await world.segments()) == 1
    await other.deal_with("a", "r1")
    assert await other.finds(DEAD) == []
    assert len(await world.segments()) == 1
    assert await other.finds(FORGOTTEN) == []
    assert await world.segments() == []


async def test_a_record_that_cannot_be_dealt_with_for_hours_is_not_forgotten(
    world: World,
) -> None:
    """Its job goes on meanwhile, in another process."""
    dead, other, sweeper = await world.process(), await world.process(BRIEF), await world.process()
    await dead.submit("a", "r1")
    await dead.die()
    for number in range(2, 5):
        await other.change("a", f"r{number}")
        await other.deal_with("a", f"r{number}")
        assert "r1" in await sweeper.finds(FORGOTTEN)
        await asyncio.sleep(2 * (BRIEF.open + BRIEF.patience))


async def test_the_oldest_of_a_dead_process_come_first(world: World) -> None:
    dead, other = await world.process(), await world.process()
    for number in range(5):
        record = make_record(f"r{number}", f"job-{number}", created_at=NOW - seconds(number * 0.1))
        await dead.store.jobs.create(make_job(f"job-{number}"), record, NOW)
    await dead.die()
    found = await other.store.jobs.outbox(DEAD, 2)
    assert [record.id for record in found] == ["r4", "r3"]


async def test_the_oldest_of_several_segments_come_first(world: World) -> None:
    first, second, third = [await world.process() for _ in range(3)]
    times = [NOW + seconds(number / 10) for number in range(3)]
    await first.store.jobs.create(make_job("b"), make_record("r0", "b"), times[0])
    record = make_record("r1", "a", created_at=times[1])
    created = await second.store.jobs.create(make_job("a"), record, times[1])
    record = make_record("r2", "a", created_at=times[2])
    await first.store.jobs.replace(created, created.value, record, times[2])
    await first.store.close()
    await second.store.close()
    found = await third.store.jobs.outbox(SOON, 2)
    assert [record.id for record in found] == ["r0", "r1"]


async def test_only_as_many_as_are_asked_for(world: World) -> None:
    dead, other = await world.process(), await world.process()
    for number in range(5):
        await dead.submit(f"job-{number}", f"r{number}")
    await dead.die()
    assert len(await other.store.jobs.outbox(DEAD, 2)) == 2


async def test_a_job_that_a_dead_process_wrote_goes_on(world: World) -> None:
    dead, other = await world.process(), await world.process(BRIEF)
    await dead.submit("a", "r1")
    await dead.die()
    await other.change("a", "r2")
    await other.deal_with("a", "r2")
    await other.change("a")
    assert await world.carried_records() == ["r1"]
    assert await other.finds(DEAD) == ["r1"]
    await other.deal_with("a", "r1")
    assert await world.carried_records() == []
    assert await other.finds(FORGOTTEN) == []
    await world.until_all_have_ended()


# -- several processes, one job -------------------------------------------------------------------


async def test_records_of_another_process_are_taken_along(world: World) -> None:
    first, second = await world.process(), await world.process()
    await first.submit("a", "r1")
    await second.change("a", "r2")
    assert await world.carried_records() == ["r1", "r2"]
    assert await first.finds() == ["r1"]
    assert await second.finds() == ["r2"]


async def test_records_of_another_process_are_dropped_when_its_segment_ended(world: World) -> None:
    first, second = await world.process(BRIEF), await world.process()
    await first.submit("a", "r1")
    await first.deal_with("a", "r1")
    await world.until_all_have_ended()
    await second.change("a", "r2")
    assert await world.carried_records() == ["r2"]


async def test_what_its_own_process_deals_with_is_not_found_by_others(world: World) -> None:
    first, second = await world.process(BRIEF), await world.process(BRIEF)
    third = await world.process()
    await first.submit("a", "r1")
    await second.change("a", "r2")
    await first.deal_with("a", "r1")
    await second.deal_with("a", "r2")
    await world.until_all_have_ended()
    assert await third.finds(FORGOTTEN) == []


async def test_processes_that_take_turns_carry_nothing_for_long(world: World) -> None:
    """A worker that two instances serve, for example."""
    processes = [await world.process(BRIEF), await world.process(BRIEF)]
    third = await world.process()
    await processes[0].submit("a", "r0")
    await processes[0].deal_with("a", "r0")
    for number in range(1, 30):
        process = processes[number % 2]
        await process.change("a", f"r{number}")
        await process.deal_with("a", f"r{number}")
        await asyncio.sleep(BRIEF.open / 3)
    assert len(await world.carried_records()) < 20
    await world.until_all_have_ended()
    assert await third.finds(FORGOTTEN) == []


async def test_closing_leaves_nothing_that_is_only_carried(world: World) -> None:
    first, second, third = [await world.process() for _ in range(3)]
    await first.submit("a", "r1")
    await second.change("a", "r2")
    await first.deal_with("a", "r1")
    await second.deal_with("a", "r2")
    await second.store.close()
    assert await third.finds() == []


async def test_what_is_carried_and_swept_by_one_process(world: World) -> None:
    first, second = await world.process(BRIEF), await world.process()
    await first.submit("a", "r1")
    await world.until_left("r1")
    await second.change("a", "r2")
    assert sorted(await second.finds()) == ["r1", "r2"]
    await second.deal_with("a", "r1")
    assert await second.finds() == ["r2"]


async def test_one_record_that_is_left_does_not_bring_back_the_others(world: World) -> None:
    first, second = await world.process(BRIEF), await world.process(BRIEF)
    third = await world.process()
    await first.submit("a", "r1")
    await first.submit("b", "stuck")
    await second.change("a", "r2")
    await first.deal_with("a", "r1")
    await second.deal_with("a", "r2")
    await world.until_left("stuck")
    await third.change("a")
    assert await third.finds() == ["stuck"]


async def test_a_lost_race_does_not_lose_what_the_winner_carries(world: World) -> None:
    dead, other = await world.process(), await world.process(BRIEF)
    await dead.submit("a", "r1")
    await dead.die()
    races = (other.change("a", "r2"), other.change("a", "r3"), other.change("a"))
    outcomes = await asyncio.gather(*races, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(ConcurrencyConflict) == 2
    await other.deal_with("a", "r2", "r3")
    await asyncio.sleep(5 * (BRIEF.open + BRIEF.patience))
    assert await (await world.process()).finds(DEAD) == ["r1"]


async def test_a_segment_that_lasts_is_not_asked_for_again_at_once(
    world: World, double: Double
) -> None:
    first, second = await world.process(), await world.process()
    await first.submit("a", "r1")
    double.requests.clear()
    for _ in range(5):
        await second.change("a")
    assert double.requests.counts()[Operation.DELETE] == 1


async def test_whether_a_segment_ended_is_asked_once(world: World, double: Double) -> None:
    first, second = await world.process(BRIEF), await world.process()
    await first.submit("a", "r1")
    await first.submit("b", "r2")
    await first.deal_with("a", "r1")
    await first.deal_with("b", "r2")
    await world.until_all_have_ended()
    double.requests.clear()
    await second.change("a")
    await second.change("b")
    assert double.requests.counts()[Operation.DELETE] == 1


# -- records beside their jobs --------------------------------------------------------------------


async def test_the_records_of_a_deleted_job_are_found_and_removed(world: World) -> None:
    process = await world.process()
    await process.submit("a", "r1")
    await process.delete("a", "r2")
    assert sorted(await process.finds()) == ["r1", "r2"]
    await process.deal_with("a", "r1", "r2")
    assert await process.finds() == []


async def test_records_beside_expire(world: World, double: Double) -> None:
    process = await world.process()
    await process.submit("a", "r1")
    await process.delete("a", "r2")
    double.clock.forward(days=BESIDE_FOR.days - 1)
    assert len(await _items(world.jobs)) == 2
    double.clock.forward(days=2)
    assert await _items(world.jobs) == []


async def test_the_records_of_a_job_that_a_dead_process_deleted(world: World) -> None:
    dead, other = await world.process(), await world.process()
    await dead.submit("a", "r1")
    await dead.delete("a", "r2")
    await dead.die()
    assert sorted(await other.finds(DEAD)) == ["r1", "r2"]
    await other.deal_with("a", "r1", "r2")
    assert await world.carried_records() == []


async def test_more_records_of_a_dead_process_than_a_batch_takes(world: World) -> None:
    dead, other = await world.process(), await world.process()
    await dead.submit("a")
    for number in range(101):
        await dead.change("a", f"r{number}")
    await dead.delete("a")
    await dead.die()
    found = await other.store.jobs.outbox(DEAD, 200)
    assert len(found) == 101
    await other.store.jobs.remove_records(found)
    assert await other.finds(DEAD) == []


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
async def test_a_removal_in_doubt(world: World, double: Double, applied: bool) -> None:
    dead, other = await world.process(), await world.process()
    await dead.submit("a", "r1")
    await dead.delete("a", "r2")
    await dead.submit("b", "r3")
    await dead.die()
    found = await other.store.jobs.outbox(DEAD, 10)
    for operation in (Operation.BATCH, Operation.DELETE, Operation.REPLACE):
        double.faults.add(Drop(applied=applied), operation, container="jobs")
    await other.store.jobs.remove_records(found)
    assert await other.finds(DEAD) == []


async def test_a_job_that_is_deleted_while_its_record_is_erased(
    world: World, double: Double
) -> None:
    dead, first, second = [await world.process() for _ in range(3)]
    await dead.submit("a", "r1")
    await dead.die()
    assert await first.finds(DEAD) == ["r1"]
    double.faults.add(Delay(0.2), Operation.READ, container="jobs")
    erasing = asyncio.create_task(first.deal_with("a", "r1"))
    await asyncio.sleep(0.1)
    await second.delete("a")
    await erasing
    assert await first.finds(DEAD) == []


async def test_many_small_records_are_no_more_than_a_batch_takes(world: World) -> None:
    process = await world.process()
    stored = await process.submit("a")
    small = ReleaseReservation(worker_id="w", offer_id="o")
    for number in range(105):
        record = make_record(f"r{number}", "a", events=(), follow_ups=(small,))
        stored = await process.store.jobs.replace(stored, stored.value, record, NOW)
    await process.delete("a", "last")
    assert len(await process.store.jobs.outbox(SOON, 200)) == 106


async def test_a_record_of_a_job_that_another_process_deleted(world: World) -> None:
    first, second = await world.process(BRIEF), await world.process(BRIEF)
    third = await world.process()
    await first.submit("a", "r1")
    await second.delete("a", "r2")
    await second.deal_with("a", "r2")
    assert await third.finds() == []
    await first.deal_with("a", "r1")
    await world.until_all_have_ended()
    assert await third.finds(FORGOTTEN) == []


async def test_a_job_carries_no_more_than_fits(world: World) -> None:
    process = await world.process()
    stored = await process.submit("a")
    large = ReleaseReservation(worker_id="x" * (MOST_CARRIED_BYTES // 3), offer_id="o")
    records = [make_record(f"r{number}", "a", follow_ups=(large,)) for number in range(8)]
    for record in records:
        stored = await process.store.jobs.replace(stored, stored.value, record, NOW)
    kinds = [item["kind"] for item in await _items(world.jobs)]
    assert 3 <= kinds.count("outbox") < 8
    assert list(await process.store.jobs.outbox(SOON, 100)) == records
    await process.store.jobs.remove_records(records)
    assert await process.finds() == []


async def test_a_record_that_is_dealt_with_while_its_job_is_deleted(
    world: World, double: Double
) -> None:
    process = await world.process(BRIEF)
    await process.submit("a", "r1")
    double.faults.add(Delay(0.1), Operation.BATCH)
    deleting = asyncio.create_task(process.delete("a", "r2"))
    await asyncio.sleep(0.05)
    await process.deal_with("a", "r1")
    await deleting
    assert await process.finds() == ["r2"]
    await process.deal_with("a", "r2")
    await world.until_all_have_ended()


# -- writes of unknown outcome --------------------------------------------------------------------


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
async def test_a_write_of_unknown_outcome_is_left_to_the_sweeps(
    world: World, double: Double, applied: bool
) -> None:
    process, other = await world.process(BRIEF), await world.process()
    await process.submit("b", "r0")
    await process.deal_with("b", "r0")
    double.faults.add(Drop(applied=applied), *WRITES, container="jobs")
    double.faults.add(Drop(), container="jobs", times=10**6)
    with pytest.raises(StoreUnavailable):
        await process.submit("a", "r1")
    double.faults.clear()
    await world.until_left("r1")
    assert await other.finds() == (["r1"] if applied else [])
    await other.finds(FORGOTTEN)
    assert len(await world.segments()) == (1 if applied else 0)
    await other.deal_with("a", "r1")
    assert await world.segments() == []


async def test_a_write_that_is_rejected_after_an_answer_was_lost(
    world: World, double: Double
) -> None:
    process, other = await world.process(BRIEF), await world.process()
    await process.submit("b", "r0")
    await process.deal_with("b", "r0")
    double.faults.add(Drop(applied=True), Operation.CREATE, container="jobs")
    double.faults.add(Answer(HTTPStatus.BAD_REQUEST), Operation.CREATE, container="jobs")
    await process.submit("a", "r1")
    await world.until_left("r1")
    assert await other.finds() == ["r1"]


async def test_a_creation_that_arrives_after_another_one_and_its_end(
    world: World, double: Double
) -> None:
    first = await world.process(BRIEF, Patience(request=0.2))
    second, third = await world.process(), await world.process()
    double.faults.add(Delay(0.6), Operation.CREATE, container="jobs")
    creating = asyncio.create_task(first.submit("a", "r1"))
    await asyncio.sleep(0.1)
    await second.submit("a")
    with pytest.raises(AlreadyExists):
        await creating
    await second.delete("a")
    async with asyncio.timeout(5):
        while True:
            if await world.carried_records() == ["r1"]:
                break
            await asyncio.sleep(0.05)
    assert await third.finds(DEAD) == ["r1"]


async def test_what_was_erased_does_not_come_back(world: World, double: Double) -> None:
    """Who wrote it along does not know, as the answer to that was lost."""
    dead, other = await world.process(), await world.process()
    writer = await world.process(LASTING, Patience(request=0.4))
    await dead.submit("a", "r1")
    await dead.die()
    await writer.submit("b", "r0")
    stored = await writer.read("a")
    double.faults.add(Hang(applied=True), Operation.REPLACE, container="jobs")
    writing = asyncio.create_task(
        writer.store.jobs.replace(stored, stored.value, make_record("r2", "a"), NOW)
    )
    await asyncio.sleep(0.1)
    assert "r1" in await other.finds(DEAD)
    await other.deal_with("a", "r1")
    with suppress(ConcurrencyConflict):
        stored = await writing
        await writer.store.jobs.replace(stored, stored.value, None, NOW)
    assert "r1" not in await world.carried_records()


async def test_a_process_that_was_taken_for_dead_speaks_up(world: World) -> None:
    process, other = await world.process(BRIEF), await world.process()
    await process.submit("a", "r1")
    for segment in await world.segments():
        await world.definitions.delete_item(segment["id"], segment["kind"])
    await world.until_left("r1")
    assert await other.finds() == ["r1"]


async def test_without_the_list_nothing_is_written(world: World, double: Double) -> None:
    process = await world.process()
    double.faults.add(Drop(), *WRITES, container="definitions", times=10**6)
    with pytest.raises(StoreUnavailable):
        await process.submit("a", "r1")
    assert await process.store.jobs.get("a") is None


# -- whatever happens -----------------------------------------------------------------------------

PROCESSES = (0, 1, 2)
JOBS = ("a", "b")

steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PROCESSES), st.sampled_from(JOBS)),
    st.tuples(st.just("race"), st.sampled_from(PROCESSES), st.sampled_from(JOBS)),
    st.tuples(st.just("deal"), st.sampled_from(PROCESSES), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.sampled_from(PROCESSES), st.sampled_from(JOBS)),
    st.tuples(st.just("die"), st.sampled_from(PROCESSES), st.none()),
    st.tuples(st.just("wait"), st.none(), st.none()),
    st.tuples(st.just("sweep"), st.sampled_from(PROCESSES), st.none()),
    st.tuples(st.just("outage"), st.sampled_from(PROCESSES), st.none()),
)


class History:
    """What processes did, and which records somebody dealt with or found."""

    def __init__(self, world: World, processes: list[Process]) -> None:
        self._world = world
        self._processes = processes
        self._numbers = count()
        self.pending: dict[int, list[tuple[str, str]]] = {number: [] for number in PROCESSES}
        self.written: set[str] = set()
        self.dealt_with: set[str] = set()
        self.found: set[str] = set()

    async def take(self, step: tuple[str, Any, Any]) -> None:
        action, process, detail = step
        await getattr(self, f"_{action}")(process, detail)

    async def _write(self, process: int, job_id: str) -> None:
        record = f"r{next(self._numbers)}"
        by = self._processes[process]
        exists = await by.store.jobs.get(job_id) is not None
        await (by.change(job_id, record) if exists else by.submit(job_id, record))
        self._wrote(process, job_id, record)

    async def _race(self, process: int, job_id: str) -> None:
        """Two writes of the process and one of another: one of them wins."""
        if await self._processes[process].store.jobs.get(job_id) is not None:
            racers = (process, process, (process + 1) % len(PROCESSES))
            await asyncio.gather(*(self._try(racer, job_id) for racer in racers))

    async def _try(self, process: int, job_id: str) -> None:
        with suppress(ConcurrencyConflict):
            await self._write(process, job_id)

    async def _delete(self, process: int, job_id: str) -> None:
        by = self._processes[process]
        if await by.store.jobs.get(job_id) is not None:
            record = f"r{next(self._numbers)}"
            await by.delete(job_id, record)
            self._wrote(process, job_id, record)

    def _wrote(self, process: int, job_id: str, record: str) -> None:
        self.pending[process].append((job_id, record))
        self.written.add(record)

    async def _deal(self, process: int, number: int) -> None:
        if number < len(self.pending[process]):
            job_id, record = self.pending[process].pop(number)
            await self._processes[process].deal_with(job_id, record)
            self.dealt_with.add(record)

    async def _die(self, process: int, _: None) -> None:
        await self._processes[process].die()
        self._processes[process] = await self._world.process(BRIEF)
        self.pending[process].clear()

    async def _wait(self, _process: None, _: None) -> None:
        await asyncio.sleep(2 * (BRIEF.open + BRIEF.patience))

    async def _sweep(self, process: int, _: None) -> None:
        await self.sweep(self._processes[process], SOON)

    async def _outage(self, process: int, _: None) -> None:
        """For more than an hour, while everybody is quiet, sweeps find what they cannot publish."""
        for each in self._processes:
            await each.store.close()
        await self._processes[process].finds(FORGOTTEN)

    async def sweep(self, process: Process, at: Any) -> None:
        records = await process.store.jobs.outbox(at, 100)
        await process.store.jobs.remove_records(records)
        found = {record.id for record in records}
        self.found |= found
        for pending in self.pending.values():
            pending[:] = [each for each in pending if each[1] not in found]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(steps, max_size=25))
def test_no_record_is_lost(running: Double, steps: list[tuple[str, Any, Any]]) -> None:
    asyncio.run(_live_through(running, steps))


async def _live_through(double: Double, steps: list[tuple[str, Any, Any]]) -> None:
    async with new_world(double) as world:
        processes = [await world.process(BRIEF) for _ in PROCESSES]
        history = History(world, processes)
        for step in steps:
            await history.take(step)
        for process in processes:
            await process.store.close()
        last = await world.process()
        for _ in range(2):
            await history.sweep(last, FORGOTTEN)
        assert history.written == history.dealt_with | history.found
        assert await last.finds(FORGOTTEN) == []
        assert await world.segments() == []
