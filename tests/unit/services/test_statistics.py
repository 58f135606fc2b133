"""Positions and statistics, as the router works them out from its store."""

from datetime import timedelta

import pytest

from shared.domain.channels import Channel
from shared.domain.errors import NotFound
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.services.jobs import cancel_job
from shared.services.statistics import (
    JobPosition,
    QueueStatistics,
    get_job_position,
    get_queue_statistics,
)
from tests.factories import make_job
from tests.rig import Rig

NEVER = WorkerSelector(key="Never", operator=LabelOperator.EQUAL, value=True)
EXPEDITE = WorkerSelector(key="Never", operator=LabelOperator.EQUAL, value=True, expedite=True)


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def statistics(rig: Rig) -> QueueStatistics:
    return await get_queue_statistics(rig.router, "queue")


async def position(rig: Rig, job_id: str = "job") -> JobPosition:
    return await get_job_position(rig.router, job_id)


async def serve(rig: Rig, job_id: str, minutes: float) -> None:
    """The worker accepts the job half a minute after its offer, and closes it so much later."""
    await rig.job(job_id)
    rig.clock.forward(seconds=30)
    accepted = await rig.accept(job_id=job_id)
    rig.clock.forward(minutes=minutes)
    await rig.finish(accepted)


# -- statistics -----------------------------------------------------------------------------------


async def test_an_empty_queue(rig: Rig) -> None:
    assert await statistics(rig) == QueueStatistics(
        queue_id="queue", length=0, expected_waits={}, longest_wait=None
    )


async def test_an_unknown_queue_has_no_statistics(rig: Rig) -> None:
    with pytest.raises(NotFound) as missing:
        await get_queue_statistics(rig.router, "unknown")
    assert (missing.value.kind, missing.value.id) == ("queue", "unknown")


async def test_length_and_longest_wait_are_of_what_waits(rig: Rig) -> None:
    await rig.job("old", priority=-5)
    rig.clock.forward(seconds=90)
    await rig.job("new", priority=7)
    await rig.queue("other")
    await rig.job("elsewhere", queue="other")
    rig.clock.forward(seconds=30)
    found = await statistics(rig)
    assert (found.length, found.longest_wait) == (2, timedelta(minutes=2))
    await cancel_job(rig.router, "old", None, None)
    found = await statistics(rig)
    assert (found.length, found.longest_wait) == (1, timedelta(seconds=30))


async def test_each_priority_that_waits_has_an_estimate_of_its_own(rig: Rig) -> None:
    for id, priority in (("a", 1), ("b", 1), ("c", 9), ("d", -100)):
        await rig.job(id, priority=priority)
    await rig.job("e", priority=1, selectors=(EXPEDITE,))
    waits = (await statistics(rig)).expected_waits
    assert list(waits) == [9, 1, -100]
    # Behind the expedited one and c; behind all but d; behind all. Nobody serves, so one worker is
    # taken to come, with 5 minutes for each job.
    assert waits == {
        priority: timedelta(minutes=m) for priority, m in ((9, 15), (1, 25), (-100, 30))
    }


async def test_the_estimate_follows_what_the_queue_did(rig: Rig) -> None:
    await rig.worker()
    for number in range(5):
        await serve(rig, f"served-{number}", minutes=2)
        rig.clock.forward(hours=10)
    await rig.job("busy")
    rig.clock.forward(seconds=30)
    await rig.accept(job_id="busy")
    await rig.job("a")
    await rig.job("b")
    waits = (await statistics(rig)).expected_waits
    assert waits[1].total_seconds() == pytest.approx(3 * 120, rel=0.05)


async def test_idle_workers_take_jobs_at_once(rig: Rig) -> None:
    await rig.worker()
    await serve(rig, "served", minutes=5)
    await rig.worker("second")
    await rig.worker("third")
    await rig.job("a")
    assert (await statistics(rig)).expected_waits == {1: timedelta(seconds=30)}


