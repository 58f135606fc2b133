"""A job is created with its first offers: one commit, whatever happens around it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from shared.domain.errors import RouterError
from shared.domain.events import OfferIssued
from shared.domain.matching_modes import Suspend
from shared.domain.statuses import JobStatus
from shared.ports import OutboxRecord, StoreUnavailable, TooLarge
from shared.storage.memory import MemoryStore
from tests.gates import GatedStore
from tests.rig import CountingIds, Rig, build_router

EVER = datetime(9999, 1, 1, tzinfo=UTC)

type Interruption = Callable[[], Awaitable[None]]


class Interruptions:
    """Counts the operations, and does something before one of them: an interruption for each."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self._before: dict[tuple[str, int], Interruption] = {}

    def at(self, operation: str, do: Interruption, *, number: int = 1) -> None:
        """``number``: before which of those operations from now on."""
        self._before[operation, self.operations[operation] + number] = do

    async def before(self, operation: str) -> None:
        self.operations[operation] += 1
        interruption = self._before.pop((operation, self.operations[operation]), None)
        if interruption is not None:
            await interruption()

    async def after(self, _operation: str) -> None:
        return


@pytest.fixture
def gate() -> Interruptions:
    return Interruptions()


@pytest.fixture
async def rig(gate: Interruptions) -> Rig:
    return await Rig(GatedStore(MemoryStore(), gate)).ready()


async def unavailable() -> None:
    raise StoreUnavailable("down")


async def too_large() -> None:
    raise TooLarge("an item of 3 MB")


async def records(rig: Rig) -> list[OutboxRecord]:
    return list(await rig.store.jobs.outbox(EVER, 10))


async def test_a_job_and_its_offer_are_one_commit(rig: Rig, gate: Interruptions) -> None:
    await rig.worker()
    rig.events.down = True
    gate.operations.clear()
    await rig.job()
    [record] = await records(rig)
    assert [type(each.event).__name__ for each in record.events] == [
        "JobReceived",
        "JobQueued",
        "OfferIssued",
    ]
    assert [each.sequence for each in record.events] == [1, 2, 3]
    assert gate.operations["jobs.create"] == 1
    assert gate.operations["jobs.replace"] == 0
    assert gate.operations["workers.replace"] == 1
    assert gate.operations["workers.available"] == 1


async def test_the_offers_are_as_many_as_are_wanted(rig: Rig, gate: Interruptions) -> None:
    await rig.policy(max_concurrent_offers=2)
    for name in ("a", "b", "c"):
        await rig.worker(name)
    gate.operations.clear()
    await rig.job()
    assert {offer.worker_id for offer in (await rig.read_job()).offers} == {"a", "b"}
    assert gate.operations["jobs.replace"] == 0
    assert gate.operations["workers.available"] == 1


async def test_a_job_with_its_offers_is_answered_as_received(rig: Rig) -> None:
    await rig.worker()
    answered = await rig.submit(queue_id="queue")
    assert (answered.status, answered.offers) == (JobStatus.CREATED, ())


async def test_a_worker_that_comes_while_the_job_is_created_is_not_missed(
    rig: Rig, gate: Interruptions
) -> None:
    gate.at("jobs.create", rig.worker)
    await rig.job()
    assert await rig.offers_of() == ["job"]


async def test_the_second_worker_that_is_wanted_comes_while_the_job_is_created(
    rig: Rig, gate: Interruptions
) -> None:
    await rig.policy(max_concurrent_offers=2)
    await rig.worker("first")
    gate.at("jobs.create", lambda: rig.worker("second"))
    await rig.job()
    offers = (await rig.read_job()).offers
    assert [offer.worker_id for offer in offers] == ["first", "second"]
    assert rig.events.names("job") == ["JobReceived", "JobQueued", "OfferIssued", "OfferIssued"]


