"""Values in a query: JSON, or undefined; how they compare."""

from collections.abc import Callable
from enum import Enum
from operator import ge, gt, le, lt
from typing import Any, Final, Literal

from tests.cosmos.documents import Json, write


class Undefined(Enum):
    """What a member that is not there has for a value, and what comes of computing with it."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

type Value = Json | Literal[Undefined.UNDEFINED]
type Truth = bool | Literal[Undefined.UNDEFINED]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def rank(value: Value) -> int:
    """The place of a value's type in the order of types."""
    match value:
        case Undefined.UNDEFINED:
            return 0
        case None:
            return 1
        case bool():
            return 2
        case int() | float():
            return 3
        case str():
            return 4
        case list():
            return 5
        case dict():
            return 6


def same(left: Json, right: Json) -> bool:
    """Equality which, unlike Python's, tells Booleans from numbers, at any depth."""
    if rank(left) != rank(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return left == right


def compare(operator: str, left: Value, right: Value) -> Truth:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if operator == "=":
        return same(left, right)
    if operator == "!=":
        return not same(left, right)
    if rank(left) != rank(right) or isinstance(left, list | dict):
        return UNDEFINED
    return _ORDERS[operator](sort_key(left), sort_key(right))


def sort_key(value: Value) -> tuple[int, Any]:
    """Undefined first, then null, Booleans, numbers, strings, arrays and objects."""
    if value is UNDEFINED or value is None:
        return rank(value), 0
    if isinstance(value, list | dict):
        return rank(value), write(value)
    return rank(value), value
