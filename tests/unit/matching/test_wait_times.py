"""Expected waits: what holds for every queue, and queues of which the answer is known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.limits import JOB_LIFETIME
from shared.domain.waiting import WaitingGroup
from shared.matching.wait_times import (
    ASSUMED_HANDLE_TIME,
    QueueSnapshot,
    Service,
    Standing,
    mean_duration,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NORMAL: Standing = (False, 1)
HIGH: Standing = (False, 9)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def service(
    assigned: float, ended: float | None, waited: float = 1, standing: Standing = NORMAL
) -> Service:
    """Assigned and ended so many minutes ago, after so many minutes of waiting."""
    return Service(
        standing=standing,
        enqueued_at=ago(assigned + waited),
        assigned_at=ago(assigned),
        ended_at=None if ended is None else ago(ended),
    )


def group(count: int, oldest: float = 1, standing: Standing = NORMAL) -> WaitingGroup:
    expedited, priority = standing
    return WaitingGroup(expedited=expedited, priority=priority, count=count, oldest=ago(oldest))


def snapshot(services: Sequence[Service] = (), **members: Any) -> QueueSnapshot:
    defaults: dict[str, Any] = {"waiting": (), "in_service": 0, "idle": 0}
    return QueueSnapshot(now=NOW, seen_at=NOW, services=services, **(defaults | members))


def minutes(wait: timedelta) -> float:
    return wait / timedelta(minutes=1)


# -- properties -----------------------------------------------------------------------------------

STANDINGS = st.tuples(st.booleans(), st.integers(-100, 100))
# Also later than now: other instances have clocks of their own.
TIMES = st.floats(-0.1, 90 * 24 * 60).map(ago) | st.floats(-1, 300).map(ago)
SERVICES = st.builds(
    Service,
    standing=STANDINGS,
    enqueued_at=TIMES,
    assigned_at=TIMES,
    ended_at=st.none() | TIMES,
)
GROUPS = st.builds(
    WaitingGroup,
    expedited=st.booleans(),
    priority=st.integers(-100, 100),
    count=st.integers(1, 10**6),
    oldest=TIMES,
)
SNAPSHOTS = st.builds(
    QueueSnapshot,
    now=st.just(NOW),
    seen_at=st.sampled_from([NOW, ago(0.5)]),
    services=st.lists(SERVICES, max_size=8),
    waiting=st.lists(GROUPS, max_size=3),
    in_service=st.integers(0, 10**5),
    idle=st.integers(0, 5),
)
AHEAD = st.integers(0, 10) | st.integers(0, 10**6)


@given(SNAPSHOTS, STANDINGS, AHEAD)
def test_a_wait_is_no_less_than_nothing_and_no_longer_than_a_job_lives(
    queue: QueueSnapshot, standing: Standing, ahead: int
) -> None:
    assert timedelta() <= queue.wait(standing, ahead) <= JOB_LIFETIME
    assert timedelta() <= queue.answer_time <= queue.wait(standing, ahead)


@given(SNAPSHOTS, STANDINGS, AHEAD, AHEAD)
def test_who_is_behind_waits_no_shorter(
    queue: QueueSnapshot, standing: Standing, ahead: int, more: int
) -> None:
    assert queue.wait(standing, ahead) <= queue.wait(standing, ahead + more)


@given(SNAPSHOTS, STANDINGS, STANDINGS, AHEAD)
def test_who_can_be_overtaken_by_more_waits_no_shorter(
    queue: QueueSnapshot, one: Standing, other: Standing, ahead: int
) -> None:
    lower, higher = sorted([one, other])
    assert queue.wait(higher, ahead) <= queue.wait(lower, ahead)


@given(SNAPSHOTS, STANDINGS, AHEAD, st.integers(0, 5), st.integers(0, 50))
def test_more_workers_make_no_wait_longer(
    queue: QueueSnapshot, standing: Standing, ahead: int, idle: int, busy: int
) -> None:
    helped = replace(queue, idle=queue.idle + idle, in_service=queue.in_service + busy)
    assert helped.wait(standing, ahead) <= queue.wait(standing, ahead)


@given(SNAPSHOTS, STANDINGS, AHEAD, st.permutations(range(8)))
def test_the_order_of_services_does_not_matter(
    queue: QueueSnapshot, standing: Standing, ahead: int, order: Sequence[int]
) -> None:
    services = [queue.services[index] for index in order if index < len(queue.services)]
    shuffled = replace(queue, services=services)
    expected = queue.wait(standing, ahead).total_seconds()
    assert shuffled.wait(standing, ahead).total_seconds() == pytest.approx(expected, abs=1e-3)


# -- queues of which the answer is known ----------------------------------------------------------


def shifts(count: int, length: float, workers: int) -> list[Service]:
    """So many workers who serve jobs of this length, one after the other; each is at the last."""
    return [
        service(begin, None if number == 0 else begin - length)
        for worker in range(workers)
        for number, begin in ((n, length * (n + worker / workers)) for n in range(count))
    ]


def test_a_full_queue_moves_on_as_fast_as_its_workers_serve() -> None:
    queue = snapshot(shifts(20, 5, workers=10), waiting=(group(20),), in_service=10)
    assert minutes(queue.wait(NORMAL, ahead=19)) == pytest.approx(10, rel=0.01)
    assert minutes(queue.wait(NORMAL, ahead=39)) == pytest.approx(20, rel=0.01)


def test_quiet_times_do_not_count() -> None:
    busy = shifts(10, 5, workers=2)
    before_the_night = [
        replace(
            s,
            enqueued_at=s.enqueued_at - timedelta(hours=14),
            assigned_at=s.assigned_at - timedelta(hours=14),
            ended_at=s.ended_at - timedelta(hours=14),
        )
        for s in busy
        if s.ended_at is not None
    ]
    for services in (busy, busy + before_the_night, before_the_night):
        queue = snapshot(services, waiting=(group(4),), in_service=2)
        assert minutes(queue.wait(NORMAL, ahead=3)) == pytest.approx(10, rel=0.01)


def test_workers_who_are_just_being_offered_their_next_job_still_count() -> None:
    services = [service(5.1 + 5 * n, 0.1 + 5 * n) for n in range(10)] * 4
    queue = snapshot(services, waiting=(group(8, oldest=60),), in_service=1)
    assert minutes(queue.wait(NORMAL, ahead=7)) == pytest.approx(10, rel=0.02)


def test_an_idle_worker_takes_the_job_at_once() -> None:
    services = [service(10 * n, 10 * n - 5, waited=0.1) for n in range(1, 20)]
    queue = snapshot(services, idle=2)
    assert minutes(queue.wait(NORMAL, ahead=0)) == pytest.approx(0.1)
    assert minutes(queue.wait(NORMAL, ahead=1)) == pytest.approx(0.1)
    assert minutes(queue.wait(NORMAL, ahead=2)) == pytest.approx(2.5)


def test_after_a_rush_the_answer_time_is_no_longer_than_one_departure_takes() -> None:
    services = [replace(s, enqueued_at=ago(600)) for s in shifts(10, 5, workers=2)]
    assert minutes(snapshot(services, idle=1, in_service=1).answer_time) <= 2.5


@pytest.mark.parametrize(("idle", "ahead", "expected"), [(0, 0, 5), (0, 3, 20), (4, 7, 5)])
def test_a_queue_that_served_nobody_yet_is_taken_for_an_ordinary_one(
    idle: int, ahead: int, expected: float
) -> None:
    assert ASSUMED_HANDLE_TIME == 5 * 60
    assert minutes(snapshot(idle=idle).wait(NORMAL, ahead)) == pytest.approx(expected)


def test_a_queue_that_served_nobody_yet_has_no_answer_time() -> None:
    assert snapshot(idle=1).wait(NORMAL, ahead=0) == timedelta()


def test_later_arrivals_of_higher_priority_lengthen_the_wait() -> None:
    """Every second job that a worker took was one of those."""
    services = [
        replace(s, standing=HIGH if number % 2 else NORMAL)
        for number, s in enumerate(shifts(100, 1, workers=1))
    ]
    queue = snapshot(services, waiting=(group(4),), in_service=1)
    assert minutes(queue.wait(HIGH, ahead=3)) == pytest.approx(4, rel=0.01)
    assert 6.5 < minutes(queue.wait(NORMAL, ahead=3)) < 8


def test_waiting_jobs_that_arrived_lately_are_arrivals_too() -> None:
    calm = snapshot(shifts(12, 5, workers=1), in_service=1)
    stormy = replace(calm, waiting=(group(6, oldest=30, standing=HIGH),))
    old = replace(calm, waiting=(group(6, oldest=6000, standing=HIGH),))
    assert stormy.wait(NORMAL, 6) > 1.2 * calm.wait(NORMAL, 6)
    assert old.wait(NORMAL, 6) < 1.02 * calm.wait(NORMAL, 6)


def test_however_many_overtake_the_wait_stays_within_ten_times() -> None:
    services = [replace(s, standing=HIGH) for s in shifts(100, 1, workers=1)]
    queue = snapshot(services, waiting=(group(10**6, standing=HIGH),), in_service=1)
    assert minutes(queue.wait(NORMAL, 3)) == pytest.approx(10 * minutes(queue.wait(HIGH, 3)))


# -- durations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ([(4.0, True)], 4),
        ([(2.0, True), (4.0, True)], 3),
        ([(1.0, True), (2.0, False), (3.0, True)], 1 + 2 / 3 + 2 / 3),
        ([(5.0, True)] * 6 + [(age, False) for age in (1.0, 2.0, 3.0, 4.0)], 5),
        ([(1.0, True), (3.0, False)], 1 + 1 + 0.5 * 4),
        ([], ASSUMED_HANDLE_TIME),
        ([(10.0, False), (30.0, False)], 20 + ASSUMED_HANDLE_TIME),
        ([(0.0, True)], 0),
    ],
)
def test_the_mean_of_durations_not_all_of_which_are_over(
    durations: list[tuple[float, bool]], expected: float
) -> None:
    assert mean_duration(durations) == pytest.approx(expected)


def test_leaving_out_what_is_not_over_would_be_too_low() -> None:
    chance = Random(1)
    durations = [(chance.expovariate(1 / 300), chance.uniform(0, 600)) for _ in range(4000)]
    seen = [(min(lasts, age), lasts <= age) for lasts, age in durations]
    over = [seconds for seconds, is_over in seen if is_over]
    assert mean_duration(seen) == pytest.approx(300, rel=0.1)
    assert sum(over) / len(over) < 220
