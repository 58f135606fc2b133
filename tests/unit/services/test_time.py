"""What happens by itself. Ninety days pass in milliseconds."""

import pytest

from shared.domain.errors import NotFound
from shared.domain.events import JobCancelled, JobWorkerSelectorsExpired
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus, WorkerState
from shared.services.jobs import close_job, complete_job, get_job
from shared.services.offers import accept_offer
from tests.rig import Rig


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def test_an_expired_offer_deregisters_its_worker(rig: Rig) -> None:
    await rig.worker("slow")
    await rig.job()
    rig.clock.forward(seconds=60)
    await rig.sweep()
    assert (await rig.read_worker("slow")).state is WorkerState.INACTIVE
    assert rig.events.names("slow")[-2:] == ["OfferExpired", "WorkerDeregistered"]
    await rig.worker("quick")
    assert await rig.offers_of("quick") == ["job"]


async def test_an_offer_cannot_be_accepted_after_its_time(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    offer_id = await rig.offer_id()
    rig.clock.forward(seconds=60)
    with pytest.raises(NotFound):
        await accept_offer(rig.router, "worker", offer_id)


async def test_a_worker_who_registered_again_survives_an_older_offers_expiry(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    rig.clock.forward(seconds=60)
    await rig.sweep()
    await rig.set_available("worker", True)
    assert (await rig.read_worker()).state is WorkerState.ACTIVE
    assert await rig.offers_of() == ["job"]


async def test_an_expired_selector_no_longer_restricts(rig: Rig) -> None:
    await rig.worker(labels={"skill": 1})
    await rig.job(
        selectors=(
            WorkerSelector(
                key="skill",
                operator=LabelOperator.GREATER_THAN,
                value=10,
                expires_after_seconds=60,
            ),
        )
    )
    await rig.sweep()
    assert await rig.offers_of() == []
    rig.clock.forward(seconds=60)
    await rig.sweep()
    assert await rig.offers_of() == ["job"]
    assert len(rig.events.of(JobWorkerSelectorsExpired)) == 1


async def test_a_job_closes_at_its_time(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    await complete_job(rig.router, "job", accepted.assignment_id, None)
    close_at = rig.clock.now.replace(hour=2)
    await close_job(rig.router, "job", accepted.assignment_id, "sold", close_at, None)
    await rig.sweep()
    assert (await rig.read_job()).status is JobStatus.COMPLETED
    rig.clock.forward(hours=2)
    await rig.sweep()
    assert (await rig.read_job()).status is JobStatus.CLOSED
    assert (await rig.read_job()).definition.disposition_code == "sold"
    assert (await rig.read_worker()).reservations == ()


async def test_an_idle_worker_is_deregistered_after_seven_days(rig: Rig) -> None:
    await rig.worker()
    rig.clock.forward(days=6, hours=23)
    await rig.sweep()
    assert (await rig.read_worker()).state is WorkerState.ACTIVE
    rig.clock.forward(hours=1)
    await rig.sweep()
    assert (await rig.read_worker()).state is WorkerState.INACTIVE
    assert rig.events.names("worker") == ["WorkerRegistered", "WorkerDeregistered"]


async def test_a_worker_with_work_is_not_idle(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    rig.clock.forward(days=8)
    await rig.sweep()
    assert (await rig.read_worker()).state is WorkerState.ACTIVE
    await rig.finish(accepted)
    rig.clock.forward(days=6)
    await rig.sweep()
    assert (await rig.read_worker()).state is WorkerState.ACTIVE
    rig.clock.forward(days=1)
    await rig.sweep()
    assert (await rig.read_worker()).state is WorkerState.INACTIVE


async def test_a_job_lives_ninety_days(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.accept()
    rig.clock.forward(days=89)
    await rig.sweep()
    assert (await rig.read_job()).status is JobStatus.ASSIGNED
    rig.clock.forward(days=1)
    await rig.sweep()
    with pytest.raises(NotFound):
        await get_job(rig.router, "job")
    assert rig.events.names("job")[-2:] == ["JobCancelled", "JobDeleted"]
    assert rig.events.of(JobCancelled)[0].disposition_code == "Expired"
    assert (await rig.read_worker()).reservations == ()


async def test_sweeps_change_nothing_twice(rig: Rig) -> None:
    await rig.worker("slow")
    await rig.job()
    rig.clock.forward(seconds=61)
    await rig.sweep()
    events = len(rig.events.published)
    job = await rig.store.jobs.get("job")
    for _ in range(3):
        await rig.sweep()
    assert len(rig.events.published) == events
    assert await rig.store.jobs.get("job") == job


async def test_a_reservation_without_its_offer_is_given_back(rig: Rig) -> None:
    """As a crash between the two steps of issuing leaves it."""
    await rig.worker()
    stored = await rig.store.workers.get("worker")
    assert stored is not None
    now = rig.clock.now
    reserved = stored.value.reserve(
        offer_id="orphan",
        job_id="job",
        queue_id="queue",
        channel_id="chat",
        expires_at=now.replace(hour=1),
        now=now,
    )
    assert reserved.aggregate is not None
    await rig.store.workers.replace(stored, reserved.aggregate, None, now)
    await rig.job()
    rig.clock.forward(seconds=10)
    await rig.sweep()
    assert await rig.offers_of() == ["job"], "within its lease it stands"
    rig.clock.forward(seconds=6)
    await rig.sweep()
    assert await rig.offer_id() != "orphan"
    assert await rig.offers_of() == ["job"]


async def test_a_long_offer_is_checked_and_stays(rig: Rig) -> None:
    await rig.policy(seconds=3600)
    await rig.worker()
    rig.clock.forward(seconds=5)
    await rig.job()
    offer_id = await rig.offer_id()
    for _ in range(3):
        rig.clock.forward(seconds=30)
        await rig.sweep()
    assert await rig.offer_id() == offer_id
