"""Conversions of values from one type to another.

Blank stays Blank, and a text without a character becomes Blank where something else is wanted.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from decimal import Decimal

from shared.rules.powerfx import decimals
from shared.rules.powerfx.moments import (
    DAY,
    ReadMoment,
    Zone,
    datetime_of,
    days,
    read_moment,
    serial,
    shifted,
    text_of,
    time_of,
)
from shared.rules.powerfx.numerals import float_text, read_number
from shared.rules.powerfx.types import Enumeration, Record, Scalar, Table, Type
from shared.rules.powerfx.values import (
    EPOCH,
    Date,
    DateTime,
    Failed,
    Failure,
    Member,
    Row,
    Time,
    Value,
    checked,
    invalid,
)

type Converter = Callable[[Value], Value]


def to_boolean(value: Value) -> bool | None:
    """:raises Failed: there is no boolean for it."""
    match value:
        case None | bool():
            return value
        case Decimal() | float():
            return value != 0
        case str():
            return _boolean_of_text(value)
        case _:
            raise _mismatch(value, "a boolean")


def _boolean_of_text(text: str) -> bool | None:
    if not text:
        return None
    lower = text.lower()
    if lower not in ("true", "false"):
        raise invalid(f"The text '{_short(text)}' is not 'true' or 'false'.")
    return lower == "true"


def to_text(value: Value) -> str | None:
    """:raises Failed: it is a record or a table."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return decimals.to_text(value)
        case float():
            return float_text(value)
        case Date() | DateTime() | Time():
            return text_of(value)
        case Member(name=name, value=backing):
            return backing if isinstance(backing, str) else name
        case _:
            raise _mismatch(value, "a text")


def to_numeric(value: Value) -> Decimal | float | None:
    """A decimal, or a float if it is one already.

    :raises Failed: there is no number for it.
    """
    match value:
        case None | Decimal() | float():
            return value
        case bool():
            return decimals.ONE if value else decimals.ZERO
        case str():
            return _decimal_of_text(value)
        case Date() | DateTime() | Time():
            return serial(value)
        case Member(value=Decimal() as number):
            return number
        case _:
            raise _mismatch(value, "a number")


def to_decimal(value: Value) -> Decimal | None:
    """:raises Failed: there is no decimal for it."""
    number = to_numeric(value)
    if not isinstance(number, float):
        return number
    try:
        return decimals.from_float(number)
    except decimals.TooLarge:
        raise invalid("The number is too large for a decimal.") from None


def to_number(value: Value) -> float | None:
    """:raises Failed: there is no float for it."""
    if isinstance(value, str):
        return float_of(read_number(value), value)
    number = to_numeric(value)
    return None if number is None else float(number)


def _decimal_of_text(text: str) -> Decimal | None:
    return decimal_of(read_number(text), text)


def decimal_of(number: Decimal | None, text: str) -> Decimal | None:
    """The decimal that was read from a text; Blank if that is empty.

    :raises Failed: the text is no number, or too large a one.
    """
    if not text:
        return None
    if number is None:
        raise _no_number(text)
    try:
        return decimals.fit(number)
    except decimals.TooLarge:
        raise invalid("The number is too large for a decimal.") from None


def float_of(number: Decimal | None, text: str) -> float | None:
    """The float that was read from a text; Blank if that is empty.

    :raises Failed: the text is no number, or too large a one.
    """
    if not text:
        return None
    if number is None:
        raise _no_number(text)
    if number.adjusted() > 308 or abs(result := float(number)) == float("inf"):
        raise invalid("The number is too large.")
    return result


def _no_number(text: str) -> Failed:
    return invalid(f"The text '{_short(text)}' is no number.")


def to_datetime(value: Value) -> DateTime | None:
    """:raises Failed: there is no date for it."""
    match value:
        case None:
            return None
        case DateTime():
            return value
        case Date() | Time():
            return DateTime(datetime_of(value))
        case Decimal() | float() | bool() | Member():
            return DateTime(shifted(EPOCH, days(_days(value))))
        case str():
            return _datetime_of_text(value)
        case _:
            raise _mismatch(value, "a date")


