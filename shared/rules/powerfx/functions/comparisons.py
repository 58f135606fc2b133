"""Comparisons: equality, order, membership."""

import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from shared.rules.powerfx.binder import Binder, Scope
from shared.rules.powerfx.bound import Bound, StrictCall
from shared.rules.powerfx.coercion import to_text
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.functions.text import upper
from shared.rules.powerfx.moments import serial
from shared.rules.powerfx.runtime import Run
from shared.rules.powerfx.signatures import Expected, Parameter, form, or_blank
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import (
    ANY,
    BLANK,
    BOOLEAN,
    MOMENTS,
    NUMERIC,
    TEXT,
    Enumeration,
    Record,
    Table,
    Type,
    is_scalar,
    single_column,
)
from shared.rules.powerfx.values import (
    Date,
    DateTime,
    Member,
    Row,
    Time,
    Value,
    checked,
    invalid,
)

_ORDERED = NUMERIC | MOMENTS
_TWO_VALUES = (or_blank(Expected.SCALAR),) * 2


# Equality


def comparable(left: Type, right: Type) -> bool:
    """Whether values of two types may be asked to be equal."""
    if not (is_scalar(left) and is_scalar(right)):
        return False
    if left == right or {left, right} & {ANY, BLANK}:
        return True
    if isinstance(left, Enumeration) or isinstance(right, Enumeration):
        return bool({left, right} & NUMERIC) and _has_order(left) and _has_order(right)
    return _has_order(left) and _has_order(right)


def _has_order(kind: Type) -> bool:
    return kind.is_numeric if isinstance(kind, Enumeration) else kind in _ORDERED


def _check_comparable(call: Call, left: Bound, right: Bound) -> None:
    if not comparable(left.type, right.type):
        message = f"{left.type} and {right.type} values cannot be compared."
        raise ExpressionError(message, call.name_span)


def equal(left: Value, right: Value) -> bool:
    """Whether two values are the same. Values of different kinds are not; Blank only is Blank."""
    if type(left) is type(right):
        return left == right
    left, right = _number(left), _number(right)
    if isinstance(left, float) or isinstance(right, float):
        left = float(left) if isinstance(left, Decimal) else left
        right = float(right) if isinstance(right, Decimal) else right
    return type(left) is type(right) and left == right


def _number(value: Value) -> Value:
    """The number that a date, a time or a member of an enumeration stands for."""
    match value:
        case Date() | DateTime() | Time():
            return serial(value)
        case Member(value=number):
            return number
        case _:
            return value


def _unequal(left: Value, right: Value) -> bool:
    return not equal(left, right)


def _bind_equality(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    left, right = (binder.bind(argument, scope) for argument in call.arguments)
    _check_comparable(call, left, right)
    compute = equal if call.function == "=" else _unequal
    return binder.strict_call(compute, (left, right), _TWO_VALUES, BOOLEAN, call.span)


form("=", 2, 2)(_bind_equality)
form("<>", 2, 2)(_bind_equality)


# Order


def _ordered_by(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def compute(left: Value, right: Value) -> bool:
        first, second = rank(left), rank(right)
        if isinstance(first, Decimal) and isinstance(second, Decimal):
            return compare(first, second)
        return compare(float(first), float(second))

    return compute


def rank(value: Value) -> Decimal | float:
    """The place of a value in the order of numbers, dates and times.

    :raises Failed: it has none.
    """
    number = _number(value)
    if number is None:
        return Decimal(0)
    if isinstance(number, bool) or not isinstance(number, Decimal | float):
        raise invalid("Only numbers, dates and times have an order.")
    return number


_ORDERS = {
    "<": _ordered_by(operator.lt),
    "<=": _ordered_by(operator.le),
    ">": _ordered_by(operator.gt),
    ">=": _ordered_by(operator.ge),
}


def _bind_order(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    operands = [binder.bind(argument, scope) for argument in call.arguments]
    for operand in operands:
        if operand.type not in (ANY, BLANK) and not _has_order(operand.type):
            message = f"{operand.type} values have no order; numbers, dates and times have."
            raise ExpressionError(message, operand.span)
    _check_comparable(call, *operands)
    compute = _ORDERS[call.function]
    return binder.strict_call(compute, operands, _TWO_VALUES, BOOLEAN, call.span)


for _operator in _ORDERS:
    form(_operator, 2, 2)(_bind_order)


# Membership


def _bind_membership(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    item, whole = (binder.bind(argument, scope) for argument in call.arguments)
    exact = call.function == "exactin"
    if isinstance(item.type, Table) or isinstance(whole.type, Record):
        wrong = item if isinstance(item.type, Table) else whole
        raise ExpressionError(f"{wrong.type} values cannot be used here.", wrong.span)
    if isinstance(whole.type, Table):
        return _in_table(binder, call, item, whole, exact)
    if not is_scalar(item.type):
        raise ExpressionError(f"{whole.type} values contain no records.", whole.span)
    if not {item.type, whole.type} & {TEXT, BLANK, ANY}:
        raise ExpressionError("Expected Text on one side.", whole.span)
    if whole.type is ANY:
        both = (item, whole)
        return binder.strict_call(
            _in_any(exact), both, _TWO_VALUES, BOOLEAN, call.span, gets_run=True
        )
    texts = (Parameter(TEXT),) * 2
    return binder.strict_call(_in_text(exact), (item, whole), texts, BOOLEAN, call.span)


form("in", 2, 2)(_bind_membership)
form("exactin", 2, 2)(_bind_membership)


def _in_text(exact: bool) -> Callable[[str, str], bool]:
    def compute(item: str, whole: str) -> bool:
        return item in whole if exact else upper(item) in upper(whole)

    return compute


def _in_any(exact: bool) -> Callable[[Run, Value, Value], bool]:
    in_text, in_rows = _in_text(exact), _in_rows("Value", exact)

    def compute(run: Run, item: Value, whole: Value) -> bool:
        if isinstance(whole, list):
            return in_rows(run, item, whole)
        return in_text(to_text(item) or "", to_text(whole) or "")

    return compute


def _in_table(binder: Binder, call: Call, item: Bound, table: Bound, exact: bool) -> Bound:
    assert isinstance(table.type, Table)
    column = None
    if isinstance(item.type, Record):
        if item.type != table.type.row:
            raise ExpressionError("The table's rows are of another type.", item.span)
    else:
        column = "Value" if table.type.row.is_open else single_column(table.type)
        if column is None:
            raise ExpressionError("The table must have exactly one column.", table.span)
        kind = table.type.row.fields.get(column, ANY)
        item = binder.convert(item, kind)
    compute = _in_rows(column, exact)
    return StrictCall(compute, (item, table), (None, None), BOOLEAN, call.span, gets_run=True)


def _in_rows(column: str | None, exact: bool) -> Callable[[Run, Value, Value], bool]:
    """Whether a value is in a column, or a record among the rows."""

    def compute(run: Run, item: Value, rows: Value) -> bool:
        if not isinstance(rows, list):
            return False
        return any(_same(item, value, exact) for value in _candidates(run, rows, column))

    return compute


def _candidates(run: Run, rows: list[Row], column: str | None) -> Iterator[Value]:
    for row in rows:
        record = checked(row)
        if isinstance(record, dict):
            value = record if column is None else checked(record.get(column))
            run.spend(1)
            run.charge(value)
            yield value


def _same(item: Value, value: Value, exact: bool) -> bool:
    if isinstance(item, str) and isinstance(value, str) and not exact:
        return upper(item) == upper(value)
    return equal(item, value)
