"""Types of values, as Bicep has them, and which of them goes where another one is expected."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal as Fixed


@dataclass(frozen=True, slots=True)
class Anything:
    """What cannot be known before the deployment, or may be whatever it likes."""

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, slots=True)
class Nothing:
    """The type of `null`."""

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A primitive type without more to say about it."""

    name: Fixed["string", "int", "bool", "object", "array"]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Literal:
    """One value."""

    value: str | int | bool

    @property
    def scalar(self) -> Scalar:
        match self.value:
            case bool():
                return Scalar("bool")
            case int():
                return Scalar("int")
            case str():
                return Scalar("string")

    def __str__(self) -> str:
        return f"'{self.value}'" if isinstance(self.value, str) else str(self.value).lower()


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of several types."""

    arms: tuple["Type", ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.arms))


@dataclass(frozen=True, slots=True)
class Sequence:
    """An array of items of one type."""

    item: "Type"

    def __str__(self) -> str:
        return f"{self.item}[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of a number, or of the length of a text or array."""

    smallest: int | None = None
    largest: int | None = None
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """``type`` is asked for when it is needed: types of resources contain themselves."""

    type: Callable[[], "Type"]
    required: bool = False
    read_only: bool = False
    limits: Limits = field(default_factory=Limits)


def known(type: "Type", *, required: bool = False) -> Property:
    """A property whose type need not wait."""
    return Property(type=lambda: type, required=required)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An object. ``additional``: the type of properties that are not named."""

    properties: Mapping[str, Property]
    additional: Callable[[], "Type"] | None = None

    def __str__(self) -> str:
        return "object"


@dataclass(frozen=True, slots=True, eq=False)
class Tagged:
    """An object whose shape depends on the value of one of its properties."""

    discriminator: str
    shapes: Mapping[str, Shape]

    def __str__(self) -> str:
        return "object"


type Type = Anything | Nothing | Scalar | Literal | Choice | Sequence | Shape | Tagged

ANYTHING = Anything()
STRING, INT, BOOL = Scalar("string"), Scalar("int"), Scalar("bool")
OBJECT, ARRAY = Scalar("object"), Scalar("array")


def fits(actual: Type, expected: Type) -> bool:
    """Whether a value of the one type may stand where the other one is expected.

    Microsoft's types let many enumerations have any other text as well, for what services may add
    later. A text that is written out is held to those that are listed.
    """
    match actual, expected:
        case (Anything(), _) | (_, Anything()) | (Nothing(), _):
            return True
        case Choice(arms), _:
            return all(fits(arm, expected) for arm in arms)
        case Literal(), Choice(arms):
            listed = [arm for arm in arms if isinstance(arm, Literal)]
            return actual in listed if listed else any(fits(actual, arm) for arm in arms)
        case _, Choice(arms):
            return any(fits(actual, arm) for arm in arms)
        case Literal(), Scalar():
            return actual.scalar == expected
        case Sequence(item), Sequence(wanted):
            return fits(item, wanted)
        case (Sequence(), Scalar("array")) | (Scalar("array"), Sequence()):
            return True
        case Shape() | Tagged() | Scalar("object"), Shape() | Tagged() | Scalar("object"):
            return True
        case _:
            return actual == expected


def without_null(type: Type) -> Type:
    """What is left after `??` or `!`."""
    match type:
        case Choice(arms):
            return choice(arm for arm in arms if not isinstance(arm, Nothing))
        case _:
            return type


def choice(arms: Iterable["Type"]) -> Type:
    """One type for several; the same one is not repeated."""
    different = tuple(dict.fromkeys(arms))
    return different[0] if len(different) == 1 else Choice(different)
