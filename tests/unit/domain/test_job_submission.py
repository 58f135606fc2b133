"""A submitted job: how it is answered, what is announced, and where it goes next."""

import pytest

from shared.domain.events import JobQueued, JobReceived, JobSchedulingFailed
from shared.domain.job_definition import Note
from shared.domain.jobs import Job
from shared.domain.limits import JOB_LIFETIME
from shared.domain.matching_modes import (
    MatchingMode,
    QueueAndMatch,
    ScheduleAndSuspend,
    Suspend,
)
from shared.domain.selectors import SelectorStatus
from shared.domain.statuses import JobStatus
from tests.unit.domain.builders import (
    START,
    define_job,
    later,
    names,
    only,
    outcome,
    selector,
    submit,
)

TOMORROW = ScheduleAndSuspend(schedule_at=later(days=1))


def received_event(mode: MatchingMode) -> JobReceived:
    return only(Job.receive("job-1", define_job(matching_mode=mode), START), JobReceived)


def test_a_job_is_answered_as_created() -> None:
    job = outcome(Job.receive("job-1", define_job(), START))
    assert (job.id, job.status, job.created_at) == ("job-1", JobStatus.CREATED, START)
    assert job.enqueued_at is None


def test_a_scheduled_job_is_answered_as_pending_its_schedule() -> None:
    job = outcome(Job.receive("job-1", define_job(matching_mode=TOMORROW), START))
    assert job.status is JobStatus.PENDING_SCHEDULE


def test_a_job_is_queued_at_once() -> None:
    submission = submit(define_job())
    job = outcome(submission)
    assert names(submission) == ["JobReceived", "JobQueued"]
    assert (job.status, job.enqueued_at, job.is_waiting) == (JobStatus.QUEUED, START, True)


def test_a_suspended_job_waits_for_its_activation() -> None:
    submission = submit(define_job(matching_mode=Suspend()))
    job = outcome(submission)
    assert names(submission) == ["JobReceived"]
    assert (job.status, job.is_waiting) == (JobStatus.WAITING_FOR_ACTIVATION, False)
    assert job.enqueued_at is None


def test_a_scheduled_job_knows_its_time() -> None:
    submission = submit(define_job(matching_mode=TOMORROW))
    job = outcome(submission)
    assert names(submission) == ["JobReceived"]
    assert (job.status, job.is_waiting) == (JobStatus.SCHEDULED, False)
    assert job.scheduled_at == TOMORROW.schedule_at


def test_a_job_cannot_be_scheduled_beyond_its_life() -> None:
    never = ScheduleAndSuspend(schedule_at=START + JOB_LIFETIME)
    transition = submit(define_job(matching_mode=never))
    assert outcome(transition).status is JobStatus.SCHEDULE_FAILED
    event = only(transition, JobSchedulingFailed)
    assert event.scheduled_at == never.schedule_at
    assert "90 days" in event.reason


def test_a_job_whose_scheduling_failed_can_be_scheduled_anew() -> None:
    never = ScheduleAndSuspend(schedule_at=START + JOB_LIFETIME)
    failed = outcome(submit(define_job(matching_mode=never)))
    scheduled = outcome(failed.update(define_job(matching_mode=TOMORROW), START))
    assert scheduled.status is JobStatus.SCHEDULED


@pytest.mark.parametrize(
    ("mode", "status", "unavailable"),
    [
        (QueueAndMatch(), JobStatus.QUEUED, False),
        (Suspend(), JobStatus.WAITING_FOR_ACTIVATION, True),
        (TOMORROW, JobStatus.PENDING_SCHEDULE, True),
    ],
    ids=["queue and match", "suspend", "schedule"],
)
def test_the_event_tells_what_follows(
    mode: MatchingMode, status: JobStatus, unavailable: bool
) -> None:
    event = received_event(mode)
    assert (event.status, event.unavailable_for_matching) == (status, unavailable)


def test_the_event_tells_the_scheduled_time_of_a_scheduled_job_alone() -> None:
    assert received_event(TOMORROW).scheduled_at == TOMORROW.schedule_at
    assert received_event(Suspend()).scheduled_at is None


def test_events_describe_the_job() -> None:
    french = selector()
    submission = submit(
        define_job(
            channel_reference="call-7",
            priority=5,
            labels={"language": "fr"},
            tags={"origin": "web"},
            requested_worker_selectors=(french,),
        )
    )
    for event in (only(submission, JobReceived), only(submission, JobQueued)):
        assert (event.job_id, event.channel_id, event.queue_id) == ("job-1", "voice", "support")
        assert event.channel_reference == "call-7"
        assert (event.labels, event.tags) == ({"language": "fr"}, {"origin": "web"})
        assert (event.priority, event.requested_worker_selectors) == (5, (french,))


def test_selectors_run_from_the_moment_the_job_is_queued() -> None:
    (timed, forever) = outcome(
        submit(
            define_job(
                requested_worker_selectors=(selector(expires_after_seconds=30), selector("level"))
            )
        )
    ).selectors
    assert timed.expires_at == later(seconds=30)
    assert forever.expires_at is None


def test_selectors_of_a_suspended_job_do_not_run() -> None:
    job = outcome(
        submit(
            define_job(
                matching_mode=Suspend(),
                requested_worker_selectors=(selector(expires_after_seconds=30),),
            )
        )
    )
    assert job.selectors[0].expires_at is None


def test_the_state_of_a_submitted_selector_is_the_routers_to_say() -> None:
    claimed = selector(status=SelectorStatus.EXPIRED, expires_at=later(days=1))
    job = outcome(submit(define_job(requested_worker_selectors=(claimed,))))
    assert job.selectors == (selector(),)


def test_notes_are_kept_in_the_order_of_time() -> None:
    second, first = (Note(message=m, added_at=later(minutes=n)) for m, n in [("b", 2), ("a", 1)])
    assert outcome(submit(define_job(notes=(second, first)))).definition.notes == (first, second)


def test_an_active_expedite_selector_expedites_the_job() -> None:
    urgent = selector(expires_after_seconds=30, expedite=True)
    job = outcome(submit(define_job(requested_worker_selectors=(selector(), urgent))))
    assert job.is_expedited
    assert not outcome(job.advance(later(seconds=30))).is_expedited


def test_a_job_is_not_expedited_by_itself() -> None:
    assert not outcome(submit(define_job(requested_worker_selectors=(selector(),)))).is_expedited
