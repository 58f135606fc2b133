"""Values as they are while an expression is evaluated.

Blank is ``None``, a record a dictionary, a table a list of rows. Decimals are ``Decimal`` and
floats ``float``. A ``Failure`` stands in a cell, or for a row, whose computation failed; on its own
it travels as the exception ``Failed``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from shared.rules.powerfx.decimals import TooLarge, fit, parse

type Value = (
    bool | str | Decimal | float | Date | DateTime | Time | Member | Failure | Record | Table | None
)
type Record = dict[str, Value]
type Row = Record | Failure | None
type Table = list[Row]

_ALWAYS_FITS = 10**28

EPOCH = datetime(1899, 12, 30)
"""The moment that the number 0 and Blank stand for."""


@dataclass(frozen=True, slots=True)
class Date:
    """A day. A time of that day may be left over from a calculation; it is not shown."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DateTime:
    """A day and a time of it, in the zone of the rule's clock."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day: what passed since midnight. Calculations may lead out of the day."""

    passed: timedelta


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration, such as ``TimeUnit.Days``."""

    enumeration: str
    name: str
    value: Decimal | str = field(compare=False)


class Problem(NamedTuple):
    """One reason for a failure; ``kind`` is a member of ``ErrorKind``, or its number as text."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A computation without a result. There may be several reasons at once."""

    problems: tuple[Problem, ...]


class Failed(Exception):
    """A failure on its way up, until something asks for it or the evaluation ends with it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def failed(kind: str, message: str) -> Failed:
    """A failure for one reason."""
    return Failed(Failure((Problem(kind, message),)))


def invalid(message: str) -> Failed:
    """The failure of a function that was given what it cannot work with."""
    return failed("InvalidArgument", message)


def combined(failures: list[Failure]) -> Failed:
    """One failure for the reasons of all."""
    return Failed(Failure(tuple(problem for each in failures for problem in each.problems)))


def checked(value: Value) -> Value:
    """``value``, unless it is a failure.

    :raises Failed: it is.
    """
    if isinstance(value, Failure):
        raise Failed(value)
    return value


def from_json(value: object) -> Value:
    """The value of a label, or of any other JSON. Numbers become decimals where they fit."""
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            return _number(value)
        case Mapping():
            return {str(name): from_json(member) for name, member in value.items()}
        case list() | tuple():
            return [_row(item) for item in value]
        case _:
            raise invalid(f"There is no value for {type(value).__name__}.")


def _number(value: float) -> Value:
    if isinstance(value, int):
        if abs(value) < _ALWAYS_FITS:
            return Decimal(value)
        raise invalid("The number is out of range.")
    if not isfinite(value):
        raise invalid("The number is not finite.")
    try:
        return fit(parse(repr(value)))
    except TooLarge:
        return value


def _row(item: object) -> Row:
    value = from_json(item)
    if value is None or isinstance(value, dict):
        return value
    return {"Value": value}
