"""Compiling a rule, and evaluating it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.rules.powerfx.binder import Binder
from shared.rules.powerfx.bound import Bound
from shared.rules.powerfx.errors import EvaluationError, ExpressionError
from shared.rules.powerfx.evaluator import compile_bound
from shared.rules.powerfx.library import FUNCTIONS
from shared.rules.powerfx.moments import iso_text
from shared.rules.powerfx.parser import parse_expression
from shared.rules.powerfx.runtime import Closure, Frame, Run
from shared.rules.powerfx.syntax import Span
from shared.rules.powerfx.types import ANY, TEXT, Record, Scalar, Table, Type
from shared.rules.powerfx.values import Date, DateTime, Failed, Failure, Member, Time, Value

type Label = bool | str | int | float | None
type Labels = Mapping[str, Label]
type Plain = bool | str | int | float | list["Plain"] | dict[str, "Plain"] | None
"""A result as JSON has it. Dates and times are texts in the form of ISO 8601."""

_LABELS = Record({}, is_open=True)
_SELECTOR = Record({"key": TEXT, "operator": TEXT, "value": ANY, "expiresAfterSeconds": ANY})
ROOTS: Mapping[str, Type] = {
    "job": _LABELS,
    "worker": _LABELS,
    "queue": _LABELS,
    "workers": Table(_LABELS),
    "selectors": Table(_SELECTOR),
}
"""The names an expression may start from, of which the caller chooses."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an expression may be, and how much its evaluation may do.

    A step is a call of a function or an operator, or a row that one goes through; long texts and
    tables cost more of them.
    """

    characters: int = 1_000
    nesting: int = 20
    steps: int = 100_000


DEFAULT_LIMITS = Limits()


class Program:
    """An expression that was found to be valid. Holds no state: may be evaluated at any time."""

    __slots__ = ("_closure", "_limits", "type")

    def __init__(self, bound: Bound, limits: Limits) -> None:
        self.type = bound.type
        self._closure: Closure = compile_bound(bound)
        self._limits = limits

    @property
    def result(self) -> str | None:
        """What the result is: ``number``, ``text``, ``boolean`` or ``other``.

        ``None`` if that depends on the labels. Whatever it is, the result may also be Blank.
        """
        match self.type:
            case Scalar.ANY | Scalar.BLANK:
                return None
            case Scalar.DECIMAL | Scalar.NUMBER:
                return "number"
            case Scalar.TEXT:
                return "text"
            case Scalar.BOOLEAN:
                return "boolean"
            case _:
                return "other"

    def run(self, scope: Mapping[str, object], now: datetime) -> Value:
        """The result as the language has it; a failure is one of its values.

        :raises EvaluationError: a limit was reached.
        """
        try:
            return self._closure(Frame(Run(scope, now, self._limits.steps)))
        except Failed as failed:
            return failed.failure

    def evaluate(self, scope: Mapping[str, Labels | Sequence[Labels]], now: datetime) -> Plain:
        """The result for what is given: labels by the name of their root.

        Labels that are missing are Blank, which is ``None``. ``now`` is the time, in the zone in
        which the rule means its dates.

        :raises EvaluationError: there is no result, or a limit was reached.
        """
        run = Run(scope, now, self._limits.steps)
        try:
            return _plain(self._closure(Frame(run)), run)
        except Failed as failed:
            raise _error(failed.failure) from None


def _error(failure: Failure) -> EvaluationError:
    problem = failure.problems[0]
    return EvaluationError(problem.kind, problem.message)


def _plain(value: Value, run: Run) -> Plain:
    match value:
        case None | bool() | str() | float():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Date() | DateTime() | Time():
            return iso_text(value)
        case Member():
            return _plain(value.value, run)
        case Failure():
            raise _error(value)
        case dict():
            run.spend(len(value))
            return {name: _plain(field, run) for name, field in value.items()}
        case list():
            run.spend(len(value))
            return [_plain(row, run) for row in value]


def compile_rule(
    text: str, names: Collection[str] = ("job",), limits: Limits = DEFAULT_LIMITS
) -> Program:
    """The program of an expression that may use the roots ``names``.

    :raises ExpressionError: it is too long, cannot be parsed, or has a name or type that does not
        fit.
    """
    try:
        if len(text) > limits.characters:
            message = f"The expression has more than {limits.characters:,} characters."
            raise ExpressionError(message, Span(limits.characters, len(text)))
        roots = {name: ROOTS.get(name, ANY) for name in names}
        tree = parse_expression(text, limits.nesting)
        return Program(Binder(roots, FUNCTIONS).bind(tree), limits)
    except ExpressionError as error:
        error.locate(text)
        raise
