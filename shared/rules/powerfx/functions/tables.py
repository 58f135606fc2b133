"""Tables: making them, picking, ordering and counting rows, and working through them."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import batched
from typing import Any

from shared.rules.powerfx.binder import Binder, Scope, row_scope, row_type, unaliased
from shared.rules.powerfx.bound import Bound, Constant, Lazy, LazyCall, StrictCall
from shared.rules.powerfx.decimals import ONE
from shared.rules.powerfx.enumerations import SORT_ORDER
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.evaluator import attempt
from shared.rules.powerfx.functions.arithmetic import Number, add, multiply
from shared.rules.powerfx.functions.comparisons import equal, rank
from shared.rules.powerfx.functions.logic import is_blank
from shared.rules.powerfx.runtime import Closure, Frame, Run, check_length
from shared.rules.powerfx.signatures import Expected, form, function, numeric_result, or_blank
from shared.rules.powerfx.syntax import Call, Name, Node, TextLiteral
from shared.rules.powerfx.types import (
    ANY,
    BLANK,
    BOOLEAN,
    DECIMAL,
    NUMERIC,
    TEXT,
    Record,
    Table,
    Type,
    is_scalar,
    single_column,
    table_of,
)
from shared.rules.powerfx.values import (
    Failed,
    Failure,
    Member,
    Row,
    Value,
    checked,
    combined,
    failed,
    invalid,
)

_TABLE = or_blank(Expected.TABLE)
_MANY = Decimal(10**9)


# Making tables


@form("[]", 0)
def bind_brackets(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    """Records become rows; other values a column named ``Value``."""
    bounds = [binder.bind(argument, scope) for argument in call.arguments]
    items = binder.unify(bounds, call.span)
    kind = next((each.type for each in items if each.type is not BLANK), None)
    if kind is None:
        return LazyCall(_empty_rows, items, Table(Record({})), call.span)
    rows = _rows_of_records if isinstance(kind, Record) else _rows_of_values
    return LazyCall(rows, items, table_of(kind), call.span)


def _empty_rows(_frame: Frame, arguments: Sequence[Closure]) -> Value:
    return [{} for _ in arguments]


def _rows_of_records(frame: Frame, arguments: Sequence[Closure]) -> Value:
    frame.run.spend(len(arguments))
    return [_as_row(attempt(argument, frame)) for argument in arguments]


def _rows_of_values(frame: Frame, arguments: Sequence[Closure]) -> Value:
    frame.run.spend(len(arguments))
    return [{"Value": attempt(argument, frame)} for argument in arguments]


def _as_row(value: Value) -> Row:
    """A value as a row; what is no record is in a column named ``Value``."""
    if value is None or isinstance(value, dict | Failure):
        return value
    return {"Value": value}


@form("Table", 0)
def bind_table(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    """Rows from records and from tables. The rows have the columns of all of them."""
    bounds = [binder.bind(argument, scope) for argument in call.arguments]
    for bound in bounds:
        if is_scalar(bound.type) and bound.type not in (ANY, BLANK):
            message = f"A table is made of records and tables, but this is {bound.type}."
            raise ExpressionError(message, bound.span)
    tables = [_spread(bound) for bound in bounds]
    united = binder.unify(tables, call.span)
    kind = united[0].type if united else Table(Record({}))
    return LazyCall(_concatenated, united, kind, call.span)


def _spread(bound: Bound) -> Bound:
    """A record as a table of one row."""
    if isinstance(bound.type, Table):
        return bound
    row = bound.type if isinstance(bound.type, Record) else Record({}, bound.type is ANY)
    return LazyCall(_one_row, (bound,), Table(row), bound.span)


def _one_row(frame: Frame, arguments: Sequence[Closure]) -> Value:
    value = attempt(arguments[0], frame)
    return value if isinstance(value, list) else [_as_row(value)]


def _concatenated(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows: list[Row] = []
    for argument in arguments:
        table = argument(frame)
        if isinstance(table, list):
            frame.run.spend(len(table))
            rows.extend(table)
    return rows


def _table_of_numbers(arguments: Sequence[Bound]) -> Type:
    return table_of(numeric_result(arguments[1:]))


_NUMBER = Expected.SAME_NUMERIC


@function(
    "Sequence", DECIMAL, _NUMBER, _NUMBER, optional=2, result=_table_of_numbers, gets_run=True
)
def sequence(run: Run, count: Decimal, start: Number = ONE, step: Number = ONE) -> list[Row]:
    if count < 0:
        raise invalid("There cannot be fewer than 0 rows.")
    rows = int(min(count, _MANY))
    run.spend(rows)
    return [{"Value": add(start, multiply(step, Decimal(index)))} for index in range(rows)]


# Picking rows


def _row_type(arguments: Sequence[Bound]) -> Type:
    return row_type(arguments[0])


def _table_type(arguments: Sequence[Bound]) -> Type:
    return arguments[0].type


@function("First", _TABLE, result=_row_type)
def first(rows: list[Row] | None) -> Value:
    return checked(rows[0]) if rows else None


@function("Last", _TABLE, result=_row_type)
def last(rows: list[Row] | None) -> Value:
    return checked(rows[-1]) if rows else None


@function("Index", _TABLE, Expected.NUMERIC, result=_row_type)
def index(rows: list[Row] | None, number: Number) -> Value:
    at = int(min(number, _MANY)) if number >= 1 else 0
    if rows is None:
        return None
    if not 1 <= at <= len(rows):
        raise invalid("There is no such row.")
    return checked(rows[at - 1])


@function("FirstN", _TABLE, Expected.NUMERIC, result=_table_type)
def first_n(rows: list[Row] | None, count: Number) -> Value:
    return None if rows is None else rows[: _length(count)]


@function("LastN", _TABLE, Expected.NUMERIC, result=_table_type)
def last_n(rows: list[Row] | None, count: Number) -> Value:
    return None if rows is None else rows[max(0, len(rows) - _length(count)) :]


def _length(count: Number) -> int:
    return int(max(0, min(count, _MANY)))


@form("Filter", 2)
def bind_filter(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, conditions = _table_and_rest(binder, call, scope)
    booleans = [_boolean(binder, condition) for condition in conditions]
    return LazyCall(_filter, (table, *booleans), table.type, call.span)


def _boolean(binder: Binder, condition: Bound) -> Bound:
    """A condition that must be one, not only something that can be taken for one."""
    if condition.type not in (BOOLEAN, ANY, BLANK):
        raise ExpressionError(f"Expected Boolean, but this is {condition.type}.", condition.span)
    return binder.convert(condition, BOOLEAN)


def _table_and_rest(
    binder: Binder, call: Call, scope: Scope | None, end: int | None = None
) -> tuple[Bound, list[Bound]]:
    """The table of a call, and the expressions for its rows that follow up to ``end``."""
    table = binder.bind_table(call.arguments[0], scope)
    inner = row_scope(call.arguments[0], row_type(table), scope)
    return table, [binder.bind(argument, inner) for argument in call.arguments[1:end]]


def _filter(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = arguments[0](frame)
    if not isinstance(rows, list):
        return None
    kept: list[Row] = []
    for row in rows:
        try:
            if _all_true(frame.inner(row), arguments[1:]):
                kept.append(row)
        except Failed as failed:
            kept.append(failed.failure)
    return kept


def _all_true(frame: Frame, conditions: Sequence[Closure]) -> bool:
    return all(condition(frame) for condition in conditions)


@form("LookUp", 2, 3)
def bind_look_up(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, (condition, *results) = _table_and_rest(binder, call, scope)
    boolean = _boolean(binder, condition)
    kind = results[0].type if results else row_type(table)
    return LazyCall(_look_up, (table, boolean, *results), kind, call.span)


def _look_up(frame: Frame, arguments: Sequence[Closure]) -> Value:
    for row in _rows(arguments[0](frame)):
        inner = frame.inner(row)
        if arguments[1](inner):
            return arguments[2](inner) if len(arguments) > 2 else checked(row)
    return None


def _rows(table: Value) -> list[Row]:
    return table if isinstance(table, list) else []


# Counting rows


@function("CountRows", _TABLE, result=DECIMAL)
def count_rows(rows: list[Row] | None) -> Decimal:
    return Decimal(sum(1 for row in rows or () if checked(row) is row))


@function("IsEmpty", _TABLE, result=BOOLEAN)
def is_empty(rows: list[Row] | None) -> bool:
    return not rows


@form("CountIf", 2)
def bind_count_if(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, conditions = _table_and_rest(binder, call, scope)
    booleans = [binder.convert(condition, BOOLEAN) for condition in conditions]
    return LazyCall(_count_if, (table, *booleans), DECIMAL, call.span)


def _count_if(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = _rows(arguments[0](frame))
    return Decimal(sum(_all_true(frame.inner(row), arguments[1:]) for row in rows))


def _bind_count(*, numbers_only: bool) -> Callable[[Binder, Call, Scope | None], Bound]:
    def bind(binder: Binder, call: Call, scope: Scope | None) -> Bound:
        table = binder.bind_table(call.arguments[0], scope)
        assert isinstance(table.type, Table)
        column = "Value" if table.type.row.is_open else single_column(table.type)
        if column is None:
            raise ExpressionError("The table must have exactly one column.", table.span)
        kind = table.type.row.fields.get(column, ANY)
        if numbers_only and kind not in (*NUMERIC, ANY, BLANK):
            raise ExpressionError(f"Only numbers are counted, not {kind} values.", table.span)

        def count(rows: list[Row] | None) -> Decimal:
            return Decimal(sum(not is_blank(value) for value in _column(rows, column)))

        return StrictCall(count, (table,), (None,), DECIMAL, call.span)

    return bind


form("Count", 1, 1)(_bind_count(numbers_only=True))
form("CountA", 1, 1)(_bind_count(numbers_only=False))


def _column(rows: list[Row] | None, column: str) -> Iterator[Value]:
    for row in rows or ():
        record = checked(row)
        yield checked(record.get(column)) if isinstance(record, dict) else None


# Working through rows


@form("ForAll", 2, 2)
def bind_for_all(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, (result,) = _table_and_rest(binder, call, scope, 2)
    is_row = isinstance(result.type, Record) or result.type is BLANK
    for_each = _for_each(_as_row if is_row else _in_column)
    return LazyCall(for_each, (table, result), table_of(result.type), call.span)


def _in_column(value: Value) -> Row:
    return {"Value": value}


def _for_each(as_row: Callable[[Value], Row]) -> Lazy:
    def compute(frame: Frame, arguments: Sequence[Closure]) -> Value:
        rows = arguments[0](frame)
        if not isinstance(rows, list):
            return None
        return [as_row(value) for value in _for_rows(frame, arguments[1], rows)]

    return compute


def _for_rows(frame: Frame, closure: Closure, rows: list[Row]) -> list[Value]:
    """The values for all rows.

    :raises Failed: for the reasons of all that failed.
    """
    values = [attempt(closure, frame.inner(row)) for row in rows]
    if failures := [value for value in values if isinstance(value, Failure)]:
        raise combined(failures)
    return values


@form("Concat", 2, 3)
def bind_concat(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, (text,) = _table_and_rest(binder, call, scope, 2)
    bounds = [text, *(binder.bind(argument, scope) for argument in call.arguments[2:])]
    texts = [binder.convert(bound, TEXT) for bound in bounds]
    return LazyCall(_concat, (table, *texts), TEXT, call.span)


def _concat(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = arguments[0](frame)
    separator = arguments[2](frame) if len(arguments) > 2 else ""
    if not isinstance(rows, list) or not isinstance(separator, str):
        return None
    texts = [_text(arguments[1](frame.inner(row))) for row in rows]
    check_length(sum(len(separator) + len(text) for text in texts))
    return separator.join(texts)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


@form("AddColumns", 3)
def bind_add_columns(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    """Pairs of a column's name and an expression for its value, after a table or a record."""
    source = binder.bind(unaliased(call.arguments[0]), scope)
    if source.type is ANY:
        source = binder.argument(source, Expected.TABLE)
    row = row_type(source)
    if not isinstance(row, Record):
        raise ExpressionError(f"Expected Table, but this is {source.type}.", source.span)
    inner = row_scope(call.arguments[0], row, scope)
    columns = _new_columns(binder, call, row, inner)
    types = {name: column.type for name, column in columns.items()}
    wider = Record({**row.fields, **types}, row.is_open)
    kind = Table(wider) if isinstance(source.type, Table) else wider
    return LazyCall(_adding(tuple(columns)), (source, *columns.values()), kind, call.span)


