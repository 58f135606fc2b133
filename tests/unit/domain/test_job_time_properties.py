"""Any job, over its whole life: 90 days in milliseconds."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.follow_ups import RouteJob
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator
from shared.domain.limits import JOB_LIFETIME
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.offers import Offer
from shared.domain.selectors import WorkerSelector
from shared.domain.transitions import Transition
from tests.unit.domain.builders import (
    START,
    accept,
    an_offer,
    later,
    names,
    offer_to,
    outcome,
    submit,
)

END = START + JOB_LIFETIME
A_LIFE_AND_MORE = JOB_LIFETIME + timedelta(days=10)

moments = st.timedeltas(timedelta(0), A_LIFE_AND_MORE).map(lambda passed: START + passed)
moments_of_its_life = moments.filter(lambda moment: moment < END)
coming_moments = moments.filter(lambda moment: moment > START)

selectors = st.builds(
    WorkerSelector,
    key=st.sampled_from(["language", "level"]),
    operator=st.sampled_from(LabelOperator),
    value=st.integers(0, 3),
    expires_after_seconds=st.none() | st.floats(0, A_LIFE_AND_MORE.total_seconds()),
    expedite=st.booleans(),
)
definitions = st.builds(
    JobDefinition,
    channel_id=st.just("voice"),
    queue_id=st.just("support"),
    requested_worker_selectors=st.lists(selectors, max_size=3).map(tuple),
    matching_mode=st.just(QueueAndMatch())
    | st.just(Suspend())
    | moments.map(lambda moment: ScheduleAndSuspend(schedule_at=moment)),
)


@st.composite
def open_offers(draw: st.DrawFn) -> list[Offer]:
    ends = draw(st.lists(coming_moments, max_size=4))
    return [an_offer(n, f"worker-{n}", expires_at=end) for n, end in enumerate(ends, start=1)]


@st.composite
def waiting_or_set_aside(draw: st.DrawFn) -> Job:
    job = outcome(submit(draw(definitions)))
    if not job.is_waiting:
        return job
    job = offer_to(job, *draw(open_offers()))
    for offer in job.offers[::2]:
        job = outcome(job.decline(offer.offer_id, draw(st.none() | moments), START))
    return job


@st.composite
def past_its_queue(draw: st.DrawFn) -> Job:
    job = outcome(accept(offer_to(draw(waiting_jobs), an_offer(9, "ann")), "offer-9"))
    steps = draw(st.sampled_from(["accept", "unassign", "complete", "close", "close later"]))
    if steps == "accept":
        return job
    if steps == "unassign":
        return outcome(job.unassign("assignment-1", draw(st.booleans()), START))
    job = outcome(job.complete("assignment-1", None, START))
    if steps == "complete":
        return job
    close_at = draw(moments) if steps == "close later" else None
    return outcome(job.close("assignment-1", None, close_at, None, START))


waiting_jobs = waiting_or_set_aside().filter(lambda job: job.is_waiting)
cancelled_jobs = waiting_or_set_aside().map(lambda job: outcome(job.cancel(None, None, START)))
jobs = waiting_or_set_aside() | past_its_queue() | cancelled_jobs


@given(job=jobs, now=moments)
def test_advancing_again_at_the_same_time_changes_nothing(job: Job, now: datetime) -> None:
    after = job.advance(now).aggregate
    if after is not None:
        assert after.advance(now) == Transition(after)


@given(job=jobs)
def test_every_deadline_is_met_once_until_the_job_is_gone(job: Job) -> None:
    due, announced = [job.due_at], []
    left: Job | None = job
    while left is not None:
        advanced = left.advance(due[-1])
        announced += names(advanced)
        left = advanced.aggregate
        if left is not None:
            due.append(left.due_at)
    assert due == sorted(set(due))
    assert due[-1] == END
    assert announced.count("JobDeleted") == 1
    assert announced[-1] == "JobDeleted"


@given(job=jobs, passed=st.floats(0, 1, exclude_max=True))
def test_nothing_is_announced_before_it_is_due(job: Job, passed: float) -> None:
    early = min(job.due_at, START) + (job.due_at - min(job.due_at, START)) * passed
    if early < job.due_at:
        advanced = job.advance(early)
        assert (advanced.events, advanced.follow_ups) == ((), ())


@given(job=jobs, now=moments_of_its_life)
def test_a_late_sweep_ends_where_punctual_sweeps_end(job: Job, now: datetime) -> None:
    late, punctual = outcome(job.advance(now)), job
    while punctual.due_at <= now:
        punctual = outcome(punctual.advance(punctual.due_at))
    assert _what_is_left(late) == _what_is_left(outcome(punctual.advance(now)))


def _what_is_left(job: Job) -> tuple[object, ...]:
    return job.status, job.offers, job.declines, job.selectors, job.closing, job.due_at


@given(job=jobs)
def test_nothing_is_left_open_when_its_life_is_over(job: Job) -> None:
    held = {offer.offer_id for offer in job.offers}
    if job.open_assignment is not None:
        held.add(job.open_assignment.offer_id)
    gone = job.advance(later(days=90))
    assert gone.aggregate is None
    assert {f.offer_id for f in gone.follow_ups if not isinstance(f, RouteJob)} == held
