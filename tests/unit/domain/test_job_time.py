"""What happens to a job by itself, when its time has come."""

from collections.abc import Callable

import pytest

from shared.domain.events import (
    JobCancelled,
    JobClosed,
    JobWaitingForActivation,
    JobWorkerSelectorsExpired,
    OfferExpired,
)
from shared.domain.jobs import Job
from shared.domain.limits import JOB_LIFETIME
from shared.domain.matching_modes import ScheduleAndSuspend
from shared.domain.selectors import SelectorStatus
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
    closing_job,
    completed_job,
    event_of,
    later,
    names,
    offered_job,
    only,
    outcome,
    queued_job,
    released,
    selector,
)

END = START + JOB_LIFETIME
IN_AN_HOUR = ScheduleAndSuspend(schedule_at=later(hours=1))


# -- offers -----------------------------------------------------------------------------------


def test_an_offer_expires_and_its_worker_no_longer_counts_as_available() -> None:
    job = offered_job(an_offer(1, "ann"), an_offer(2, "bob", expires_at=later(hours=1)))
    expired = job.advance(START + OFFER_LIFE)
    event = event_of(expired)
    assert isinstance(event, OfferExpired)
    assert (event.offer_id, event.worker_id) == ("offer-1", "ann")
    assert expired.follow_ups == (released("ann", "offer-1", expired_registration=1),)
    assert [offer.offer_id for offer in outcome(expired).offers] == ["offer-2"]
    assert outcome(expired).status is JobStatus.QUEUED


def test_an_offer_lives_until_its_time() -> None:
    job = offered_job()
    assert job.due_at == START + OFFER_LIFE
    assert job.advance(later(seconds=59.999)) == Transition(job)


def test_a_worker_that_let_an_offer_expire_did_not_decline() -> None:
    assert outcome(offered_job().advance(START + OFFER_LIFE)).may_be_offered_to("ann", 1)


# -- selectors --------------------------------------------------------------------------------


def test_a_selector_expires_and_is_announced() -> None:
    timed, forever = selector(expires_after_seconds=30), selector("level", 3)
    job = queued_job(requested_worker_selectors=(timed, forever))
    assert job.due_at == later(seconds=30)
    expired = job.advance(later(seconds=30))
    assert [s.status for s in outcome(expired).selectors] == [
        SelectorStatus.EXPIRED,
        SelectorStatus.ACTIVE,
    ]
    assert names(expired) == ["JobWorkerSelectorsExpired"]
    (told,) = only(expired, JobWorkerSelectorsExpired).expired_requested_selectors
    assert (told.key, told.status) == ("language", SelectorStatus.EXPIRED)


def test_selectors_expire_together_in_one_event() -> None:
    demands = tuple(selector(key, expires_after_seconds=30) for key in "abc")
    expired = queued_job(requested_worker_selectors=demands).advance(later(minutes=1))
    assert len(only(expired, JobWorkerSelectorsExpired).expired_requested_selectors) == 3


def test_an_expired_selector_leaves_the_open_offers_alone() -> None:
    job = offered_job(requested_worker_selectors=(selector(expires_after_seconds=30),))
    assert outcome(job.advance(later(seconds=30))).offers == job.offers


def test_selectors_of_an_assigned_job_expire_when_it_is_queued_again() -> None:
    job = assigned_job(requested_worker_selectors=(selector(expires_after_seconds=30),))
    assert job.due_at == END
    assert job.advance(later(minutes=5)) == Transition(job)
    again = outcome(job.unassign("assignment-1", False, later(minutes=5)))
    assert again.due_at == later(seconds=30)
    assert names(again.advance(later(minutes=5))) == ["JobWorkerSelectorsExpired"]


# -- declines ---------------------------------------------------------------------------------


def test_a_job_is_due_when_a_declining_worker_may_be_asked_again() -> None:
    job = outcome(offered_job().decline("offer-1", later(hours=1), START))
    assert job.due_at == later(hours=1)
    retried = job.advance(later(hours=1))
    assert retried.events == ()
    assert outcome(retried).due_at == END


def test_a_decline_for_good_makes_nothing_due_and_is_not_forgotten() -> None:
    job = outcome(offered_job().decline("offer-1", None, START))
    assert job.due_at == END
    assert job.advance(later(days=89)) == Transition(job)


# -- schedule ---------------------------------------------------------------------------------


def test_a_scheduled_job_asks_to_be_activated_at_its_time() -> None:
    job = queued_job(matching_mode=IN_AN_HOUR, priority=7, requested_worker_selectors=(selector(),))
    assert job.due_at == later(hours=1)
    assert job.advance(later(minutes=59)) == Transition(job)
    now = later(hours=1, seconds=1)
    activated = job.advance(now)
    event = event_of(activated)
    assert isinstance(event, JobWaitingForActivation)
    assert (event.priority, event.scheduled_at) == (7, now)
    assert event.requested_worker_selectors == (selector(),)
    assert outcome(activated).status is JobStatus.WAITING_FOR_ACTIVATION
    assert outcome(activated).scheduled_at == now
    assert not outcome(activated).is_waiting


