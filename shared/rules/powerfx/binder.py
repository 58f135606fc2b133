"""Syntax tree to bound tree: finds out what names mean, and checks and converts types."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import assert_never

from shared.rules.powerfx.bound import (
    Bound,
    Constant,
    Convert,
    CurrentRow,
    FieldOf,
    LazyCall,
    NewRecord,
    Root,
    Strict,
    StrictCall,
)
from shared.rules.powerfx.coercion import Converter, converter, to_moment, to_numeric
from shared.rules.powerfx.decimals import ZERO
from shared.rules.powerfx.enumerations import ENUMERATIONS
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.rows import ByRow
from shared.rules.powerfx.signatures import (
    Expected,
    Form,
    Function,
    Parameter,
    Result,
    Wanted,
)
from shared.rules.powerfx.syntax import (
    Alias,
    BooleanLiteral,
    Call,
    Member,
    Name,
    Node,
    NumberLiteral,
    RecordLiteral,
    Span,
    TableLiteral,
    TextLiteral,
)
from shared.rules.powerfx.types import (
    ANY,
    BLANK,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    MAX_SIZE,
    MOMENTS,
    NUMBER,
    NUMERIC,
    TEXT,
    TIME,
    Enumeration,
    Record,
    Scalar,
    Table,
    Type,
    coerces,
    is_scalar,
    single_column,
    table_of,
    unite,
)
from shared.rules.powerfx.values import EPOCH, Date, DateTime, Time, Value
from shared.rules.powerfx.values import Member as EnumerationMember

_DEFAULTS: Mapping[Wanted, Value] = {
    BOOLEAN: False,
    TEXT: "",
    DECIMAL: ZERO,
    NUMBER: 0.0,
    DATE: Date(EPOCH),
    DATETIME: DateTime(EPOCH),
    TIME: Time(timedelta()),
    Expected.NUMERIC: ZERO,
    Expected.SAME_NUMERIC: ZERO,
    Expected.MOMENT: DateTime(EPOCH),
}
"""What Blank is to a function that is not told of it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one row: that of the row itself, and those of its columns.

    ``has_columns``: columns go by their own names; those of a row with an alias do not.
    """

    row: Record
    parent: "Scope | None"
    name: str | None = "ThisRecord"
    has_columns: bool = True


class Binder:
    """``roots``: the names the caller gives values for; ``functions``: those that may be called."""

    def __init__(self, roots: Mapping[str, Type], functions: Mapping[str, Function | Form]) -> None:
        self._roots = roots
        self._functions = functions

    def bind(self, node: Node, scope: Scope | None = None) -> Bound:
        """:raises ExpressionError: a name is not known, or a type does not fit."""
        bound = self._bind(node, scope)
        if bound.type.size > MAX_SIZE:
            raise ExpressionError("The record or table has too many parts.", node.span)
        return bound

    def _bind(self, node: Node, scope: Scope | None) -> Bound:
        match node:
            case NumberLiteral(value=number):
                return Constant(number, DECIMAL, node.span)
            case TextLiteral(value=text):
                return Constant(text, TEXT, node.span)
            case BooleanLiteral(value=boolean):
                return Constant(boolean, BOOLEAN, node.span)
            case Name(name=name):
                return self._bind_name(name, node.span, scope)
            case Member():
                return self._bind_member(node, scope)
            case Call():
                return self._bind_call(node, scope)
            case RecordLiteral():
                return self._bind_record(node, scope)
            case TableLiteral():
                return self._bind_call(_call_of_table(node), scope)
            case Alias():
                raise ExpressionError("'As' has no meaning here.", node.span)
            case _:
                assert_never(node)

    # Names

    def _bind_name(self, name: str, span: Span, scope: Scope | None) -> Bound:
        found = self._in_rows(name, span, scope) or self._root(name, span)
        found = found or self._in_open_row(name, span, scope)
        if found is None:
            known = [*self._names(scope), *self._roots, *ENUMERATIONS]
            raise _unknown("name", name, span, known)
        return found

    def _in_rows(self, name: str, span: Span, scope: Scope | None) -> Bound | None:
        for depth, each in enumerate(_outward(scope)):
            row = CurrentRow(depth, each.row, span)
            if name == each.name:
                return row
            if each.has_columns and name in each.row.fields:
                return FieldOf(row, name, each.row.fields[name], span)
        return None

    def _root(self, name: str, span: Span) -> Bound | None:
        return Root(name, self._roots[name], span) if name in self._roots else None

    def _in_open_row(self, name: str, span: Span, scope: Scope | None) -> Bound | None:
        for depth, each in enumerate(_outward(scope)):
            if each.has_columns and each.row.is_open:
                return FieldOf(CurrentRow(depth, each.row, span), name, ANY, span)
        return None

    def _names(self, scope: Scope | None) -> Iterable[str]:
        for each in _outward(scope):
            yield from each.row.fields if each.has_columns else [each.name or ""]

    def _bind_member(self, node: Member, scope: Scope | None) -> Bound:
        if isinstance(node.of, Name) and node.of.name in ENUMERATIONS:
            return _enumeration_member(ENUMERATIONS[node.of.name], node)
        of = self.bind(node.of, scope)
        match of.type:
            case Record(fields=fields) if node.name in fields:
                return FieldOf(of, node.name, fields[node.name], node.span)
            case Record(fields=fields, is_open=False):
                raise _unknown("field", node.name, node.name_span, fields)
            case Record() | Scalar.ANY:
                return FieldOf(of, node.name, ANY, node.span)
            case _:
                raise ExpressionError(f"{of.type} values have no fields.", node.name_span)

    # Calls

    def _bind_call(self, call: Call, scope: Scope | None) -> Bound:
        declared = self._functions.get(call.function)
        if declared is None:
            raise _unknown("function", call.function, call.name_span, self._functions)
        _check_count(call, declared)
        if isinstance(declared, Form):
            return declared.bind(self, call, scope)
        arguments = [self.bind(argument, scope) for argument in call.arguments]
        if declared.tabular and any(isinstance(each.type, Table) for each in arguments):
            return self._tabular_call(declared, arguments, call.span)
        return self._declared_call(declared, arguments, call.span)

    def _declared_call(
        self, declared: Function, arguments: Sequence[Bound], span: Span
    ) -> StrictCall:
        parameters = [declared.parameter(index) for index in range(len(arguments))]
        compute, result, gets_run = declared.compute, declared.result, declared.gets_run
        return self.strict_call(compute, arguments, parameters, result, span, gets_run=gets_run)

    def strict_call(
        self,
        compute: Strict,
        arguments: Sequence[Bound],
        parameters: Sequence[Parameter],
        result: Result,
        span: Span,
        *,
        gets_run: bool = False,
    ) -> StrictCall:
        """A call with its arguments converted to what its parameters want."""
        floats = any(
            argument.type is NUMBER and parameter.wanted is Expected.SAME_NUMERIC
            for argument, parameter in zip(arguments, parameters, strict=True)
        )
        converted: list[Bound] = []
        defaults: list[Value] = []
        for argument, parameter in zip(arguments, parameters, strict=True):
            wanted = parameter.wanted
            if wanted is Expected.SAME_NUMERIC and floats:
                wanted = NUMBER
            value = self.argument(argument, wanted)
            converted.append(value)
            defaults.append(None if parameter.takes_blank else _default(wanted, value.type))
        kind = result(converted) if callable(result) else result
        return StrictCall(compute, tuple(converted), tuple(defaults), kind, span, gets_run)

    def _tabular_call(self, declared: Function, arguments: Sequence[Bound], span: Span) -> LazyCall:
        """A call for each row of the tables among the arguments."""
        columns = [_column(argument) for argument in arguments]
        types = {str(index): _cell_type(each) for index, each in enumerate(arguments)}
        row = CurrentRow(0, Record(types), span)
        cells = [
            FieldOf(row, position, kind, argument.span)
            for argument, (position, kind) in zip(arguments, types.items(), strict=True)
        ]
        call = self._declared_call(declared, cells, span)
        return LazyCall(ByRow(call, columns), tuple(arguments), table_of(call.type), span)

    # Types

    def argument(self, bound: Bound, wanted: Wanted) -> Bound:
        """An argument as what a function wants.

        :raises ExpressionError: it can never be that.
        """
        match wanted:
            case Scalar() | Enumeration():
                return self.convert(bound, wanted)
            case Expected.NUMERIC | Expected.SAME_NUMERIC:
                return self._by(bound, to_numeric, NUMERIC, DECIMAL)
            case Expected.MOMENT:
                return self._by(bound, to_moment, MOMENTS, DATETIME)
            case Expected.SCALAR if is_scalar(bound.type):
                return bound
            case Expected.TABLE if isinstance(bound.type, Table) or bound.type is BLANK:
                return bound
            case Expected.TABLE if bound.type is ANY:
                return self.convert(bound, Table(Record({}, is_open=True)))
            case Expected.ANYTHING:
                return bound
            case _:
                raise _not(wanted.value, bound)

    def _by(
        self, bound: Bound, convert: Converter, kept: frozenset[Scalar], otherwise: Scalar
    ) -> Bound:
        if bound.type in kept:
            return bound
        if not coerces(bound.type, otherwise) or not is_scalar(bound.type):
            raise _not(f"{otherwise}", bound)
        return Convert(bound, convert, otherwise, bound.span)

    def convert(self, bound: Bound, target: Type) -> Bound:
        """``bound`` as a value of another type.

        :raises ExpressionError: it can never be that.
        """
        if not coerces(bound.type, target):
            raise _not(str(target), bound)
        convert = converter(bound.type, target)
        if convert is None:
            return bound
        return Convert(bound, convert, target, bound.span)

    def unify(self, results: Sequence[Bound], span: Span) -> tuple[Bound, ...]:
        """``results`` as values of one type: the first one's, with the fields of all.

        :raises ExpressionError: there is no such type.
        """
        united: Type = BLANK
        for result in results:
            next_type = unite(united, result.type)
            if next_type is None:
                message = f"{result.type} values cannot take the place of {united} values."
                raise ExpressionError(message, result.span)
            united = next_type
        if united.size > MAX_SIZE:
            raise ExpressionError("The record or table has too many parts.", span)
        return tuple(self.convert(result, united) for result in results)

    def bind_table(self, node: Node, scope: Scope | None) -> Bound:
        """A table whose rows a function goes through.

        :raises ExpressionError: it is no table.
        """
        table = self.bind(unaliased(node), scope)
        if table.type is ANY:
            return self.argument(table, Expected.TABLE)
        if not isinstance(table.type, Table):
            raise _not("Table", table)
        return table

    def _bind_record(self, node: RecordLiteral, scope: Scope | None) -> NewRecord:
        fields: dict[str, Bound] = {}
        for name, value in node.fields:
            if name.name in fields:
                raise ExpressionError(f"There are two fields '{name.name}'.", name.span)
            fields[name.name] = self.bind(value, scope)
        types = {name: field.type for name, field in fields.items()}
        return NewRecord(fields, Record(types), node.span)


def row_scope(node: Node, row: Type, scope: Scope | None) -> Scope:
    """The scope of what is done for a row of ``node``, which may give it a name with ``As``."""
    assert isinstance(row, Record)
    if isinstance(node, Alias):
        return Scope(row, scope, node.name, has_columns=False)
    return Scope(row, scope)


def row_type(table: Bound) -> Type:
    """The type of the rows of a table; of anything else its own."""
    return table.type.row if isinstance(table.type, Table) else table.type


def unaliased(node: Node) -> Node:
    """``node`` without the name it is given with ``As``."""
    return node.of if isinstance(node, Alias) else node


def _outward(scope: Scope | None) -> Iterable[Scope]:
    while scope is not None:
        yield scope
        scope = scope.parent


def _call_of_table(node: TableLiteral) -> Call:
    return Call("[]", node.items, node.span, node.span)


def _enumeration_member(enumeration: Enumeration, node: Member) -> Constant:
    if node.name not in enumeration.members:
        raise _unknown("member", node.name, node.name_span, enumeration.members)
    value = enumeration.members[node.name]
    return Constant(EnumerationMember(enumeration.name, node.name, value), enumeration, node.span)


def _check_count(call: Call, declared: Function | Form) -> None:
    count = len(call.arguments)
    at_most = declared.at_most
    if count >= declared.required and (at_most is None or count <= at_most):
        return
    if at_most is None:
        expected = f"at least {declared.required}"
    elif at_most == declared.required:
        expected = f"{at_most}"
    else:
        expected = f"{declared.required} to {at_most}"
    message = f"'{call.function}' takes {expected} arguments, not {count}."
    raise ExpressionError(message, call.name_span)


def _column(argument: Bound) -> str | None:
    """The only column of an argument that is a table; ``None`` if it is none."""
    if not isinstance(argument.type, Table):
        return None
    name = single_column(argument.type)
    if name is None:
        raise ExpressionError("The table must have exactly one column.", argument.span)
    return name


def _default(wanted: Wanted, kind: Type) -> Value:
    """What Blank is to a function: a date that is Blank is a date, not a date with a time."""
    if wanted is Expected.MOMENT and isinstance(kind, Scalar):
        return _DEFAULTS[kind]
    return _DEFAULTS.get(wanted)


def _cell_type(argument: Bound) -> Type:
    """The type of the cells of a table, or of the argument itself if that is no table."""
    name = _column(argument)
    if name is None:
        return argument.type
    assert isinstance(argument.type, Table)
    return argument.type.row.fields[name]


def _not(wanted: str, bound: Bound) -> ExpressionError:
    return ExpressionError(f"Expected {wanted}, but this is {bound.type}.", bound.span)


def _unknown(what: str, name: str, span: Span, known: Iterable[str]) -> ExpressionError:
    """The error of a name that is not known, with the known one that is most like it."""
    suggestion = _most_like(
        name, [each for each in known if each[:1].isupper() or what != "function"]
    )
    hint = f" Did you mean `{suggestion}`?" if suggestion else ""
    return ExpressionError(f"The {what} '{name}' is not known.{hint}", span, suggestion)


def _most_like(name: str, known: Sequence[str]) -> str | None:
    for each in known:
        if each.lower() == name.lower():
            return each
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.65)), None)
