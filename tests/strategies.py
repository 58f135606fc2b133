"""Hypothesis strategies for domain values: all that their types allow, down to odd label keys."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from shared.domain.labels import LabelValue

type Strategy = st.SearchStrategy[Any]

TEXT = st.text(max_size=8)
INTEGERS = st.integers(-(2**70), 2**70)

LABEL_KEYS = st.sampled_from(["", "Skill", 'a"b', "a'b", "a.b", "$.a", "a[0]", "ключ", "\0"]) | TEXT
LABEL_VALUES: Strategy = (
    st.booleans()
    | INTEGERS
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 0.0, -0.0, 1.0, 10, 10.5, "", "1", "true", "True", 2.0**53])
    | TEXT
)

_PRIMITIVES: dict[Any, Strategy] = {
    str: TEXT,
    int: INTEGERS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)),
}


@cache
def values_of(hint: Any) -> Strategy:
    """Values of a type made of dataclasses, enums, unions, tuples, labels and primitives."""
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint]
    if hint == LabelValue:
        return LABEL_VALUES
    if isinstance(hint, TypeAliasType):
        return values_of(hint.__value__)
    if get_origin(hint) is UnionType:
        return st.one_of(*map(values_of, get_args(hint)))
    if get_origin(hint) is tuple:
        item, _ = get_args(hint)
        return st.lists(values_of(item), max_size=3).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(LABEL_KEYS, LABEL_VALUES, max_size=3)
    if is_dataclass(hint):
        return _instances_of(hint)
    assert issubclass(hint, Enum)
    return st.sampled_from(hint)


def _instances_of(kind: Any) -> Strategy:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})