def test_the_scheduled_time_itself_is_due() -> None:
    assert names(queued_job(matching_mode=IN_AN_HOUR).advance(later(hours=1))) == [
        "JobWaitingForActivation"
    ]


def test_a_job_scheduled_in_the_past_is_due_at_once() -> None:
    job = queued_job(matching_mode=ScheduleAndSuspend(schedule_at=later(hours=-1)))
    assert job.due_at < START
    assert names(job.advance(START)) == ["JobWaitingForActivation"]


def test_a_scheduled_time_means_nothing_to_a_job_that_was_queued_meanwhile() -> None:
    job = outcome(queued_job(matching_mode=IN_AN_HOUR).update(queued_job().definition, START))
    assert job.due_at == END
    assert job.advance(later(hours=2)) == Transition(job)


# -- close ------------------------------------------------------------------------------------


def test_a_job_closes_at_its_time() -> None:
    job = closing_job(later(hours=1))
    assert job.due_at == later(hours=1)
    assert job.advance(later(minutes=59)) == Transition(job)
    closed = job.advance(later(hours=1, seconds=1))
    event = event_of(closed)
    assert isinstance(event, JobClosed)
    assert (event.assignment_id, event.disposition_code) == ("assignment-1", "Solved")
    assert closed.follow_ups == (released("ann", "offer-1"),)
    assert outcome(closed).status is JobStatus.CLOSED
    assert outcome(closed).assignments[0].closed_at == later(hours=1, seconds=1)


def test_the_closing_time_itself_is_due() -> None:
    assert names(closing_job(later(hours=1)).advance(later(hours=1))) == ["JobClosed"]


# -- lifetime ---------------------------------------------------------------------------------

every_kind = pytest.mark.parametrize(
    "make_job",
    [
        queued_job,
        offered_job,
        assigned_job,
        completed_job,
        closed_job,
        cancelled_job,
        lambda: queued_job(matching_mode=ScheduleAndSuspend(schedule_at=later(days=200))),
        lambda: closing_job(later(days=200)),
    ],
    ids=[
        "queued",
        "offered",
        "assigned",
        "completed",
        "closed",
        "cancelled",
        "scheduled",
        "closing",
    ],
)


@every_kind
def test_every_job_is_gone_after_ninety_days(make_job: Callable[[], Job]) -> None:
    gone = make_job().advance(END)
    assert gone.aggregate is None
    assert names(gone)[-1] == "JobDeleted"


@every_kind
def test_no_job_is_gone_before(make_job: Callable[[], Job]) -> None:
    assert make_job().advance(later(days=89)).aggregate is not None


def test_a_job_that_runs_out_of_time_is_cancelled_first() -> None:
    job = offered_job(an_offer(expires_at=later(days=100)))
    gone = job.advance(END)
    assert names(gone) == ["OfferRevoked", "JobCancelled", "JobDeleted"]
    assert only(gone, JobCancelled).disposition_code == "Expired"
    assert gone.follow_ups == (released("ann", "offer-1"),)


def test_an_assigned_job_that_runs_out_of_time_frees_its_worker() -> None:
    assert assigned_job().advance(END).follow_ups == (released("ann", "offer-1"),)


def test_an_ended_job_is_only_deleted() -> None:
    assert names(closed_job().advance(END)) == ["JobDeleted"]


# -- several at once --------------------------------------------------------------------------


def test_a_late_sweep_does_everything_that_is_due() -> None:
    job = offered_job(
        an_offer(1, "ann"),
        an_offer(2, "bob", expires_at=later(hours=2)),
        requested_worker_selectors=(selector(expires_after_seconds=30),),
    )
    job = outcome(job.decline("offer-2", later(minutes=5), START))
    swept = job.advance(later(hours=3))
    assert names(swept) == ["OfferExpired", "JobWorkerSelectorsExpired"]
    assert outcome(swept).declines == ()
    assert outcome(swept).due_at == END


def test_a_job_is_due_at_the_first_of_its_deadlines() -> None:
    job = offered_job(
        an_offer(1, "ann"), requested_worker_selectors=(selector(expires_after_seconds=30),)
    )
    assert job.due_at == later(seconds=30)
    assert outcome(job.advance(later(seconds=30))).due_at == START + OFFER_LIFE


def test_offers_of_a_job_that_was_accepted_are_not_due() -> None:
    assert outcome(accept(offered_job(an_offer(1), an_offer(2, "bob")))).due_at == END
