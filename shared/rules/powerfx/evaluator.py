"""The bound tree as closures: each is called with a frame and returns the value of its node."""

from collections.abc import Mapping, Sequence
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
    StrictCall,
)
from shared.rules.powerfx.coercion import Converter
from shared.rules.powerfx.runtime import Closure, Frame
from shared.rules.powerfx.values import (
    Failed,
    Failure,
    Value,
    checked,
    combined,
    from_json,
    invalid,
)

_CHARGED = frozenset((list, str))


def compile_bound(bound: Bound) -> Closure:
    """What evaluates a node. It raises ``Failed`` where there is no value."""
    match bound:
        case Constant(value=value):
            return lambda _: value
        case Root(name=name):
            return lambda frame: frame.run.root(name)
        case CurrentRow(depth=depth):
            return _current_row(depth)
        case FieldOf(of=Root(name=root), name=name):
            return _label(root, name)
        case FieldOf(of=of, name=name):
            return _field(compile_bound(of), name)
        case NewRecord(fields=fields):
            return _record({name: compile_bound(value) for name, value in fields.items()})
        case Convert(of=of, convert=convert):
            return _converted(compile_bound(of), convert)
        case StrictCall():
            return _strict(bound)
        case LazyCall():
            return _lazy(bound)
        case _:
            assert_never(bound)


def _current_row(depth: int) -> Closure:
    def evaluate(frame: Frame) -> Value:
        for _ in range(depth):
            assert frame.parent is not None
            frame = frame.parent
        return checked(frame.row)

    return evaluate


def _label(root: str, name: str) -> Closure:
    def evaluate(frame: Frame) -> Value:
        labels = frame.run.scope.get(root)
        if isinstance(labels, Mapping):
            return from_json(labels.get(name))
        return _member(frame.run.root(root), name)

    return evaluate


def _field(of: Closure, name: str) -> Closure:
    return lambda frame: _member(of(frame), name)


def _member(record: Value, name: str) -> Value:
    if record is None:
        return None
    if not isinstance(record, dict):
        raise invalid(f"There is no '{name}' in what is no record.")
    return checked(record.get(name))


def _record(fields: dict[str, Closure]) -> Closure:
    return lambda frame: {name: attempt(value, frame) for name, value in fields.items()}


def attempt(closure: Closure, frame: Frame) -> Value:
    """The value, or the failure, for a cell that holds either."""
    try:
        return closure(frame)
    except Failed as failed:
        return failed.failure


def _converted(of: Closure, convert: Converter) -> Closure:
    return lambda frame: convert(of(frame))


def _lazy(call: LazyCall) -> Closure:
    function = call.function
    closures = tuple(compile_bound(argument) for argument in call.arguments)

    def evaluate(frame: Frame) -> Value:
        frame.run.spend(1)
        return function(frame, closures)

    return evaluate


def _strict(call: StrictCall) -> Closure:
    function, defaults, gets_run = call.function, call.defaults, call.gets_run
    closures = tuple(compile_bound(argument) for argument in call.arguments)

    def evaluate(frame: Frame) -> Value:
        run = frame.run
        run.spend(1)
        values = all_values(closures, frame)
        for index, value in enumerate(values):
            if value is None:
                values[index] = defaults[index]
            elif type(value) in _CHARGED:
                run.charge(value)
        result = function(run, *values) if gets_run else function(*values)
        if type(result) in _CHARGED:
            run.charge(result)
        return result

    return evaluate


def all_values(closures: Sequence[Closure], frame: Frame) -> list[Value]:
    """The values of all arguments.

    :raises Failed: for the reasons of all that failed.
    """
    values: list[Value] = []
    failures: list[Failure] = []
    for closure in closures:
        try:
            values.append(closure(frame))
        except Failed as failed:
            failures.append(failed.failure)
    if failures:
        raise combined(failures)
    return values
