"""Arithmetic: of numbers, and of dates and times with numbers and with each other."""

import math
import operator
from collections.abc import Callable
from decimal import Decimal

from shared.rules.powerfx import decimals
from shared.rules.powerfx.binder import Binder, Scope
from shared.rules.powerfx.bound import Bound, StrictCall
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.moments import DAY, Moment, datetime_of, days, shifted
from shared.rules.powerfx.runtime import Run
from shared.rules.powerfx.signatures import Expected, Parameter, form, function, numeric_result
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import DATE, DATETIME, DECIMAL, MOMENTS, NUMBER, TIME, Type
from shared.rules.powerfx.values import EPOCH, Date, DateTime, Failed, Time, Value, failed

type Number = Decimal | float

_DATES = frozenset((DATE, DATETIME))
_TWO_NUMBERS = (Parameter(Expected.SAME_NUMERIC),) * 2


def finite(value: float) -> float:
    """:raises Failed: with ``Numeric``, it is beyond what a float can hold, or no number."""
    if math.isfinite(value):
        return value
    raise out_of_range()


def out_of_range() -> Failed:
    """The failure of a computation whose result is too large."""
    return failed("Numeric", "The result is out of range.")


def _arithmetic(
    exact: Callable[[Decimal, Decimal], Decimal], approximate: Callable[[float, float], float]
) -> Callable[[Number, Number], Number]:
    """Arithmetic of decimals, or of floats if either is one."""

    def compute(left: Number, right: Number) -> Number:
        try:
            if isinstance(left, Decimal) and isinstance(right, Decimal):
                return exact(left, right)
            return finite(approximate(float(left), float(right)))
        except decimals.TooLarge:
            raise out_of_range() from None
        except ZeroDivisionError:
            raise failed("Div0", "A number is divided by zero.") from None

    return compute


def _float_modulo(left: float, right: float) -> float:
    rest = math.fmod(left, right) if right else left % right
    return rest + right if rest and (rest < 0) != (right < 0) else rest


add = _arithmetic(decimals.add, operator.add)
subtract = _arithmetic(decimals.subtract, operator.sub)
multiply = _arithmetic(decimals.multiply, operator.mul)
divide = _arithmetic(decimals.divide, operator.truediv)
modulo = _arithmetic(decimals.modulo, _float_modulo)

function("*", *_TWO_NUMBERS, result=numeric_result)(multiply)
function("/", *_TWO_NUMBERS, result=numeric_result)(divide)
function("Mod", *_TWO_NUMBERS, result=numeric_result, tabular=True)(modulo)


@function("%", Expected.NUMERIC, result=numeric_result)
def percent(value: Number) -> Number:
    return divide(value, Decimal(100))


@function("Power", NUMBER, NUMBER, result=NUMBER, tabular=True)
def power(base: float, exponent: float) -> float:
    """:raises Failed: with ``Div0`` or ``Numeric``, there is no such number."""
    try:
        result = base**exponent
    except ZeroDivisionError:
        raise failed("Div0", "Zero has no negative power.") from None
    except OverflowError:
        raise out_of_range() from None
    if isinstance(result, complex):
        raise failed("Numeric", "A negative number has no such power.")
    return finite(result)


@form("^", 2, 2)
def bind_power(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    operands = _operands(binder, call, scope)
    for operand in operands:
        if operand.type in MOMENTS:
            raise ExpressionError("A date or a time has no power.", operand.span)
    return binder.strict_call(power, operands, (Parameter(NUMBER),) * 2, NUMBER, call.span)


@form("+", 2, 2)
def bind_add(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    left, right = _operands(binder, call, scope)
    if left.type in _DATES and right.type in _DATES:
        raise _not_possible(call, left, right)
    if right.type in MOMENTS and (left.type not in MOMENTS or right.type in _DATES):
        left, right = right, left
    if left.type in MOMENTS:
        return _shift(binder, call, left, right, 1)
    return binder.strict_call(add, (left, right), _TWO_NUMBERS, numeric_result, call.span)


@form("-", 2, 2)
def bind_subtract(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    left, right = _operands(binder, call, scope)
    if left.type is TIME and right.type in _DATES:
        raise _not_possible(call, left, right)
    if left.type in MOMENTS and (right.type not in MOMENTS or _is_time_of(left, right)):
        return _shift(binder, call, left, right, -1)
    if left.type in MOMENTS:
        moments = (Parameter(Expected.MOMENT),) * 2
        return binder.strict_call(_days_between, (left, right), moments, DECIMAL, call.span)
    if right.type in MOMENTS:
        wanted = (Parameter(NUMBER), Parameter(Expected.MOMENT))
        return binder.strict_call(_not_supported, (left, right), wanted, right.type, call.span)
    return binder.strict_call(subtract, (left, right), _TWO_NUMBERS, numeric_result, call.span)


def _operands(binder: Binder, call: Call, scope: Scope | None) -> list[Bound]:
    return [binder.bind(argument, scope) for argument in call.arguments]


def _not_possible(call: Call, left: Bound, right: Bound) -> ExpressionError:
    message = f"'{call.function}' is not possible between {left.type} and {right.type}."
    return ExpressionError(message, call.name_span)


def _is_time_of(left: Bound, right: Bound) -> bool:
    return left.type in _DATES and right.type is TIME


def _days_between(left: Moment, right: Moment) -> Decimal:
    return decimals.from_float((datetime_of(left) - datetime_of(right)) / DAY)


def _not_supported(_left: Value, _right: Value) -> Value:
    raise failed("NotSupported", "A date or a time cannot be subtracted from a number.")


def _shift(binder: Binder, call: Call, left: Bound, right: Bound, sign: int) -> StrictCall:
    """A date or a time, moved by days or by a time of day."""
    kind = DATETIME if _is_time_of(left, right) else left.type
    by = TIME if right.type is TIME else DECIMAL

    def compute(run: Run, moment: Moment, by: Decimal | Time) -> Value:
        offset = sign * (by.passed if isinstance(by, Time) else days(by))
        if isinstance(moment, Time):
            return Time(moment.passed + offset)
        at = run.zone.existing(shifted(moment.at, offset))
        return DateTime(at) if kind is DATETIME else Date(at)

    parameters = (_parameter(left.type), Parameter(by))
    return binder.strict_call(compute, (left, right), parameters, kind, call.span, gets_run=True)


def _parameter(kind: Type) -> Parameter:
    assert kind in MOMENTS
    return Parameter(kind)


@form("negate", 1, 1)
def bind_negate(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    (operand,) = _operands(binder, call, scope)
    if operand.type in MOMENTS:
        parameters = (_parameter(operand.type),)
        return binder.strict_call(_mirror, (operand,), parameters, operand.type, call.span)
    number = (Parameter(Expected.NUMERIC),)
    return binder.strict_call(_negate, (operand,), number, numeric_result, call.span)


def _negate(value: Number) -> Number:
    return value.copy_negate() if isinstance(value, Decimal) else -value


def _mirror(moment: Moment) -> Value:
    """As far before the epoch as ``moment`` is after it."""
    if isinstance(moment, Time):
        return Time(-moment.passed)
    return type(moment)(shifted(EPOCH, EPOCH - datetime_of(moment)))
