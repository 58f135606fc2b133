"""Exact numbers in JSON: the database keeps every number as a double, and does not tell 1 from 1.0.

A number that would come back as another one, or as one of another type, is wrapped in an object
that names its type and holds its text. An object that looks like such a wrapping is wrapped itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

type Json = Any

_FLOAT, _INTEGER, _OBJECT = "$float", "$int", "$object"

_EXACT_BELOW = 2**53
"""Smaller integers are exact as doubles."""


def wrapped(value: Json) -> Json:
    """:raises ValueError: a number is not finite."""
    match value:
        case dict():
            members = {name: wrapped(member) for name, member in value.items()}
            return {_OBJECT: members} if _looks_wrapped(members) else members
        case list():
            return [wrapped(item) for item in value]
        case bool() | str() | None:
            return value
        case int():
            return value if abs(value) < _EXACT_BELOW else {_INTEGER: str(value)}
        case float():
            return _wrapped_float(value)
        case _:
            raise ValueError(f"{type(value).__name__} is no JSON value.")


def unwrapped(value: Json) -> Json:
    """:raises ValueError: the value was not made by :func:`wrapped`."""
    match value:
        case dict() if _looks_wrapped(value):
            ((kind, content),) = value.items()
            return _UNWRAP[kind](content)
        case dict():
            return _unwrapped_members(value)
        case list():
            return [unwrapped(item) for item in value]
        case _:
            return value


def _wrapped_float(value: float) -> Json:
    if value - value != 0:
        raise ValueError(f"{value} is no JSON number.")
    return {_FLOAT: repr(value)} if value.is_integer() else value


def _looks_wrapped(members: Mapping[str, Json]) -> bool:
    return len(members) == 1 and not members.keys().isdisjoint(_UNWRAP)


def _unwrapped_members(members: Mapping[str, Json]) -> Json:
    return {name: unwrapped(member) for name, member in members.items()}


_UNWRAP: Mapping[str, Callable[[Any], Json]] = {
    _FLOAT: float,
    _INTEGER: int,
    _OBJECT: _unwrapped_members,
}
