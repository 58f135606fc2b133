"""How labels compare: JSON's equality, and an order of numbers alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.labels import (
    LabelOperator,
    LabelValue,
    identical,
    is_number,
    same_value,
    satisfies,
)

EQUAL, NOT_EQUAL = LabelOperator.EQUAL, LabelOperator.NOT_EQUAL
LESS, AT_MOST = LabelOperator.LESS_THAN, LabelOperator.LESS_THAN_OR_EQUAL
GREATER, AT_LEAST = LabelOperator.GREATER_THAN, LabelOperator.GREATER_THAN_OR_EQUAL
ORDER = (LESS, AT_MOST, GREATER, AT_LEAST)

numbers = st.integers() | st.floats(allow_nan=False)
values = numbers | st.text(max_size=3) | st.booleans()
labels = values | st.none()


@pytest.mark.parametrize(
    ("label", "value", "same"),
    [
        ("fr", "fr", True),
        ("fr", "FR", False),
        (1, 1.0, True),
        (1, "1", False),
        (1, True, False),
        (0.0, False, False),
        (True, True, True),
        ("true", True, False),
        (None, "fr", False),
        (None, False, False),
    ],
)
def test_values_are_the_same_if_json_says_so(
    label: LabelValue | None, value: LabelValue, same: bool
) -> None:
    assert same_value(label, value) is same
    assert satisfies(label, EQUAL, value) is same
    assert satisfies(label, NOT_EQUAL, value) is not same


@pytest.mark.parametrize(
    ("label", "passed"),
    [(9, {LESS, AT_MOST}), (10, {AT_MOST, AT_LEAST}), (10.5, {GREATER, AT_LEAST})],
)
def test_a_number_is_compared_with_a_number(label: float, passed: set[LabelOperator]) -> None:
    assert {operator for operator in ORDER if satisfies(label, operator, 10)} == passed


@pytest.mark.parametrize("operator", ORDER)
@pytest.mark.parametrize(
    ("label", "value"),
    [("8", 10), (9, "10"), ("a", "b"), (False, 1), (0, True), (None, 10), (math.nan, 10)],
)
def test_only_numbers_have_an_order(
    label: LabelValue | None, operator: LabelOperator, value: LabelValue
) -> None:
    assert not satisfies(label, operator, value)


def test_a_missing_label_passes_not_equal_and_nothing_else() -> None:
    assert {op for op in LabelOperator if satisfies(None, op, 10)} == {NOT_EQUAL}


def test_large_whole_numbers_keep_their_last_digit() -> None:
    assert satisfies(2**53 + 1, GREATER, 2**53)
    assert satisfies(10**400, GREATER, 1.5)


@pytest.mark.parametrize(
    ("value", "number"), [(1, True), (1.5, True), (True, False), ("1", False), (None, False)]
)
def test_booleans_and_text_are_no_numbers(value: LabelValue | None, number: bool) -> None:
    assert is_number(value) is number


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"level": 1}, {"level": 1}, True),
        ({"level": 1}, {"level": True}, False),
        ({"level": 1}, {"level": 1.0}, False),
        ({"level": 1}, {"level": 2}, False),
        ({"level": 1}, {}, False),
    ],
)
def test_identical_values_have_labels_of_the_same_types(
    left: object, right: object, same: bool
) -> None:
    assert identical(left, right) is same


@given(label=labels, value=values)
def test_not_equal_is_the_negation_of_equal(label: LabelValue | None, value: LabelValue) -> None:
    assert satisfies(label, NOT_EQUAL, value) is not satisfies(label, EQUAL, value)


@given(left=values, right=values)
def test_being_the_same_does_not_depend_on_the_side(left: LabelValue, right: LabelValue) -> None:
    assert same_value(left, right) is same_value(right, left)
    assert same_value(left, left)


@given(label=numbers, value=numbers)
def test_two_numbers_are_less_or_equal_or_greater(label: float, value: float) -> None:
    less, equal, greater = (satisfies(label, op, value) for op in (LESS, EQUAL, GREATER))
    assert [less, equal, greater].count(True) == 1
    assert satisfies(label, AT_MOST, value) is (less or equal)
    assert satisfies(label, AT_LEAST, value) is (greater or equal)


@given(label=labels, value=values)
def test_no_label_is_on_both_sides_of_a_value(label: LabelValue | None, value: LabelValue) -> None:
    assert not (satisfies(label, LESS, value) and satisfies(label, AT_LEAST, value))
    assert not (satisfies(label, GREATER, value) and satisfies(label, AT_MOST, value))


@given(label=labels, value=values)
def test_values_of_two_kinds_are_neither_the_same_nor_in_order(
    label: LabelValue | None, value: LabelValue
) -> None:
    if _kind(label) is not _kind(value):
        assert {op for op in LabelOperator if satisfies(label, op, value)} == {NOT_EQUAL}


def _kind(value: LabelValue | None) -> type[object]:
    return float if type(value) is int else type(value)
