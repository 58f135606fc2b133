"""From assignment to the end: complete, close, unassign, cancel, delete."""

from collections.abc import Callable
from datetime import datetime

import pytest

from shared.domain.errors import Conflict, NotFound
from shared.domain.events import (
    JobCancelled,
    JobClosed,
    JobCompleted,
    JobDeleted,
    JobUnassigned,
)
from shared.domain.job_definition import Note
from shared.domain.jobs import Assignment, Closing, Job
from shared.domain.limits import MAX_UNASSIGNMENTS
from shared.domain.matching_modes import QueueAndMatch, Suspend
from shared.domain.statuses import JobStatus
from tests.unit.domain.builders import (
    START,
    accept,
    an_offer,
    assigned_job,
    cancelled_job,
    closed_job,
    closing_job,
    completed_job,
    event_of,
    later,
    names,
    offer_to,
    offered_job,
    only,
    outcome,
    queued_job,
    released,
    selector,
)

NOW = later(minutes=5)
ANNS_CAPACITY = released("ann", "offer-1")

type MakeJob = Callable[[], Job]

in_every_status = pytest.mark.parametrize(
    "make_job",
    [
        queued_job,
        lambda: queued_job(matching_mode=Suspend()),
        assigned_job,
        completed_job,
        closed_job,
        cancelled_job,
    ],
    ids=["queued", "suspended", "assigned", "completed", "closed", "cancelled"],
)


# -- complete ---------------------------------------------------------------------------------


def test_completing_begins_the_wrap_up_and_keeps_the_capacity() -> None:
    completed = assigned_job().complete("assignment-1", None, NOW)
    job = outcome(completed)
    assert job.status is JobStatus.COMPLETED
    assert job.assignments[0].completed_at == NOW
    assert completed.follow_ups == ()


def test_completing_is_announced() -> None:
    event = event_of(assigned_job().complete("assignment-1", None, NOW))
    assert isinstance(event, JobCompleted)
    assert (event.job_id, event.assignment_id, event.worker_id) == ("job-1", "assignment-1", "ann")


def test_completing_may_leave_a_note() -> None:
    job = outcome(assigned_job().complete("assignment-1", "all well", NOW))
    assert job.definition.notes == (Note(message="all well", added_at=NOW),)


@pytest.mark.parametrize("make_job", [completed_job, closed_job])
def test_only_an_assigned_job_can_be_completed(make_job: MakeJob) -> None:
    with pytest.raises(Conflict, match="not assigned") as refused:
        make_job().complete("assignment-1", None, NOW)
    assert refused.value.code == "JobNotAssigned"


# -- close ------------------------------------------------------------------------------------


def test_closing_ends_the_job_and_frees_the_capacity() -> None:
    closed = completed_job().close("assignment-1", "Solved", None, "bye", NOW)
    job = outcome(closed)
    assert (job.status, job.is_terminal) == (JobStatus.CLOSED, True)
    assert job.definition.disposition_code == "Solved"
    assert job.definition.notes == (Note(message="bye", added_at=NOW),)
    assert closed.follow_ups == (ANNS_CAPACITY,)


def test_a_closed_job_tells_its_assignment() -> None:
    (assignment,) = closed_job().assignments
    assert assignment == Assignment(
        assignment_id="assignment-1",
        worker_id="ann",
        offer_id="offer-1",
        assigned_at=START,
        completed_at=later(minutes=1),
        closed_at=later(minutes=2),
    )


def test_closing_is_announced() -> None:
    event = event_of(completed_job().close("assignment-1", "Solved", None, None, NOW))
    assert isinstance(event, JobClosed)
    assert (event.assignment_id, event.worker_id) == ("assignment-1", "ann")
    assert event.disposition_code == "Solved"


def test_a_job_closed_without_a_code_is_closed() -> None:
    closed = completed_job().close("assignment-1", None, None, None, NOW)
    assert only(closed, JobClosed).disposition_code == "Closed"
    assert outcome(closed).definition.disposition_code == "Closed"


