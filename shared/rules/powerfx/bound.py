"""The bound tree: every node has a type, and every conversion is a node."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.rules.powerfx.coercion import Converter
from shared.rules.powerfx.runtime import Closure, Frame
from shared.rules.powerfx.syntax import Span
from shared.rules.powerfx.types import Type
from shared.rules.powerfx.values import Value

type Strict = Callable[..., Value]
"""Takes values. Called once all arguments are evaluated and none has failed."""
type Lazy = Callable[[Frame, Sequence[Closure]], Value]
"""Takes what computes its arguments, and decides itself which, and how often."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is known."""

    value: Value
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Root:
    """What the caller gives for a name."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """The row of the ``depth``-th function around that goes through rows."""

    depth: int
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A field of a record; Blank if the record is, or has none of that name."""

    of: "Bound"
    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record of fields, any of which may fail on its own."""

    fields: "Mapping[str, Bound]"
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Convert:
    """A value of one type as one of another."""

    of: "Bound"
    convert: Converter
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class StrictCall:
    """``defaults``: what each argument is when it is Blank.

    ``gets_run``: the run comes before the arguments.
    """

    function: Strict
    arguments: "tuple[Bound, ...]"
    defaults: tuple[Value, ...]
    type: Type
    span: Span
    gets_run: bool = False


@dataclass(frozen=True, slots=True)
class LazyCall:
    """The call of a function that does not need all of its arguments, or some of them often."""

    function: Lazy
    arguments: "tuple[Bound, ...]"
    type: Type
    span: Span


type Bound = Constant | Root | CurrentRow | FieldOf | NewRecord | Convert | StrictCall | LazyCall
