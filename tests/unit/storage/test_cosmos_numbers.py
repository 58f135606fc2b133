"""Exact numbers: what a database that knows doubles alone gives back is what was stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.labels import identical
from shared.storage.cosmos.numbers import unwrapped, wrapped
from tests.strategies import INTEGERS

KEYS = st.sampled_from(["", "a", "$float", "$int", "$object"]) | st.text(max_size=3)
SCALARS = (
    st.none()
    | st.booleans()
    | INTEGERS
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 0.0, -0.0, 1.0, 1e300, 5e-324, 2.0**53, "1.0", ""])
    | st.text(max_size=3)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=2)
        | st.dictionaries(st.sampled_from(["$float", "$int", "$object"]), inner, max_size=1)
    ),
)


def through_doubles(tree: Any) -> Any:
    """As a database of JSON does that reads every number as a double and writes it shortly."""
    text = json.dumps(tree, allow_nan=False)
    return json.loads(text, parse_int=float, parse_float=float, object_hook=_short)


def _short(members: dict[str, Any]) -> dict[str, Any]:
    return {name: _shortest(value) for name, value in members.items()}


def _shortest(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortest(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(TREES)
def test_every_tree_comes_back_with_its_types(tree: Any) -> None:
    stored = through_doubles({"document": wrapped(tree)})
    assert identical(unwrapped(stored["document"]), tree)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1, 1),
        (1.5, 1.5),
        (True, True),
        (1.0, {"$float": "1.0"}),
        (-0.0, {"$float": "-0.0"}),
        (2**53, {"$int": "9007199254740992"}),
        ({"$float": "1.0"}, {"$object": {"$float": "1.0"}}),
        ({"$float": "1.0", "a": 1}, {"$float": "1.0", "a": 1}),
        ({"$object": {}}, {"$object": {"$object": {}}}),
    ],
)
def test_only_what_would_change_is_wrapped(value: Any, stored: Any) -> None:
    assert identical(wrapped(value), stored)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {"a": float("nan")}])
def test_what_is_no_json_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        wrapped(value)


@pytest.mark.parametrize("stored", [{"$float": "x"}, {"$int": "1.5"}, {"$float": [1]}])
def test_a_damaged_wrapping_is_refused(stored: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        unwrapped(stored)