@pytest.mark.parametrize("close_at", [later(minutes=4), NOW], ids=["past", "now"])
def test_a_closing_time_that_has_come_means_now(close_at: datetime) -> None:
    closed = completed_job().close("assignment-1", None, close_at, None, NOW)
    assert names(closed) == ["JobClosed"]
    assert outcome(closed).assignments[0].closed_at == NOW


def test_a_job_may_close_later() -> None:
    closing = completed_job().close("assignment-1", "Solved", later(hours=1), "soon", NOW)
    job = outcome(closing)
    assert (job.status, closing.events, closing.follow_ups) == (JobStatus.COMPLETED, (), ())
    assert job.closing == Closing(close_at=later(hours=1), disposition_code="Solved")
    assert job.definition.notes == (Note(message="soon", added_at=NOW),)


def test_a_job_that_closes_later_may_close_sooner() -> None:
    closed = closing_job(later(hours=1)).close("assignment-1", "Hurried", None, None, NOW)
    assert names(closed) == ["JobClosed"]
    assert outcome(closed).closing is None


@pytest.mark.parametrize("make_job", [assigned_job, closed_job])
def test_only_a_completed_job_can_be_closed(make_job: MakeJob) -> None:
    with pytest.raises(Conflict, match="not completed") as refused:
        make_job().close("assignment-1", None, None, None, NOW)
    assert refused.value.code == "JobNotCompleted"


# -- unassign ---------------------------------------------------------------------------------


def unassigned_often(times: int) -> Job:
    job = assigned_job()
    for number in range(2, times + 2):
        job = outcome(job.unassign(f"assignment-{number - 1}", False, START))
        job = offer_to(job, an_offer(number))
        job = outcome(accept(job, f"offer-{number}", f"assignment-{number}"))
    return job


def test_unassigning_queues_the_job_again() -> None:
    unassigned = assigned_job().unassign("assignment-1", False, NOW)
    job = outcome(unassigned)
    assert names(unassigned) == ["JobUnassigned", "JobQueued"]
    assert unassigned.follow_ups == (ANNS_CAPACITY,)
    assert (job.status, job.open_assignment, job.assignments) == (JobStatus.QUEUED, None, ())
    assert (job.enqueued_at, job.unassignment_count) == (START, 1)


def test_unassigning_is_announced() -> None:
    event = only(assigned_job().unassign("assignment-1", False, NOW), JobUnassigned)
    assert (event.assignment_id, event.worker_id) == ("assignment-1", "ann")


def test_unassigning_may_suspend_the_job() -> None:
    unassigned = assigned_job().unassign("assignment-1", True, NOW)
    job = outcome(unassigned)
    assert names(unassigned) == ["JobUnassigned"]
    assert (job.status, job.is_waiting) == (JobStatus.WAITING_FOR_ACTIVATION, False)
    assert job.definition.matching_mode == Suspend()


def test_a_suspended_job_is_queued_again_on_demand() -> None:
    job = outcome(assigned_job().unassign("assignment-1", True, NOW))
    definition = assigned_job().definition
    assert definition.matching_mode == QueueAndMatch()
    assert names(job.update(definition, NOW)) == ["JobQueued"]


def test_an_unassigned_job_may_go_to_the_same_worker() -> None:
    job = outcome(assigned_job().unassign("assignment-1", False, NOW))
    assert job.may_be_offered_to("ann", registration=1)


def test_the_clocks_of_selectors_run_on_while_the_job_is_assigned() -> None:
    job = assigned_job(requested_worker_selectors=(selector(expires_after_seconds=30),))
    again = outcome(job.unassign("assignment-1", False, NOW))
    assert again.selectors[0].expires_at == later(seconds=30)


def test_a_job_is_taken_back_only_so_often() -> None:
    job = unassigned_often(MAX_UNASSIGNMENTS)
    assert job.unassignment_count == 3
    with pytest.raises(Conflict, match="3 times") as refused:
        job.unassign("assignment-4", False, NOW)
    assert refused.value.code == "UnassignmentLimitReached"