async def test_a_job_that_does_not_wait_is_not_matched(rig: Rig, gate: Interruptions) -> None:
    await rig.worker()
    gate.operations.clear()
    await rig.submit(queue_id="queue", matching_mode=Suspend())
    assert gate.operations["workers.available"] == 0
    assert await rig.offers_of() == []


async def test_a_job_that_is_refused_reserves_nothing(rig: Rig, gate: Interruptions) -> None:
    await rig.worker()
    gate.operations.clear()
    with pytest.raises(RouterError):
        await rig.submit(queue_id="unknown")
    with pytest.raises(RouterError):
        await rig.submit(queue_id="queue", classification_policy_id="unknown")
    assert gate.operations["workers.replace"] == 0


async def test_somebody_else_creates_the_job_first(rig: Rig, gate: Interruptions) -> None:
    """The other one finds the worker reserved; this one gives it back, and then it is matched."""
    await rig.worker()
    other = Rig(rig.store)
    other.router = build_router(other.store, other.events, other.clock, CountingIds("other"))
    gate.at("jobs.create", lambda: other.job(labels={"by": "the other one"}))
    await rig.job(labels={"by": "this one"})
    job = await rig.read_job()
    assert job.definition.labels == {"by": "this one"}, "which is a change of the job then"
    assert [offer.offer_id for offer in job.offers] == [await rig.offer_id()]
    assert len(rig.events.of(OfferIssued)) == 1


async def test_with_its_offers_the_job_is_too_large(rig: Rig, gate: Interruptions) -> None:
    """They are left out, and the worker is offered others. Then the job is matched as any other."""
    await rig.worker()
    gate.at("jobs.create", too_large)
    await rig.job()
    assert gate.operations["jobs.create"] == 2
    assert await rig.offers_of() == ["job"]
    [offer] = (await rig.read_job()).offers
    assert offer.offer_id == await rig.offer_id()


async def test_a_job_that_is_too_large_anyway_leaves_no_reservation(
    rig: Rig, gate: Interruptions
) -> None:
    await rig.worker()
    gate.at("jobs.create", too_large, number=1)
    gate.at("jobs.create", too_large, number=2)
    with pytest.raises(TooLarge):
        await rig.job()
    assert await rig.store.jobs.get("job") is None
    assert (await rig.read_worker()).reservations == ()
    await rig.job("another")
    assert await rig.offers_of() == ["another"]


async def test_a_creation_of_unknown_outcome_leaves_its_reservation_to_the_sweep(
    rig: Rig, gate: Interruptions
) -> None:
    await rig.worker()
    gate.at("jobs.create", unavailable)
    with pytest.raises(StoreUnavailable):
        await rig.job()
    assert await rig.offers_of() == ["job"]
    rig.clock.forward(seconds=16)
    await rig.sweep()
    assert (await rig.read_worker()).reservations == ()
    await rig.job()
    assert await rig.offers_of() == ["job"]


@pytest.mark.parametrize("operation", ["workers.available", "workers.replace"])
async def test_a_job_is_created_although_matching_fails(
    rig: Rig, gate: Interruptions, operation: str
) -> None:
    await rig.worker()
    gate.at(operation, unavailable, number=1)
    gate.at(operation, unavailable, number=2)
    await rig.job()
    assert (await rig.read_job()).offers == ()
    await rig.sweep()
    assert await rig.offers_of() == ["job"]


async def test_what_is_reserved_is_offered_although_the_next_reservation_fails(
    rig: Rig, gate: Interruptions
) -> None:
    await rig.policy(max_concurrent_offers=2)
    await rig.worker("a")
    await rig.worker("b")
    gate.at("workers.replace", unavailable, number=2)
    rig.events.down = True
    await rig.job()
    numbers = sorted([each.sequence for each in record.events] for record in await records(rig))
    assert numbers == [[1, 2, 3], [4]], "created with the first offer; then the other one"
    assert {offer.worker_id for offer in (await rig.read_job()).offers} == {"a", "b"}
