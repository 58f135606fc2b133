"""Hypothesis strategies for domain values: all that their types allow, down to odd label keys."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAliasType, Union, get_args, get_origin, get_type_hints

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

JSON: Strategy = st.recursive(
    st.none() | LABEL_VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LABEL_KEYS, inner, max_size=3),
    max_leaves=6,
)

_PRIMITIVES: dict[Any, Strategy] = {
    Any: JSON,
    str: TEXT,
    int: INTEGERS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)),
}


@cache
def values_of(hint: Any) -> Strategy:
    """Values of a type made of dataclasses, enums, unions, tuples, labels, JSON and primitives."""
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint]
    if hint == LabelValue:
        return LABEL_VALUES
    if isinstance(hint, TypeAliasType):
        return values_of(hint.__value__)
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(origin, TypeAliasType):
        return values_of(origin.__value__[arguments])
    if origin in {Union, UnionType}:
        return st.one_of(*map(values_of, arguments))
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(LABEL_KEYS, LABEL_VALUES, max_size=3)
    if is_dataclass(origin or hint):
        return _instances_of(origin or hint, arguments)
    assert issubclass(hint, Enum)
    return st.sampled_from(hint)


def _instances_of(kind: Any, arguments: tuple[Any, ...] = ()) -> Strategy:
    """``arguments``: what a generic class is used with."""
    bound = dict(zip(kind.__type_params__, arguments, strict=True))
    hints = {name: _bind(hint, bound) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


def _bind(hint: Any, bound: Mapping[Any, Any]) -> Any:
    """The hint with types in place of its type parameters."""
    if hint in bound:
        return bound[hint]
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(bound[parameter] for parameter in parameters)] if parameters else hint