@pytest.mark.parametrize("make_job", [completed_job, closed_job])
def test_only_an_assigned_job_can_be_unassigned(make_job: MakeJob) -> None:
    with pytest.raises(Conflict, match="not assigned") as refused:
        make_job().unassign("assignment-1", False, NOW)
    assert refused.value.code == "JobNotAssigned"


# -- assignments ------------------------------------------------------------------------------


@in_every_status
def test_an_action_on_an_unknown_assignment_is_refused(make_job: MakeJob) -> None:
    job = make_job()
    actions: list[Callable[[], object]] = [
        lambda: job.complete("other", None, NOW),
        lambda: job.close("other", None, None, None, NOW),
        lambda: job.unassign("other", False, NOW),
    ]
    for act in actions:
        with pytest.raises(NotFound, match="assignment 'other'"):
            act()


def test_an_assignment_taken_back_is_gone() -> None:
    with pytest.raises(NotFound):
        unassigned_often(1).complete("assignment-1", None, NOW)


@in_every_status
def test_only_assigned_and_completed_jobs_hold_a_worker(make_job: MakeJob) -> None:
    job = make_job()
    holds = job.status in {JobStatus.ASSIGNED, JobStatus.COMPLETED}
    assert (job.open_assignment is not None) is holds


# -- cancel -----------------------------------------------------------------------------------


def test_cancelling_revokes_the_offers() -> None:
    cancelled = offered_job(an_offer(1, "ann"), an_offer(2, "bob")).cancel(None, None, NOW)
    job = outcome(cancelled)
    assert names(cancelled) == ["OfferRevoked", "OfferRevoked", "JobCancelled"]
    assert cancelled.follow_ups == (ANNS_CAPACITY, released("bob", "offer-2"))
    assert (job.status, job.offers, job.is_terminal) == (JobStatus.CANCELLED, (), True)


@pytest.mark.parametrize("make_job", [assigned_job, completed_job, lambda: closing_job(NOW)])
def test_cancelling_frees_the_worker(make_job: MakeJob) -> None:
    cancelled = make_job().cancel(None, None, later(minutes=3))
    assert names(cancelled) == ["JobCancelled"]
    assert cancelled.follow_ups == (ANNS_CAPACITY,)
    assert outcome(cancelled).closing is None
    assert outcome(cancelled).open_assignment is None


def test_cancelling_may_leave_a_note_and_a_code() -> None:
    cancelled = queued_job().cancel("caller hung up", "Abandoned", NOW)
    event = event_of(cancelled)
    assert isinstance(event, JobCancelled)
    assert (event.note, event.disposition_code) == ("caller hung up", "Abandoned")
    definition = outcome(cancelled).definition
    assert definition.disposition_code == "Abandoned"
    assert definition.notes == (Note(message="caller hung up", added_at=NOW),)


def test_a_job_cancelled_without_a_code_is_cancelled() -> None:
    cancelled = queued_job().cancel(None, None, NOW)
    assert only(cancelled, JobCancelled).disposition_code == "Cancelled"
    assert outcome(cancelled).definition.disposition_code == "Cancelled"
    assert outcome(cancelled).definition.notes == ()


@pytest.mark.parametrize("make_job", [closed_job, cancelled_job])
def test_a_job_ends_once(make_job: MakeJob) -> None:
    with pytest.raises(Conflict, match="already") as refused:
        make_job().cancel(None, None, NOW)
    assert refused.value.code == "JobAlreadyEnded"


# -- delete -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make_job", [closed_job, cancelled_job])
def test_an_ended_job_can_be_deleted(make_job: MakeJob) -> None:
    deleted = make_job().delete()
    assert deleted.aggregate is None
    assert isinstance(event_of(deleted), JobDeleted)
    assert deleted.follow_ups == ()


@pytest.mark.parametrize(
    "make_job",
    [queued_job, assigned_job, completed_job, lambda: queued_job(matching_mode=Suspend())],
)
def test_a_job_that_has_not_ended_is_not_deleted(make_job: MakeJob) -> None:
    with pytest.raises(Conflict, match="cancel or close it first") as refused:
        make_job().delete()
    assert refused.value.code == "JobIsActive"
