"""Types of expressions, known before anything is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cached_property

MAX_SIZE = 1_000
"""How many types one type may consist of. Shared parts count each time: walks meet them so."""


class Scalar(Enum):
    """What is neither a record nor a table."""

    BLANK = "Blank"
    BOOLEAN = "Boolean"
    TEXT = "Text"
    DECIMAL = "Decimal"
    NUMBER = "Number"
    """A float; ``Decimal`` is what literals and labels are."""
    DATE = "Date"
    TIME = "Time"
    DATETIME = "DateTime"
    ANY = "Any"
    """A label: which type its value has is known when there is one."""

    @property
    def size(self) -> int:
        return 1

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Enumeration:
    """A closed list of names, each of which stands for a number or a text.

    ``is_numeric``: its members may be used as numbers.
    """

    name: str
    members: Mapping[str, Decimal | str] = field(compare=False, repr=False)
    is_numeric: bool = field(default=False, compare=False)

    size = 1

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Record:
    """Fields by name. An open record, such as a job's labels, may have any others as well."""

    fields: Mapping[str, "Type"] = field(hash=False)
    is_open: bool = False

    @cached_property
    def size(self) -> int:
        return 1 + sum(each.size for each in self.fields.values())

    def __str__(self) -> str:
        return "Record"


@dataclass(frozen=True)
class Table:
    """Rows of one type."""

    row: Record

    @property
    def size(self) -> int:
        return 1 + self.row.size

    def __str__(self) -> str:
        return "Table"


type Type = Scalar | Enumeration | Record | Table

ANY = Scalar.ANY
BLANK = Scalar.BLANK
BOOLEAN = Scalar.BOOLEAN
DATE = Scalar.DATE
DATETIME = Scalar.DATETIME
DECIMAL = Scalar.DECIMAL
NUMBER = Scalar.NUMBER
TEXT = Scalar.TEXT
TIME = Scalar.TIME

MOMENTS = frozenset((DATE, DATETIME, TIME))
NUMERIC = frozenset((DECIMAL, NUMBER))
_EVERY = NUMERIC | MOMENTS | {BOOLEAN, TEXT}

COERCIONS: Mapping[Scalar, frozenset[Scalar]] = {
    BLANK: _EVERY,
    BOOLEAN: NUMERIC | {BOOLEAN, TEXT},
    TEXT: _EVERY,
    DECIMAL: _EVERY,
    NUMBER: _EVERY,
    DATE: _EVERY - {BOOLEAN},
    DATETIME: _EVERY - {BOOLEAN},
    TIME: _EVERY - {BOOLEAN},
    ANY: _EVERY,
}
"""What a value of a type can be taken for, by a conversion that may still fail."""


def is_scalar(kind: Type) -> bool:
    """Whether it is neither a record nor a table."""
    return isinstance(kind, Scalar | Enumeration)


def single_column(kind: Table) -> str | None:
    """The name of the only column, if there is one."""
    names = list(kind.row.fields)
    return names[0] if len(names) == 1 and not kind.row.is_open else None


def table_of(kind: Type) -> Table:
    """The table whose rows are of a type, or have it in a column named ``Value``."""
    return Table(kind if isinstance(kind, Record) else Record({"Value": kind}))


def coerces(source: Type, target: Type) -> bool:
    """Whether a value of one type may be given where another is wanted."""
    if source == target or source is BLANK or target is ANY:
        return True
    if source is ANY:
        return not isinstance(target, Enumeration)
    match source, target:
        case Scalar(), Scalar():
            return target in COERCIONS[source]
        case Enumeration(), Scalar():
            return target is TEXT or (source.is_numeric and target in NUMERIC)
        case Record(), Record():
            return all(
                name not in target.fields or coerces(kind, target.fields[name])
                for name, kind in source.fields.items()
            )
        case Table(), Table():
            return coerces(source.row, target.row)
        case _:
            return False


def unite(first: Type, second: Type) -> Type | None:
    """The type of what is either: the first, to which the second is converted.

    Records and tables have the fields of both. ``None``: there is no such type.
    """
    if first is BLANK:
        return second
    match first, second:
        case Record(), Record():
            return _unite_records(first, second)
        case Table(), Table():
            row = _unite_records(first.row, second.row)
            return None if row is None else Table(row)
        case _:
            return first if coerces(second, first) else None


def _unite_records(first: Record, second: Record) -> Record | None:
    fields = dict(first.fields)
    for name, kind in second.fields.items():
        united = unite(fields[name], kind) if name in fields else kind
        if united is None:
            return None
        fields[name] = united
    return Record(fields, first.is_open or second.is_open)