def to_date(value: Value) -> Date | None:
    """:raises Failed: there is no date for it."""
    if isinstance(value, Date):
        return value
    at = to_datetime(value)
    return None if at is None else Date(at.at)


def to_time(value: Value) -> Time | None:
    """:raises Failed: there is no time of day for it."""
    match value:
        case Time():
            return value
        case Decimal() | float() | bool() | Member():
            return Time(days(_days(value)))
        case str():
            return _time_of_text(value)
        case _:
            at = to_datetime(value)
            return None if at is None else Time(time_of(at))


def to_moment(value: Value) -> Date | DateTime | Time | None:
    """A date or a time as it is, anything else as a date with a time.

    :raises Failed: there is no date for it.
    """
    return value if isinstance(value, Date | Time) else to_datetime(value)


def _days(value: Value) -> Decimal:
    number = to_decimal(value)
    assert number is not None
    return number


def _datetime_of_text(text: str) -> DateTime | None:
    if not text:
        return None
    return DateTime(_moment_of_text(text).at(Zone(UTC)))


def _time_of_text(text: str) -> Time:
    found = _moment_of_text(text)
    return Time((found.time or timedelta()) % DAY)


def _moment_of_text(text: str) -> ReadMoment:
    found = read_moment(text)
    if found is None:
        raise invalid(f"The text '{_short(text)}' is no date or time.")
    return found


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _mismatch(value: Value, wanted: str) -> Failed:
    return invalid(f"{_NAMES.get(type(value), 'A value')} is not {wanted}.")


_NAMES: Mapping[type, str] = {
    bool: "A boolean",
    Date: "A date",
    DateTime: "A date",
    Time: "A time",
    Member: "A member of an enumeration",
    dict: "A record",
    list: "A table",
}
_SCALARS: Mapping[Scalar, Converter] = {
    Scalar.BOOLEAN: to_boolean,
    Scalar.TEXT: to_text,
    Scalar.DECIMAL: to_decimal,
    Scalar.NUMBER: to_number,
    Scalar.DATE: to_date,
    Scalar.DATETIME: to_datetime,
    Scalar.TIME: to_time,
}


def converter(source: Type, target: Type) -> Converter | None:
    """What makes values of one type values of another. ``None``: they are already."""
    if source == target or source is Scalar.BLANK or target in (Scalar.ANY, Scalar.BLANK):
        return None
    match target:
        case Scalar():
            return _SCALARS[target]
        case Record():
            return _record_converter(source, target)
        case Table():
            return _table_converter(source, target)
        case Enumeration():
            return None


def _record_converter(source: Type, target: Record) -> Converter:
    known = source.fields if isinstance(source, Record) else {}
    fields = {
        name: converter(known.get(name, Scalar.ANY), kind) for name, kind in target.fields.items()
    }

    def convert(value: Value) -> Value:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _mismatch(value, "a record")
        converted = dict(value) if target.is_open else {}
        for name, convert_field in fields.items():
            field = value.get(name)
            converted[name] = _cell(convert_field, field) if convert_field else field
        return converted

    return convert


def _cell(convert: Converter, value: Value) -> Value:
    """A converted value for a cell, which may hold a failure instead."""
    try:
        return convert(checked(value))
    except Failed as failed:
        return failed.failure


def _table_converter(source: Type, target: Table) -> Converter:
    row_type = source.row if isinstance(source, Table) else Scalar.ANY
    convert_row = _record_converter(row_type, target.row)

    def convert(value: Value) -> Value:
        if value is None:
            return None
        if not isinstance(value, list):
            raise _mismatch(value, "a table")
        return [row if isinstance(row, Failure) else _row(convert_row(row)) for row in value]

    return convert


def _row(value: Value) -> Row:
    assert value is None or isinstance(value, dict)
    return value
