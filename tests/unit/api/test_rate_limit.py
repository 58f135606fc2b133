"""The rate limit: exact in every window, and back when it says."""

from collections import deque
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.errors import TooManyRequests
from shared.api.rate_limit import PERIOD, RateLimit
from tests.rig import START

MILLISECOND = timedelta(milliseconds=1)


def is_admitted(limit: RateLimit, now: datetime) -> bool:
    try:
        limit.admit(now)
    except TooManyRequests:
        return False
    return True


def test_so_many_are_admitted_and_no_more() -> None:
    limit = RateLimit(3)
    assert [is_admitted(limit, START) for _ in range(5)] == [True, True, True, False, False]


def test_there_is_room_again_when_the_first_is_a_period_ago() -> None:
    limit = RateLimit(2)
    limit.admit(START)
    limit.admit(START + timedelta(seconds=4))
    with pytest.raises(TooManyRequests) as refused:
        limit.admit(START + timedelta(seconds=7))
    assert refused.value.retry_after == 3
    assert not is_admitted(limit, START + PERIOD - MILLISECOND)
    assert is_admitted(limit, START + PERIOD)
    assert not is_admitted(limit, START + PERIOD)
    assert is_admitted(limit, START + PERIOD + timedelta(seconds=4))


def test_the_limit_is_told() -> None:
    limit = RateLimit(1)
    limit.admit(START)
    with pytest.raises(TooManyRequests, match="There were 1 requests within 10 seconds"):
        limit.admit(START)


def test_zero_is_no_limit() -> None:
    limit = RateLimit(0)
    assert all(is_admitted(limit, START) for _ in range(2000))


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    limit = RateLimit(2)
    for _ in range(2):
        limit.admit(START)
    earlier = START - timedelta(days=1)
    assert [is_admitted(limit, earlier) for _ in range(3)] == [True, True, False]


@given(st.integers(1, 5), st.lists(st.integers(0, 4000), max_size=60))
def test_no_window_holds_more_than_the_limit_and_none_is_refused_without_need(
    requests: int, pauses: list[int]
) -> None:
    limit, now = RateLimit(requests), START
    admitted: deque[datetime] = deque()
    for pause in pauses:
        now += pause * MILLISECOND
        recent = sum(now - at < PERIOD for at in admitted)
        assert is_admitted(limit, now) == (recent < requests)
        if recent < requests:
            admitted.append(now)
