"""From one type to another: ``Text``, ``Value`` and their kin."""

from datetime import timedelta
from decimal import Decimal

from shared.rules.powerfx.binder import Binder, Scope
from shared.rules.powerfx.bound import Bound
from shared.rules.powerfx.coercion import (
    decimal_of,
    float_of,
    to_decimal,
    to_moment,
    to_number,
    to_numeric,
)
from shared.rules.powerfx.cultures import culture_of
from shared.rules.powerfx.decimals import ZERO, parse
from shared.rules.powerfx.enumerations import DATE_TIME_FORMAT
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.moments import (
    UTC_FORMAT,
    Moment,
    datetime_of,
    format_moment,
    is_date_format,
)
from shared.rules.powerfx.number_format import MAX_FORMAT, format_number
from shared.rules.powerfx.numerals import read_number
from shared.rules.powerfx.runtime import Run
from shared.rules.powerfx.signatures import Expected, Parameter, form, function, or_blank
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import ANY, BLANK, BOOLEAN, DECIMAL, NUMBER, TEXT, Enumeration
from shared.rules.powerfx.values import Date, DateTime, Time, Value, invalid

_SCALAR = or_blank(Expected.SCALAR)
_LANGUAGE = Parameter(TEXT)


@function("Value", _SCALAR, _LANGUAGE, optional=1, result=DECIMAL)
@function("Decimal", _SCALAR, _LANGUAGE, optional=1, result=DECIMAL)
def as_decimal(value: Value, language: str = "en") -> Decimal | None:
    culture = culture_of(language)
    if isinstance(value, str):
        return decimal_of(read_number(value, culture), value)
    return to_decimal(value)


@function("Float", _SCALAR, _LANGUAGE, optional=1, result=NUMBER)
def as_float(value: Value, language: str = "en") -> float | None:
    culture = culture_of(language)
    if isinstance(value, str):
        return float_of(read_number(value, culture), value)
    return to_number(value)


@function("Boolean", or_blank(BOOLEAN), result=BOOLEAN, tabular=True)
def as_boolean(value: bool | None) -> bool | None:
    return value


@function("IsNumeric", or_blank(Expected.ANYTHING), result=BOOLEAN)
def is_numeric(value: Value) -> bool:
    if isinstance(value, str):
        return read_number(value) is not None
    return isinstance(value, Decimal | float | Date | DateTime | Time)


@form("Text", 1, 3)
def bind_text(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    value, *others = (binder.bind(argument, scope) for argument in call.arguments)
    value = binder.argument(value, Expected.SCALAR)
    if not others:
        return binder.convert(value, TEXT)
    if value.type in (TEXT, BOOLEAN) or isinstance(value.type, Enumeration):
        raise ExpressionError("A format is for numbers, dates and times.", others[0].span)
    if others[0].type not in (TEXT, BLANK, ANY, DATE_TIME_FORMAT):
        raise ExpressionError(f"Expected Text, but this is {others[0].type}.", others[0].span)
    parameters = (_SCALAR, Parameter(TEXT), Parameter(TEXT))[: len(call.arguments)]
    arguments = (value, *others)
    return binder.strict_call(_formatted, arguments, parameters, TEXT, call.span, gets_run=True)


def _formatted(run: Run, value: Value, text: str, language: str = "en") -> str:
    culture_of(language)
    if len(text) > MAX_FORMAT:
        raise invalid(f"A format has up to {MAX_FORMAT} characters.")
    if not is_date_format(text):
        return format_number(_exact(to_numeric(value) or ZERO), text)
    moment = to_moment(ZERO if value is None else value) or Time(timedelta())
    return _utc_text(run, moment) if text.lower() == UTC_FORMAT else format_moment(moment, text)


def _exact(number: Decimal | float) -> Decimal:
    """A number with the digits that are shown: of a float, 15."""
    return number if isinstance(number, Decimal) else parse(f"{number:.15g}")


def _utc_text(run: Run, moment: Moment) -> str:
    at = run.zone.utc(datetime_of(moment))
    return f"{at.isoformat(timespec='milliseconds')}Z"
