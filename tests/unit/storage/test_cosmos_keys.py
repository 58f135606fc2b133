"""Sort keys: texts that sort like the tuples that they stand for."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.storage.cosmos.keys import (
    id_of_time_key,
    leading_integers,
    position_key,
    time_key,
    time_key_after,
)
from shared.storage.queries import idle_key, waiting_key
from tests.factories import NOW, make_job, make_selector, make_worker, seconds

IDS = st.text(max_size=5)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
TIMES = st.datetimes(timezones=st.just(UTC))
WAITING_KEYS = st.tuples(st.integers(0, 1), st.integers(-100, 100), INTEGERS, IDS)
IDLE_KEYS = st.tuples(FLOATS, INTEGERS, IDS)


@given(WAITING_KEYS, WAITING_KEYS)
def test_integers_and_ids_sort_as_tuples(
    left: tuple[int, int, int, str], right: tuple[int, int, int, str]
) -> None:
    assert (position_key(left) < position_key(right)) is (left < right)


@given(IDLE_KEYS, IDLE_KEYS)
def test_floats_sort_as_tuples(left: tuple[float, int, str], right: tuple[float, int, str]) -> None:
    assert (position_key(left) < position_key(right)) is (left < right)


@given(TIMES, IDS, TIMES, IDS)
def test_times_sort_before_ids(
    left: datetime, left_id: str, right: datetime, right_id: str
) -> None:
    keys = time_key(left, left_id) < time_key(right, right_id)
    assert keys is ((left, left_id) < (right, right_id))


@given(TIMES, IDS)
def test_the_bounds_of_a_time(at: datetime, id: str) -> None:
    key = time_key(at, id)
    assert time_key(at) <= key < time_key_after(at)
    if at < datetime.max.replace(tzinfo=UTC):
        assert time_key_after(at) <= time_key(at + timedelta(microseconds=1), id)


@given(TIMES, IDS)
def test_the_id_of_a_time_key(at: datetime, id: str) -> None:
    assert id_of_time_key(time_key(at, id)) == id


def test_waiting_jobs_sort_best_first() -> None:
    best_first = [
        make_job("z", requested_worker_selectors=(make_selector("Vip", expedite=True),)),
        make_job("z", priority=100),
        make_job("z", priority=2),
        make_job("z", enqueued_at=NOW - seconds(1)),
        make_job("a"),
        make_job("b"),
        make_job("a", priority=-100),
    ]
    keys = [position_key(waiting_key(job)) for job in best_first]
    assert keys == sorted(keys)


def test_idle_workers_sort_longest_idle_first() -> None:
    longest_first = [
        make_worker("z", available_since=None),
        make_worker("z", available_since=NOW - seconds(1)),
        make_worker("a"),
        make_worker("b"),
        make_worker("a", capacity=0),
    ]
    keys = [position_key(idle_key(worker)) for worker in longest_first]
    assert keys == sorted(keys)


@given(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 3, st.text()))
def test_the_integers_of_a_key(position: tuple[int, int, int, str]) -> None:
    assert tuple(leading_integers(position_key(position), 3)) == position[:3]
