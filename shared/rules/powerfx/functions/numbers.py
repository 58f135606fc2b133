"""Rounding, roots and statistics."""

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import reduce
from typing import Any

from shared.rules.powerfx import decimals
from shared.rules.powerfx.binder import Binder, Scope, row_scope, row_type, unaliased
from shared.rules.powerfx.bound import Bound, Lazy, LazyCall
from shared.rules.powerfx.coercion import converter
from shared.rules.powerfx.evaluator import all_values
from shared.rules.powerfx.functions.arithmetic import Number, add, divide, out_of_range
from shared.rules.powerfx.functions.comparisons import rank
from shared.rules.powerfx.runtime import Closure, Frame
from shared.rules.powerfx.signatures import Expected, Parameter, form, function, numeric_result
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import ANY, MOMENTS, NUMBER, Table, Type
from shared.rules.powerfx.values import Value, failed

_NUMERIC = Parameter(Expected.NUMERIC)
_MOST_DIGITS = 400


def _first_numeric(arguments: Sequence[Bound]) -> Type:
    return numeric_result(arguments[:1])


@function("Abs", _NUMERIC, result=numeric_result, tabular=True)
def absolute(value: Number) -> Number:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


@function("Sqrt", NUMBER, result=NUMBER, tabular=True)
def square_root(value: float) -> float:
    if value < 0:
        raise failed("Numeric", "A negative number has no square root.")
    return math.sqrt(value)


def _rounding(mode: str) -> Callable[[Number, Number], Number]:
    def compute(value: Number, digits: Number = decimals.ZERO) -> Number:
        places = int(max(-_MOST_DIGITS, min(digits, _MOST_DIGITS)))
        exact = value if isinstance(value, Decimal) else decimals.parse(repr(value))
        try:
            rounded = decimals.round_to(exact, places, mode)
        except decimals.TooLarge:
            raise out_of_range() from None
        return rounded if isinstance(value, Decimal) else float(rounded)

    return compute


for _name, _mode in (("Round", ROUND_HALF_UP), ("RoundUp", ROUND_UP), ("RoundDown", ROUND_DOWN)):
    function(_name, _NUMERIC, _NUMERIC, result=_first_numeric, tabular=True)(_rounding(_mode))
function("Trunc", _NUMERIC, _NUMERIC, optional=1, result=_first_numeric, tabular=True)(
    _rounding(ROUND_DOWN)
)


@function("Int", _NUMERIC, result=numeric_result, tabular=True)
def floor(value: Number) -> Number:
    return _rounding(ROUND_FLOOR)(value, decimals.ZERO)


# Statistics: of arguments, or of what an expression is for each row of a table

type Statistic = Callable[[list[Any]], Value]
"""Of values that are not Blank, and are numbers or, where that is the kind, dates or times."""


def _declare(name: str, statistic: Statistic, kind_of: Callable[[Sequence[Bound]], Type]) -> None:
    def bind(binder: Binder, call: Call, scope: Scope | None) -> Bound:
        first = binder.bind(unaliased(call.arguments[0]), scope)
        if isinstance(first.type, Table) and len(call.arguments) == 2:
            inner = row_scope(call.arguments[0], row_type(first), scope)
            bounds = [binder.bind(call.arguments[1], inner)]
            kind = kind_of(bounds)
            each = (first, _comparable(binder, bounds[0], kind))
            return LazyCall(_of_rows(statistic, kind), each, kind, call.span)
        bounds = [first, *(binder.bind(argument, scope) for argument in call.arguments[1:])]
        kind = kind_of(bounds)
        values = tuple(_comparable(binder, bound, kind) for bound in bounds)
        return LazyCall(_of_arguments(statistic, kind), values, kind, call.span)

    form(name, 1)(bind)


def _comparable(binder: Binder, bound: Bound, kind: Type) -> Bound:
    """A value that can be compared with those of a kind. Dates and times can as they are."""
    if kind in MOMENTS and bound.type in MOMENTS:
        return bound
    return binder.convert(bound, kind)


def _extreme_kind(bounds: Sequence[Bound]) -> Type:
    """A date or a time if the first value is one."""
    return bounds[0].type if bounds[0].type in MOMENTS else _first_numeric(bounds)


def _of_arguments(statistic: Statistic, kind: Type) -> Lazy:
    def compute(frame: Frame, arguments: Sequence[Closure]) -> Value:
        return _result(statistic, kind, all_values(arguments, frame))

    return compute


def _of_rows(statistic: Statistic, kind: Type) -> Lazy:
    def compute(frame: Frame, arguments: Sequence[Closure]) -> Value:
        rows = arguments[0](frame)
        if not isinstance(rows, list):
            return None
        values = [arguments[1](frame.inner(row)) for row in rows]
        return _result(statistic, kind, values)

    return compute


def _result(statistic: Statistic, kind: Type, values: Sequence[Value]) -> Value:
    result = statistic([value for value in values if value is not None])
    convert = converter(ANY, kind)
    return convert(result) if convert else result


def _sum(values: list[Any]) -> Value:
    return reduce(add, values) if values else None


def _average(values: list[Any]) -> Value:
    if not values:
        raise failed("Div0", "There is nothing to average.")
    return divide(reduce(add, values), Decimal(len(values)))


def _minimum(values: list[Value]) -> Value:
    return min(values, key=rank, default=None)


def _maximum(values: list[Value]) -> Value:
    return max(values, key=rank, default=None)


_declare("Sum", _sum, _first_numeric)
_declare("Average", _average, _first_numeric)
_declare("Min", _minimum, _extreme_kind)
_declare("Max", _maximum, _extreme_kind)