# -- position -------------------------------------------------------------------------------------


async def test_positions_are_those_in_which_jobs_are_served(rig: Rig) -> None:
    await rig.job("first")
    rig.clock.forward(seconds=1)
    await rig.job("b")
    await rig.job("a")
    await rig.job("urgent", priority=9)
    await rig.job("expedited", priority=-1, selectors=(EXPEDITE,))
    found = [await position(rig, id) for id in ("expedited", "urgent", "first", "a", "b")]
    assert [each.position for each in found] == [1, 2, 3, 4, 5]
    assert {(each.queue_id, each.queue_length) for each in found} == {("queue", 5)}
    waits = [each.expected_wait for each in found]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=5)


async def test_a_job_that_is_being_offered_waits_for_the_answer_only(rig: Rig) -> None:
    await rig.worker()
    await serve(rig, "served", minutes=20)
    await rig.job("a")
    await rig.job("b")
    assert (await position(rig, "a")).expected_wait == timedelta(seconds=30)
    assert (await position(rig, "b")).expected_wait == timedelta(minutes=40)


async def test_an_idle_worker_counts_for_the_jobs_that_it_may_be_offered(rig: Rig) -> None:
    await rig.job("picky", selectors=(NEVER,))
    rig.clock.forward(seconds=1)
    await rig.job("other-channel", channel="voice")
    await rig.worker()
    assert (await position(rig, "picky")).expected_wait == timedelta(minutes=5)
    assert (await position(rig, "other-channel")).expected_wait == timedelta(minutes=10)
    await rig.policy(bypass_selectors=True)
    rig.clock.forward(seconds=2)  # Definitions are remembered so long.
    assert (await position(rig, "picky")).expected_wait == timedelta()


@pytest.mark.parametrize("end", ["assigned", "closed", "cancelled"])
async def test_a_job_that_does_not_wait_has_no_position(rig: Rig, end: str) -> None:
    await rig.worker()
    await rig.job()
    if end == "cancelled":
        await cancel_job(rig.router, "job", None, None)
    else:
        accepted = await rig.accept()
        if end == "closed":
            await rig.finish(accepted)
    with pytest.raises(NotFound) as missing:
        await position(rig)
    assert str(missing.value) == "The queue position of the job 'job' was not found."


async def test_a_job_without_a_queue_has_no_position(rig: Rig) -> None:
    lost = make_job("lost", status=JobStatus.CLASSIFICATION_FAILED, queue_id=None)
    await rig.store.jobs.create(lost, None, rig.clock())
    with pytest.raises(NotFound):
        await position(rig, "lost")


async def test_an_unknown_job_has_no_position(rig: Rig) -> None:
    with pytest.raises(NotFound) as missing:
        await position(rig, "unknown")
    assert (missing.value.kind, missing.value.id) == ("job", "unknown")


# -- the past -------------------------------------------------------------------------------------


async def test_the_past_is_read_once_in_a_while(rig: Rig) -> None:
    await rig.worker()
    await rig.job("waiting", selectors=(NEVER,))
    before = (await position(rig, "waiting")).expected_wait
    await serve(rig, "served", minutes=0.1)
    rig.clock.forward(seconds=-7)  # 29 seconds after the first look.
    assert (await position(rig, "waiting")).expected_wait == before
    rig.clock.forward(seconds=1)
    assert (await position(rig, "waiting")).expected_wait < before


async def test_a_cancelled_job_held_its_worker_until_then(rig: Rig) -> None:
    channels = (Channel(channel_id="chat", capacity_cost_per_job=1),)
    await rig.worker(channels=channels)
    await rig.job("served")
    await rig.accept(job_id="served")
    rig.clock.forward(minutes=3)
    await cancel_job(rig.router, "served", None, None)
    rig.clock.forward(hours=3)
    await rig.set_available("worker", False)
    await rig.job("waiting")
    assert (await position(rig, "waiting")).expected_wait == timedelta(minutes=3)
