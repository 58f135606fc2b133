"""Worker selectors: what they demand, for how long, and what survives an update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.selectors import (
    SelectorStatus,
    WorkerSelector,
    all_accept,
    identity,
    keep_state,
)
from tests.unit.domain.builders import START, later, selector

HALF_A_MINUTE = 30.0


def running() -> WorkerSelector:
    return selector(expires_after_seconds=HALF_A_MINUTE).started(START)


def test_a_selector_looks_at_the_label_of_its_key() -> None:
    french = selector("language", "fr")
    assert french.accepts({"language": "fr", "level": 3})
    assert not french.accepts({"language": "en"})
    assert not french.accepts({"dialect": "fr"})


def test_every_active_selector_must_accept() -> None:
    demands = (selector("language", "fr"), selector("level", 5, LabelOperator.GREATER_THAN))
    assert all_accept(demands, {"language": "fr", "level": 6})
    assert not all_accept(demands, {"language": "fr", "level": 5})
    assert not all_accept(demands, {"level": 6})


def test_an_expired_selector_restricts_nothing() -> None:
    assert all_accept([running().expired()], {})


def test_without_selectors_everybody_is_accepted() -> None:
    assert all_accept([], {})


def test_the_clock_of_a_selector_starts_once() -> None:
    started = running()
    assert started.expires_at == later(seconds=30)
    assert started.started(later(minutes=5)) == started


def test_a_selector_without_a_time_never_expires() -> None:
    forever = selector().started(START)
    assert forever.expires_at is None
    assert not forever.is_due(later(days=90))


def test_a_selector_is_due_at_its_time_until_it_has_expired() -> None:
    assert not running().is_due(later(seconds=29.999))
    assert running().is_due(later(seconds=30))
    assert not running().expired().is_due(later(seconds=30))


def test_a_fresh_selector_is_as_the_application_gave_it() -> None:
    given_selector = selector(expires_after_seconds=HALF_A_MINUTE, expedite=True)
    assert given_selector.started(START).expired().fresh() == given_selector


def test_a_known_selector_keeps_its_clock_and_status() -> None:
    known = running().expired()
    assert keep_state([selector(expires_after_seconds=HALF_A_MINUTE)], [known]) == (known,)


def test_a_selector_cannot_be_revived_by_writing_another_status() -> None:
    known = running().expired()
    revived = selector(expires_after_seconds=HALF_A_MINUTE, status=SelectorStatus.ACTIVE)
    assert keep_state([revived], [known]) == (known,)


@pytest.mark.parametrize(
    "other",
    [
        selector("dialect", expires_after_seconds=HALF_A_MINUTE),
        selector(value="en", expires_after_seconds=HALF_A_MINUTE),
        selector(operator=LabelOperator.NOT_EQUAL, expires_after_seconds=HALF_A_MINUTE),
        selector(expires_after_seconds=31.0),
        selector(expires_after_seconds=HALF_A_MINUTE, expedite=True),
    ],
)
def test_a_selector_that_demands_something_else_starts_afresh(other: WorkerSelector) -> None:
    written = other.started(START).expired()
    assert keep_state([written], [running()]) == (other,)


def test_a_boolean_is_another_demand_than_a_number() -> None:
    known = selector("level", 1, expires_after_seconds=HALF_A_MINUTE).started(START)
    asked = selector("level", value=True, expires_after_seconds=HALF_A_MINUTE)
    assert keep_state([asked], [known]) == (asked,)
    assert identity(asked) != identity(known)


def test_selectors_left_out_are_gone() -> None:
    assert keep_state([], [running()]) == ()


label_values: st.SearchStrategy[LabelValue] = (
    st.integers(0, 2) | st.sampled_from([0.0, 1.0]) | st.booleans() | st.sampled_from(["a", "b"])
)
demands = st.builds(
    WorkerSelector,
    key=st.sampled_from(["language", "level"]),
    operator=st.sampled_from(LabelOperator),
    value=label_values,
    expires_after_seconds=st.none() | st.sampled_from([10.0, 20.0]),
    expedite=st.booleans(),
    status=st.sampled_from(SelectorStatus),
    expires_at=st.none() | st.just(START),
)
demand_lists = st.lists(demands, max_size=4)


@given(given_selectors=demand_lists, known=demand_lists)
def test_an_update_demands_what_the_application_gave_in_its_order(
    given_selectors: list[WorkerSelector], known: list[WorkerSelector]
) -> None:
    kept = keep_state(given_selectors, known)
    assert [identity(one) for one in kept] == [identity(one) for one in given_selectors]


@given(given_selectors=demand_lists, known=demand_lists)
def test_state_comes_from_what_was_known_or_is_fresh(
    given_selectors: list[WorkerSelector], known: list[WorkerSelector]
) -> None:
    for kept in keep_state(given_selectors, known):
        assert kept in known or kept == kept.fresh()


@given(known=demand_lists)
def test_writing_back_what_was_read_changes_nothing(known: list[WorkerSelector]) -> None:
    distinct = list({identity(one): one for one in known}.values())
    assert keep_state(distinct, distinct) == tuple(distinct)


@given(given_selectors=demand_lists, known=demand_lists)
def test_keeping_state_twice_is_keeping_it_once(
    given_selectors: list[WorkerSelector], known: list[WorkerSelector]
) -> None:
    once = keep_state(given_selectors, known)
    assert keep_state(once, known) == once
