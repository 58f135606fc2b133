"""How functions are declared: what they take and answer, and what computes them.

The binder reads a declaration to check and convert arguments; what it computes with is called by
the evaluator. There is one registry of declarations, filled by the modules of ``functions``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from shared.rules.powerfx.bound import Bound, Strict
from shared.rules.powerfx.syntax import Call
from shared.rules.powerfx.types import Enumeration, Scalar, Type

if TYPE_CHECKING:
    from shared.rules.powerfx.binder import Binder, Scope


class Expected(Enum):
    """What an argument may be where it is not of one type only."""

    NUMERIC = "a number"
    """Floats stay floats; anything else that can be a number is a decimal."""
    SAME_NUMERIC = "numbers of one kind"
    """As above, but once one argument is a float, all of them are."""
    MOMENT = "a date or a time"
    """Dates and times stay what they are; anything else becomes a date with a time."""
    SCALAR = "a single value"
    TABLE = "a table"
    ANYTHING = "a value"


type Wanted = Scalar | Enumeration | Expected


@dataclass(frozen=True, slots=True)
class Parameter:
    """``takes_blank``: Blank is given to the function as it is, not as zero or empty text."""

    wanted: Wanted
    takes_blank: bool = False


type Result = Type | Callable[[Sequence[Bound]], Type]
"""The type of what a function answers, perhaps depending on its arguments."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of values.

    ``required``: how many arguments there must be. ``repeats``: the last parameter is for any
    number of them. ``tabular``: given tables of one column it answers a table, row by row.
    """

    parameters: tuple[Parameter, ...]
    required: int
    repeats: bool
    result: Result
    compute: Strict
    tabular: bool
    gets_run: bool

    @property
    def at_most(self) -> int | None:
        return None if self.repeats else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        return self.parameters[min(index, len(self.parameters) - 1)]


@dataclass(frozen=True, slots=True)
class Form:
    """A function that binds its arguments itself: it does not evaluate all, or has rows."""

    required: int
    at_most: int | None
    bind: "Callable[[Binder, Call, Scope | None], Bound]"


FUNCTIONS: dict[str, Function | Form] = {}


def function[C: Strict](
    name: str,
    *wanted: Wanted | Parameter,
    result: Result,
    optional: int = 0,
    repeats: bool = False,
    tabular: bool = False,
    gets_run: bool = False,
) -> Callable[[C], C]:
    """Declare what the decorated callable computes. The last ``optional`` arguments may lack."""
    parameters = tuple(each if isinstance(each, Parameter) else Parameter(each) for each in wanted)

    def declare(compute: C) -> C:
        required = len(parameters) - optional
        FUNCTIONS[name] = Function(
            parameters, required, repeats, result, compute, tabular, gets_run
        )
        return compute

    return declare


def form[B: Callable[[Binder, Call, Scope | None], Bound]](
    name: str, required: int, at_most: int | None = None
) -> Callable[[B], B]:
    """Declare a function that the decorated callable binds."""

    def declare(bind: B) -> B:
        FUNCTIONS[name] = Form(required, at_most, bind)
        return bind

    return declare


def or_blank(wanted: Wanted) -> Parameter:
    """A parameter whose function is told of Blank."""
    return Parameter(wanted, takes_blank=True)


def numeric_result(arguments: Sequence[Bound]) -> Type:
    """A float if any argument is one, a decimal otherwise."""
    floats = any(argument.type is Scalar.NUMBER for argument in arguments)
    return Scalar.NUMBER if floats else Scalar.DECIMAL
