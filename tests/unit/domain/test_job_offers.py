"""Offers on their job: issued, accepted, declined, revoked. One end each; one worker wins."""

from datetime import datetime

import pytest

from shared.domain.errors import Conflict, NotFound
from shared.domain.events import OfferAccepted, OfferDeclined, OfferIssued, OfferRevoked
from shared.domain.follow_ups import AssignReservation
from shared.domain.jobs import Assignment, Job
from shared.domain.matching_modes import Suspend
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from tests.unit.domain.builders import (
    OFFER_LIFE,
    START,
    accept,
    an_offer,
    assigned_job,
    cancelled_job,
    closed_job,
    event_of,
    later,
    names,
    offer_to,
    offered_job,
    only,
    outcome,
    queued_job,
    released,
)

NOW = later(seconds=10)
ANNS, BOBS = an_offer(1, "ann"), an_offer(2, "bob")


# -- issued -----------------------------------------------------------------------------------


def test_an_offer_is_listed_and_announced() -> None:
    job = queued_job(channel_reference="call-7", labels={"vip": True}, tags={"a": 1}, priority=3)
    issued = job.issue_offer(ANNS, {"language": "fr"}, {"b": 2}, at_most=1)
    event = event_of(issued)
    assert isinstance(event, OfferIssued)
    assert (event.offer_id, event.worker_id, event.job_id) == ("offer-1", "ann", "job-1")
    assert (event.channel_id, event.channel_reference) == ("voice", "call-7")
    assert (event.queue_id, event.job_priority) == ("support", 3)
    assert (event.offered_at, event.expires_at) == (START, START + OFFER_LIFE)
    assert (event.job_labels, event.job_tags) == ({"vip": True}, {"a": 1})
    assert (event.worker_labels, event.worker_tags) == ({"language": "fr"}, {"b": 2})
    assert outcome(issued).offers == (ANNS,)
    assert outcome(issued).is_waiting


@pytest.mark.parametrize(
    "job",
    [assigned_job(), closed_job(), cancelled_job(), queued_job(matching_mode=Suspend())],
    ids=lambda job: job.status,
)
def test_only_a_queued_job_is_offered(job: Job) -> None:
    with pytest.raises(Conflict) as refused:
        offer_to(job, an_offer(7, "eve"))
    assert refused.value.code == "OfferNotPossible"


def test_a_job_has_so_many_offers_at_once() -> None:
    job = offer_to(queued_job(), ANNS, BOBS, at_most=2)
    with pytest.raises(Conflict):
        offer_to(job, an_offer(3, "eve"), at_most=2)


def test_a_worker_has_one_offer_of_a_job() -> None:
    with pytest.raises(Conflict):
        offer_to(offered_job(ANNS), an_offer(2, "ann"))


# -- accepted ---------------------------------------------------------------------------------


def test_accepting_assigns_the_job() -> None:
    accepted = accept(offered_job(ANNS), now=NOW)
    job = outcome(accepted)
    assignment = Assignment(
        assignment_id="assignment-1", worker_id="ann", offer_id="offer-1", assigned_at=NOW
    )
    assert (job.status, job.offers, job.is_waiting) == (JobStatus.ASSIGNED, (), False)
    assert job.open_assignment == assignment
    assert accepted.follow_ups == (
        AssignReservation(
            worker_id="ann", offer_id="offer-1", assignment_id="assignment-1", assigned_at=NOW
        ),
    )


def test_accepting_is_announced() -> None:
    job = offered_job(ANNS, labels={"vip": True}, tags={"a": 1}, priority=3)
    event = event_of(job.accept("offer-1", "assignment-1", {"language": "fr"}, {"b": 2}, NOW))
    assert isinstance(event, OfferAccepted)
    assert (event.offer_id, event.worker_id, event.job_id) == ("offer-1", "ann", "job-1")
    assert (event.assignment_id, event.job_priority) == ("assignment-1", 3)
    assert (event.job_labels, event.job_tags) == ({"vip": True}, {"a": 1})
    assert (event.worker_labels, event.worker_tags) == ({"language": "fr"}, {"b": 2})


def test_accepting_revokes_the_other_offers() -> None:
    accepted = accept(offered_job(ANNS, BOBS))
    assert names(accepted) == ["OfferAccepted", "OfferRevoked"]
    assert only(accepted, OfferRevoked).worker_id == "bob"
    assert accepted.follow_ups[1:] == (released("bob", "offer-2"),)


