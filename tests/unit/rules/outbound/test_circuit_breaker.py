"""Who fails three times in a row is left alone, and then tried once."""

import pytest

from shared.rules.outbound.circuit_breaker import MOST_FAILURES, CircuitBreaker
from tests.rig import SetClock

HERE, THERE = ("function", "https://here.example"), ("function", "https://there.example")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def breaker(clock: SetClock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def open_circuit(breaker: CircuitBreaker) -> None:
    for _ in range(MOST_FAILURES):
        breaker.failed(HERE)


def test_a_few_failures_do_not_matter(breaker: CircuitBreaker) -> None:
    for _ in range(MOST_FAILURES - 1):
        breaker.failed(HERE)
    assert breaker.lets_pass(HERE)
    breaker.succeeded(HERE)
    breaker.failed(HERE)
    assert breaker.lets_pass(HERE), "they were not in a row"


def test_more_open_the_circuit_of_one_endpoint(breaker: CircuitBreaker) -> None:
    open_circuit(breaker)
    assert not breaker.lets_pass(HERE)
    assert breaker.lets_pass(THERE)


def test_after_the_pause_one_call_is_tried(breaker: CircuitBreaker, clock: SetClock) -> None:
    open_circuit(breaker)
    clock.forward(seconds=9.9)
    assert not breaker.lets_pass(HERE)
    clock.forward(seconds=0.1)
    assert [breaker.lets_pass(HERE) for _ in range(3)] == [True, False, False]


def test_a_trial_that_succeeds_closes_the_circuit(breaker: CircuitBreaker, clock: SetClock) -> None:
    open_circuit(breaker)
    clock.forward(seconds=10)
    assert breaker.lets_pass(HERE)
    breaker.succeeded(HERE)
    assert breaker.lets_pass(HERE)
    breaker.failed(HERE)
    assert breaker.lets_pass(HERE), "it counts from the start"


def test_a_trial_that_fails_is_followed_by_a_pause(
    breaker: CircuitBreaker, clock: SetClock
) -> None:
    open_circuit(breaker)
    clock.forward(seconds=10)
    assert breaker.lets_pass(HERE)
    clock.forward(seconds=5)
    breaker.failed(HERE)
    clock.forward(seconds=9.9)
    assert not breaker.lets_pass(HERE)
    clock.forward(seconds=0.1)
    assert breaker.lets_pass(HERE)


def test_a_trial_of_which_nobody_tells_is_followed_by_another(
    breaker: CircuitBreaker, clock: SetClock
) -> None:
    open_circuit(breaker)
    for _ in range(2):
        clock.forward(seconds=10)
        assert breaker.lets_pass(HERE)
        assert not breaker.lets_pass(HERE)
