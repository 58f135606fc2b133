"""Decisions, Blank and errors: functions that do not evaluate all of their arguments."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from shared.rules.powerfx.binder import Binder, Scope, row_scope, unaliased
from shared.rules.powerfx.bound import Bound, Constant, LazyCall
from shared.rules.powerfx.coercion import to_decimal, to_text
from shared.rules.powerfx.enumerations import ERROR_KIND, ERROR_KIND_NAMES
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.functions.comparisons import equal
from shared.rules.powerfx.runtime import Closure, Frame
from shared.rules.powerfx.signatures import Expected, form, function, or_blank
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import ANY, BLANK, BOOLEAN, TEXT, Record, Table, Type
from shared.rules.powerfx.values import (
    Failed,
    Failure,
    Problem,
    Row,
    Value,
    checked,
    combined,
    invalid,
)

# Decisions


@form("If", 2)
def bind_if(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    bounds = [binder.bind(argument, scope) for argument in call.arguments]
    pairs = len(bounds) // 2
    conditions = [binder.convert(bounds[2 * pair], BOOLEAN) for pair in range(pairs)]
    results = binder.unify(bounds[1::2] + bounds[2 * pairs :], call.span)
    arguments = [each for pair in zip(conditions, results, strict=False) for each in pair]
    return LazyCall(_if, (*arguments, *results[pairs:]), _type_of(results), call.span)


def _type_of(results: Sequence[Bound]) -> Type:
    """The type of what is one of unified results."""
    return next((each.type for each in results if each.type is not BLANK), BLANK)


def _if(frame: Frame, arguments: Sequence[Closure]) -> Value:
    last = len(arguments) - 1
    for index in range(0, last, 2):
        if arguments[index](frame):
            return arguments[index + 1](frame)
    return None if last % 2 else arguments[last](frame)


@form("Switch", 3)
def bind_switch(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    value, *bounds = (binder.bind(argument, scope) for argument in call.arguments)
    pairs = len(bounds) // 2
    matches = bounds[0 : 2 * pairs : 2]
    for match in matches:
        if value.type != match.type and not {value.type, match.type} & {ANY, BLANK}:
            message = f"Expected {value.type}, but this is {match.type}."
            raise ExpressionError(message, match.span)
    results = binder.unify(bounds[1::2] + bounds[2 * pairs :], call.span)
    arguments = [each for pair in zip(matches, results, strict=False) for each in pair]
    return LazyCall(_switch, (value, *arguments, *results[pairs:]), _type_of(results), call.span)


def _switch(frame: Frame, arguments: Sequence[Closure]) -> Value:
    value = arguments[0](frame)
    last = len(arguments) - 1
    for index in range(1, last, 2):
        if equal(value, arguments[index](frame)):
            return arguments[index + 1](frame)
    return arguments[last](frame) if last % 2 else None


def _bind_connective(lazy: Callable[[Frame, Sequence[Closure]], bool]) -> Callable[..., Bound]:
    def bind(binder: Binder, call: Call, scope: Scope | None) -> Bound:
        bounds = (binder.bind(argument, scope) for argument in call.arguments)
        booleans = tuple(binder.convert(bound, BOOLEAN) for bound in bounds)
        return LazyCall(lazy, booleans, BOOLEAN, call.span)

    return bind


def _and(frame: Frame, arguments: Sequence[Closure]) -> bool:
    return all(argument(frame) for argument in arguments)


def _or(frame: Frame, arguments: Sequence[Closure]) -> bool:
    return any(argument(frame) for argument in arguments)


def _not(frame: Frame, arguments: Sequence[Closure]) -> bool:
    return not arguments[0](frame)


form("And", 1)(_bind_connective(_and))
form("Or", 1)(_bind_connective(_or))
form("Not", 1, 1)(_bind_connective(_not))


# Blank


@form("Blank", 0, 0)
def bind_blank(_binder: Binder, call: Call, _scope: Scope | None) -> Bound:
    return Constant(None, BLANK, call.span)


@function("IsBlank", or_blank(Expected.ANYTHING), result=BOOLEAN)
def is_blank(value: Value) -> bool:
    """Whether there is no value, which a text without characters is as well."""
    return value is None or value == ""


@form("Coalesce", 1)
def bind_coalesce(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    bounds = [binder.bind(argument, scope) for argument in call.arguments]
    results = binder.unify(bounds, call.span)
    return LazyCall(_coalesce, results, _type_of(results), call.span)


def _coalesce(frame: Frame, arguments: Sequence[Closure]) -> Value:
    for argument in arguments:
        if not is_blank(value := argument(frame)):
            return value
    return None


# Errors

_ERROR = Record({"Kind": ERROR_KIND, "Message": TEXT, "Source": TEXT, "Observed": TEXT})
_ERRORS = Record({"FirstError": _ERROR, "AllErrors": Table(_ERROR)})


@form("IsError", 1, 1)
def bind_is_error(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    value = binder.bind(call.arguments[0], scope)
    return LazyCall(_is_error, (value,), BOOLEAN, call.span)


def _is_error(frame: Frame, arguments: Sequence[Closure]) -> bool:
    try:
        arguments[0](frame)
    except Failed:
        return True
    return False


@form("IfError", 2)
def bind_if_error(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    """Pairs of a value and what replaces it if it fails; then perhaps the result if none fails.

    Without that, the last value is the result. It decides the type, before the replacements do.
    """
    with_errors = Scope(_ERRORS, scope, name=None)
    bounds = [
        binder.bind(argument, with_errors if index % 2 else scope)
        for index, argument in enumerate(call.arguments)
    ]
    count = len(bounds)
    main = count - 1 if count % 2 else count - 2
    possible = [main, *range(1, count, 2)]
    results = binder.unify([bounds[index] for index in possible], call.span)
    for index, result in zip(possible, results, strict=True):
        bounds[index] = result
    return LazyCall(_if_error, tuple(bounds), _type_of(results), call.span)


def _if_error(frame: Frame, arguments: Sequence[Closure]) -> Value:
    value: Value = None
    for index in range(0, len(arguments), 2):
        try:
            value = arguments[index](frame)
        except Failed as failed:
            if index + 1 == len(arguments):
                raise
            return arguments[index + 1](frame.inner(_error_row(failed.failure)))
    return value


def _error_row(failure: Failure) -> Row:
    errors: list[Row] = [_error_record(problem) for problem in failure.problems]
    return {"FirstError": errors[0], "AllErrors": errors}


def _error_record(problem: Problem) -> Row:
    kind = ERROR_KIND.members.get(problem.kind)
    number = kind if isinstance(kind, Decimal) else to_decimal(problem.kind)
    return {"Kind": number, "Message": problem.message, "Source": None, "Observed": None}


@form("Error", 1, 1)
def bind_error(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    error = binder.bind(call.arguments[0], scope)
    match error.type:
        case Record(fields=fields) | Table(row=Record(fields=fields)):
            unknown = next((name for name in fields if name not in _ERROR.fields), None)
            if unknown is not None or "Kind" not in fields:
                raise ExpressionError("An error has a Kind, perhaps a Message.", error.span)
        case _ if error.type not in (TEXT, ANY):
            raise ExpressionError("An error is a text, a record or a table.", error.span)
        case _:
            pass
    return LazyCall(_error, (error,), BLANK, call.span)


def _error(frame: Frame, arguments: Sequence[Closure]) -> Value:
    error = arguments[0](frame)
    if is_blank(error):
        raise invalid("There is no error.")
    rows: list[Row] = error if isinstance(error, list) else [_record_of(error)]
    if not rows:
        raise invalid("There is no error in the table.")
    raise combined([Failure((_problem(row),)) for row in rows])


def _record_of(error: Value) -> Row:
    return error if isinstance(error, dict) else {"Kind": Decimal(1000), "Message": error}


def _problem(row: Row) -> Problem:
    record = checked(row)
    if not isinstance(record, dict):
        raise invalid("The error is Blank.")
    kind = to_decimal(checked(record.get("Kind")))
    if kind is None:
        raise invalid("The error has no Kind.")
    number = Decimal(int(kind))
    message = to_text(checked(record.get("Message"))) or "System error"
    return Problem(ERROR_KIND_NAMES.get(number, f"{number}"), message)


# Records


@form("With", 2, 2)
def bind_with(binder: Binder, call: Call, scope: Scope | None) -> Bound:
    node = call.arguments[0]
    record = binder.bind(unaliased(node), scope)
    if record.type is ANY:
        record = binder.convert(record, Record({}, is_open=True))
    if not isinstance(record.type, Record):
        raise ExpressionError(f"Expected Record, but this is {record.type}.", record.span)
    result = binder.bind(call.arguments[1], row_scope(node, record.type, scope))
    return LazyCall(_with, (record, result), result.type, call.span)


def _with(frame: Frame, arguments: Sequence[Closure]) -> Value:
    record = arguments[0](frame)
    return arguments[1](frame.inner(record)) if isinstance(record, dict) else None