def _new_columns(binder: Binder, call: Call, row: Record, inner: Scope) -> dict[str, Bound]:
    if len(call.arguments) % 2 == 0:
        raise ExpressionError("A column has a name and a value.", call.name_span)
    columns: dict[str, Bound] = {}
    for name, value in zip(call.arguments[1::2], call.arguments[2::2], strict=True):
        if not isinstance(name, Name):
            raise ExpressionError("Expected the name of a column.", name.span)
        if name.name in row.fields or name.name in columns:
            raise ExpressionError(f"There is a column '{name.name}' already.", name.span)
        columns[name.name] = binder.bind(value, inner)
    return columns


def _adding(names: tuple[str, ...]) -> Lazy:
    def wider(frame: Frame, row: Row, values: Sequence[Closure]) -> Row:
        if not isinstance(row, dict):
            return row
        inner = frame.inner(row)
        added = {name: attempt(value, inner) for name, value in zip(names, values, strict=True)}
        return row | added

    def compute(frame: Frame, arguments: Sequence[Closure]) -> Value:
        source = arguments[0](frame)
        if isinstance(source, list):
            return [wider(frame, row, arguments[1:]) for row in source]
        return wider(frame, source, arguments[1:]) if isinstance(source, dict) else None

    return compute


@form("Distinct", 2, 2)
def bind_distinct(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, (value,) = _table_and_rest(binder, call, scope, 2)
    return LazyCall(_distinct, (table, value), Table(Record({"Value": value.type})), call.span)


def _distinct(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = arguments[0](frame)
    if not isinstance(rows, list):
        return None
    found: list[Value] = []
    for row in rows:
        value = arguments[1](frame.inner(row))
        if isinstance(value, dict | list):
            raise invalid("Records and tables cannot be told apart.")
        frame.run.spend(len(found) // 16)
        if not any(equal(value, other) for other in found):
            found.append(value)
    return [{"Value": value} for value in found]


# Ordering rows


@form("Sort", 2, 3)
def bind_sort(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    table, (key,) = _table_and_rest(binder, call, scope, 2)
    if not is_scalar(key.type):
        raise ExpressionError(f"{key.type} values have no order.", key.span)
    orders = [
        binder.argument(binder.bind(argument, scope), SORT_ORDER) for argument in call.arguments[2:]
    ]
    return LazyCall(_sort, (table, key, *orders), table.type, call.span)


def _sort(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = arguments[0](frame)
    if not isinstance(rows, list):
        return None
    descending = len(arguments) > 2 and _is_descending(arguments[2](frame))
    keys = [arguments[1](frame.inner(row)) for row in rows]
    return _ordered(frame.run, rows, keys, descending=descending)


def _is_descending(order: Value) -> bool:
    return isinstance(order, Member) and order.name == "Descending"


def _ordered(
    run: Run, rows: list[Row], keys: list[Value], *, descending: bool = False
) -> list[Row]:
    """``rows`` in the order of their keys; those without one are the last."""
    for key in keys:
        run.spend(1)
        run.charge(key)
    present = [at for at, key in enumerate(keys) if key is not None]
    absent = [at for at, key in enumerate(keys) if key is None]
    present.sort(key=lambda at: _sort_key(keys[at]), reverse=descending)
    return [rows[at] for at in present + absent]


def _sort_key(value: Value) -> Any:
    """What to sort by: booleans come first, then numbers and dates, then texts."""
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, str):
        return 2, _collation(value)
    return 1, rank(value)


def _collation(text: str) -> tuple[str, str, list[bool]]:
    """Letters decide, then their accents, then their case: small before capital."""
    decomposed = unicodedata.normalize("NFD", text)
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return letters.casefold(), decomposed.casefold(), [each.isupper() for each in text]


@form("SortByColumns", 2)
def bind_sort_by_columns(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    """Pairs of a column and an order, the last of which may lack; or a column and its values."""
    table = binder.bind_table(call.arguments[0], scope)
    assert isinstance(table.type, Table)
    row = table.type.row
    columns = [_column_name(binder, node, row, scope) for node in call.arguments[1::2]]
    others = [binder.bind(node, scope) for node in call.arguments[2::2]]
    if len(call.arguments) == 3 and isinstance(others[0].type, Table):
        return _bind_sort_by_values(call, table, columns[0], others[0])
    orders = [binder.argument(order, SORT_ORDER) for order in others]
    ascending = Constant(Member("SortOrder", "Ascending", "ascending"), SORT_ORDER, call.span)
    orders += [ascending] * (len(columns) - len(orders))
    pairs = [each for pair in zip(columns, orders, strict=True) for each in pair]
    return LazyCall(_sort_by_columns, (table, *pairs), table.type, call.span)


def _column_name(binder: Binder, node: Node, row: Record, scope: Scope | None) -> Bound:
    """A column by its name, as such or as a text; or an expression for the text."""
    if isinstance(node, Name) and (node.name in row.fields or row.is_open):
        return Constant(node.name, TEXT, node.span)
    if isinstance(node, TextLiteral) and node.value not in row.fields and not row.is_open:
        raise ExpressionError(f"There is no column '{node.value}'.", node.span)
    name = binder.bind(node, scope)
    if name.type not in (TEXT, ANY):
        raise ExpressionError("Expected the name of a column.", node.span)
    return binder.convert(name, TEXT)


def _sort_by_columns(frame: Frame, arguments: Sequence[Closure]) -> Value:
    rows = arguments[0](frame)
    pairs = [(name(frame), order(frame)) for name, order in batched(arguments[1:], 2, strict=True)]
    if not isinstance(rows, list) or any(name is None for name, _ in pairs):
        return None
    for name, order in reversed(pairs):
        keys = _cells(rows, name)
        rows = _ordered(frame.run, rows, keys, descending=_is_descending(order))
    return rows


def _cells(rows: list[Row], name: Value) -> list[Value]:
    """The cells of a column.

    :raises Failed: with ``InvalidFunctionUsage``, there is no such column.
    """
    assert isinstance(name, str)
    if rows and not any(name in row for row in rows if isinstance(row, dict)):
        raise failed("InvalidFunctionUsage", f"There is no column '{name}'.")
    return list(_column(rows, name))


def _bind_sort_by_values(call: Call, table: Bound, name: Bound, values: Bound) -> Bound:
    assert isinstance(values.type, Table)
    column = single_column(values.type)
    if column is None:
        raise ExpressionError("The table must have exactly one column.", values.span)

    def compute(frame: Frame, arguments: Sequence[Closure]) -> Value:
        rows, name, order = (argument(frame) for argument in arguments)
        wanted = list(_column(_rows(order), column))
        if not isinstance(rows, list) or name is None:
            return None
        keys = [_place(frame, cell, wanted) for cell in _cells(rows, name)]
        return _ordered(frame.run, rows, keys)

    return LazyCall(compute, (table, name, values), table.type, call.span)


def _place(frame: Frame, value: Value, wanted: list[Value]) -> Value:
    """Where a value is in the wanted order, if it is."""
    frame.run.spend(len(wanted))
    places = (at for at, each in enumerate(wanted) if value is not None and equal(value, each))
    place = next(places, None)
    return None if place is None else Decimal(place)