def test_the_second_worker_to_accept_learns_that_the_job_is_taken() -> None:
    job = outcome(accept(offered_job(ANNS, BOBS)))
    with pytest.raises(Conflict) as refused:
        accept(job, "offer-2", "assignment-2")
    assert refused.value.code == "JobAlreadyAssigned"


# -- declined ---------------------------------------------------------------------------------


def decline(job: Job, retry_at: datetime | None = None) -> Transition[Job]:
    return job.decline("offer-1", retry_at, NOW)


def test_declining_frees_the_worker_and_leaves_the_job_in_its_queue() -> None:
    declined = decline(offered_job(ANNS, BOBS))
    event = event_of(declined)
    assert isinstance(event, OfferDeclined)
    assert (event.offer_id, event.worker_id, event.queue_id) == ("offer-1", "ann", "support")
    assert declined.follow_ups == (released("ann", "offer-1"),)
    assert outcome(declined).offers == (BOBS,)
    assert outcome(declined).is_waiting


def test_a_worker_that_declined_is_not_offered_the_job_in_this_registration() -> None:
    job = outcome(decline(offered_job(ANNS)))
    assert not job.may_be_offered_to("ann", registration=1)
    assert job.may_be_offered_to("ann", registration=2)
    assert job.may_be_offered_to("bob", registration=1)
    with pytest.raises(Conflict):
        offer_to(job, an_offer(3, "ann"))


def test_a_worker_that_declined_for_a_while_is_offered_the_job_afterwards() -> None:
    job = outcome(decline(offered_job(ANNS), retry_at=later(hours=1)))
    assert not outcome(job.advance(later(minutes=59))).may_be_offered_to("ann", 1)
    assert outcome(job.advance(later(hours=1))).may_be_offered_to("ann", 1)


@pytest.mark.parametrize("retry_at", [NOW, START], ids=["now", "past"])
def test_a_retry_time_that_has_come_means_at_once(retry_at: datetime) -> None:
    assert outcome(decline(offered_job(ANNS), retry_at)).may_be_offered_to("ann", 1)


def test_a_decline_is_remembered_although_another_worker_had_the_job_meanwhile() -> None:
    job = outcome(accept(outcome(decline(offered_job(ANNS, BOBS))), "offer-2"))
    again = outcome(job.unassign("assignment-1", False, NOW))
    assert not again.may_be_offered_to("ann", registration=1)
    assert again.may_be_offered_to("bob", registration=1)


def test_an_ended_job_remembers_no_declines() -> None:
    assert outcome(outcome(decline(offered_job(ANNS))).cancel(None, None, NOW)).declines == ()


# -- over -------------------------------------------------------------------------------------


def test_an_offer_past_its_time_is_over_before_a_sweep_says_so() -> None:
    job, on_time = offered_job(ANNS), START + OFFER_LIFE
    with pytest.raises(NotFound, match="offer 'offer-1'"):
        accept(job, now=on_time)
    with pytest.raises(NotFound):
        job.decline("offer-1", None, on_time)


@pytest.mark.parametrize(
    "job", [queued_job(), closed_job(), cancelled_job()], ids=lambda job: job.status
)
def test_an_unknown_offer_cannot_be_answered(job: Job) -> None:
    with pytest.raises(NotFound):
        accept(job)
    with pytest.raises(NotFound):
        decline(job)


def test_an_accepted_offer_cannot_be_declined() -> None:
    with pytest.raises(Conflict):
        decline(assigned_job())


def test_revoking_ends_the_offer() -> None:
    revoked = offered_job(ANNS, BOBS).revoke("offer-1")
    event = event_of(revoked)
    assert isinstance(event, OfferRevoked)
    assert (event.offer_id, event.worker_id) == ("offer-1", "ann")
    assert revoked.follow_ups == (released("ann", "offer-1"),)
    assert outcome(revoked).offers == (BOBS,)


def test_a_revoked_worker_may_be_offered_the_job_again() -> None:
    assert outcome(offered_job(ANNS).revoke("offer-1")).may_be_offered_to("ann", 1)


@pytest.mark.parametrize(
    "job", [queued_job(), assigned_job(), cancelled_job()], ids=lambda job: job.status
)
def test_revoking_an_offer_that_ended_changes_nothing(job: Job) -> None:
    assert job.revoke("offer-1") == Transition(job)
