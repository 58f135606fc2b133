"""From submission to closing, as an application sees it."""

import pytest

from shared.domain.channels import Channel
from shared.domain.errors import Conflict, NotFound
from shared.domain.events import JobClosed, OfferIssued
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus, WorkerState
from shared.services.jobs import (
    cancel_job,
    close_job,
    complete_job,
    delete_job,
    get_job,
    unassign_job,
    upsert_job,
)
from shared.services.offers import accept_offer, decline_offer
from shared.services.preconditions import Precondition
from tests.rig import NONE, Rig

VOICE_AND_CHAT = (
    Channel(channel_id="voice", capacity_cost_per_job=2),
    Channel(channel_id="chat", capacity_cost_per_job=1),
)


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def test_a_job_goes_all_the_way(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    assert (accepted.job_id, accepted.worker_id) == ("job", "worker")
    await rig.finish(accepted)
    assert (await rig.read_job()).status is JobStatus.CLOSED
    assert (await rig.read_worker()).reservations == ()
    assert rig.events.names("job") == [
        "JobReceived",
        "JobQueued",
        "OfferIssued",
        "OfferAccepted",
        "JobCompleted",
        "JobClosed",
    ]


async def test_events_of_a_job_are_numbered(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.finish(await rig.accept())
    numbers = [r.sequence for r in rig.events.published if hasattr(r.event, "job_id")]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert len({r.id for r in rig.events.published}) == len(rig.events.published)


async def test_a_new_job_is_answered_as_received_and_found_queued(rig: Rig) -> None:
    definition = await _submitted_definition(rig)
    upserted = await upsert_job(rig.router, "new", lambda _: definition, NONE)
    assert upserted.created
    assert upserted.stored.value.status is JobStatus.CREATED
    assert upserted.stored.value.enqueued_at is None
    assert (await get_job(rig.router, "new")).value.status is JobStatus.QUEUED


async def _submitted_definition(rig: Rig):  # type: ignore[no-untyped-def]
    await rig.job("model")
    return (await rig.read_job("model")).definition


async def test_two_chats_or_one_call_never_more(rig: Rig) -> None:
    await rig.worker(capacity=2, channels=VOICE_AND_CHAT)
    for name in ("chat-1", "chat-2", "chat-3"):
        await rig.job(name)
    await rig.job("call", channel="voice", priority=5)
    assert await rig.offers_of() == ["chat-1", "chat-2"]

    for name in ("chat-1", "chat-2"):
        await rig.finish(await rig.accept(job_id=name))
    assert await rig.offers_of() == ["chat-3"], "the call costs more than is free yet"
    await rig.finish(await rig.accept(job_id="chat-3"))
    assert await rig.offers_of() == ["call"]


async def test_capacity_is_held_until_close(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.job("next")
    accepted = await rig.accept()
    await complete_job(rig.router, "job", accepted.assignment_id, "thanks")
    assert await rig.offers_of() == []
    await close_job(rig.router, "job", accepted.assignment_id, None, None, None)
    assert await rig.offers_of() == ["next"]
    assert rig.events.of(JobClosed)[0].disposition_code == "Closed"


async def test_a_freed_worker_gets_the_most_urgent_then_oldest_job(rig: Rig) -> None:
    await rig.job("old")
    rig.clock.forward(seconds=1)
    await rig.job("urgent", priority=9)
    rig.clock.forward(seconds=1)
    await rig.job("new")
    await rig.worker()
    order = []
    for _ in range(3):
        order += await rig.offers_of()
        await rig.finish(await rig.accept(job_id=order[-1]))
    assert order == ["urgent", "old", "new"]


async def test_selectors_decide_who_is_offered_the_job(rig: Rig) -> None:
    await rig.worker("beginner", labels={"skill": 5})
    await rig.job(
        selectors=(WorkerSelector(key="skill", operator=LabelOperator.GREATER_THAN, value=10),)
    )
    assert await rig.offers_of("beginner") == []
    await rig.worker("expert", labels={"skill": 11})
    assert await rig.offers_of("expert") == ["job"]


async def test_a_worker_whose_labels_change_gets_the_job_that_waited_for_them(rig: Rig) -> None:
    await rig.worker(labels={"skill": 5})
    await rig.job(
        selectors=(WorkerSelector(key="skill", operator=LabelOperator.GREATER_THAN, value=10),)
    )
    await rig.worker(labels={"skill": 12})
    assert await rig.offers_of() == ["job"]


async def test_a_declined_job_goes_to_the_next_worker_and_not_back(rig: Rig) -> None:
    await rig.worker("a")
    await rig.job()
    await decline_offer(rig.router, "a", await rig.offer_id("a"), None)
    assert await rig.offers_of("a") == []
    await rig.sweep()
    assert await rig.offers_of("a") == []
    await rig.worker("b")
    assert await rig.offers_of("b") == ["job"]


async def test_a_worker_who_registers_again_is_offered_what_it_declined(rig: Rig) -> None:
    await rig.worker("a")
    await rig.job()
    await decline_offer(rig.router, "a", await rig.offer_id("a"), None)
    await rig.set_available("a", False)
    await rig.set_available("a", True)
    assert await rig.offers_of("a") == ["job"]


async def test_a_declined_job_comes_back_at_its_retry_time(rig: Rig) -> None:
    await rig.worker("a")
    await rig.job()
    retry_at = rig.clock.now.replace(minute=5)
    await decline_offer(rig.router, "a", await rig.offer_id("a"), retry_at)
    await rig.sweep()
    assert await rig.offers_of("a") == []
    rig.clock.forward(minutes=5)
    await rig.sweep()
    assert await rig.offers_of("a") == ["job"]


async def test_declining_with_a_past_retry_time_offers_at_once(rig: Rig) -> None:
    await rig.worker("a")
    await rig.job()
    first = await rig.offer_id("a")
    await decline_offer(rig.router, "a", first, rig.clock.now.replace(year=1))
    assert await rig.offer_id("a") != first


async def test_the_first_of_several_workers_to_accept_has_the_job(rig: Rig) -> None:
    await rig.policy(max_concurrent_offers=3)
    for name in ("a", "b", "c"):
        await rig.worker(name)
    await rig.job()
    lost = await rig.offer_id("a")
    await rig.accept("b")
    assert await rig.offers_of("a") == []
    with pytest.raises(NotFound):
        await accept_offer(rig.router, "a", lost)
    assert rig.events.names("job")[-3:] == ["OfferAccepted", "OfferRevoked", "OfferRevoked"]


async def test_an_offer_is_accepted_once(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    offer_id = await rig.offer_id()
    await accept_offer(rig.router, "worker", offer_id)
    with pytest.raises(Conflict, match="accepted this offer already"):
        await accept_offer(rig.router, "worker", offer_id)
    with pytest.raises(Conflict):
        await decline_offer(rig.router, "worker", offer_id, None)


async def test_unknown_offers_and_workers_are_not_found(rig: Rig) -> None:
    await rig.worker()
    with pytest.raises(NotFound, match="offer"):
        await accept_offer(rig.router, "worker", "nothing")
    with pytest.raises(NotFound, match="worker"):
        await accept_offer(rig.router, "nobody", "nothing")


async def test_an_unassigned_job_is_offered_again_and_keeps_its_age(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    enqueued_at = (await rig.read_job()).enqueued_at
    accepted = await rig.accept()
    rig.clock.forward(seconds=5)
    assert await unassign_job(rig.router, "job", accepted.assignment_id, False) == 1
    assert (await rig.read_job()).assignments == ()
    assert (await rig.read_job()).enqueued_at == enqueued_at
    assert await rig.offers_of() == ["job"]


async def test_a_job_is_taken_back_three_times_at_most(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    for count in (1, 2, 3):
        accepted = await rig.accept()
        assert await unassign_job(rig.router, "job", accepted.assignment_id, False) == count
    accepted = await rig.accept()
    with pytest.raises(Conflict):
        await unassign_job(rig.router, "job", accepted.assignment_id, False)


async def test_unassigning_without_matching_sets_the_job_aside(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    await unassign_job(rig.router, "job", accepted.assignment_id, True)
    await rig.sweep()
    assert (await rig.read_job()).status is JobStatus.WAITING_FOR_ACTIVATION
    assert await rig.offers_of() == []


async def test_cancelling_frees_the_worker_for_the_next_job(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    await rig.accept()
    await rig.job("next")
    await cancel_job(rig.router, "job", "customer left", None)
    assert await rig.offers_of() == ["next"]
    job = await rig.read_job()
    assert job.definition.disposition_code == "Cancelled"
    assert [note.message for note in job.definition.notes] == ["customer left"]


async def test_only_an_ended_job_can_be_deleted(rig: Rig) -> None:
    await rig.job()
    with pytest.raises(Conflict):
        await delete_job(rig.router, "job")
    await cancel_job(rig.router, "job", None, None)
    await delete_job(rig.router, "job")
    with pytest.raises(NotFound):
        await get_job(rig.router, "job")
    assert rig.events.names("job")[-1] == "JobDeleted"


async def test_a_draining_worker_keeps_its_job_and_gets_no_other(rig: Rig) -> None:
    await rig.worker(capacity=2)
    await rig.job()
    accepted = await rig.accept()
    await rig.job("offered")
    await rig.set_available("worker", False)
    worker = await rig.read_worker()
    assert worker.state is WorkerState.DRAINING
    assert await rig.offers_of() == []
    await rig.finish(accepted)
    assert (await rig.read_worker()).state is WorkerState.INACTIVE


async def test_a_stale_condition_changes_nothing(rig: Rig) -> None:
    from shared.services.preconditions import PreconditionFailed

    definition = await _submitted_definition(rig)
    with pytest.raises(PreconditionFailed):
        await upsert_job(rig.router, "model", lambda _: definition, Precondition(if_match="stale"))
    with pytest.raises(PreconditionFailed):
        await upsert_job(rig.router, "model", lambda _: definition, Precondition(if_none_match="*"))


async def test_an_offer_tells_about_job_and_worker(rig: Rig) -> None:
    await rig.worker(labels={"skill": 11})
    await rig.job(labels={"name": "John"}, priority=7)
    issued = rig.events.of(OfferIssued)[0]
    assert (issued.worker_id, issued.job_id, issued.queue_id) == ("worker", "job", "queue")
    assert (issued.job_priority, issued.job_labels) == (7, {"name": "John"})
    assert issued.worker_labels == {"skill": 11}
    assert (issued.expires_at - issued.offered_at).total_seconds() == 60
