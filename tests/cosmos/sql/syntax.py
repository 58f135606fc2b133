"""Queries as trees; ``str`` of a tree is the text of the query again."""

import json
from dataclasses import dataclass
from typing import Literal

from tests.cosmos.documents import Json


@dataclass(frozen=True, slots=True)
class Path:
    """A member, by its names from an alias on; without names: the aliased value itself."""

    alias: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.alias, *self.names))


@dataclass(frozen=True, slots=True)
class Parameter:
    """``name`` begins with ``@``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Constant:
    value: Json

    def __str__(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)


type Operand = Path | Parameter | Constant


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Operand
    right: Operand

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    choices: tuple[Operand, ...]

    def __str__(self) -> str:
        return f"{self.operand} IN ({', '.join(map(str, self.choices))})"


@dataclass(frozen=True, slots=True)
class ArrayContains:
    array: Operand
    element: Operand

    def __str__(self) -> str:
        return f"ARRAY_CONTAINS({self.array}, {self.element})"


@dataclass(frozen=True, slots=True)
class IsDefined:
    path: Path

    def __str__(self) -> str:
        return f"IS_DEFINED({self.path})"


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether an element of ``array``, called ``alias``, has a defined ``value`` and fits."""

    value: Path
    alias: str
    array: Path
    condition: "Condition"

    def __str__(self) -> str:
        source = f"{self.alias} IN {self.array}"
        return f"EXISTS(SELECT VALUE {self.value} FROM {source} WHERE {self.condition})"


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"

    def __str__(self) -> str:
        return f"NOT ({self.condition})"


@dataclass(frozen=True, slots=True)
class AllOf:
    conditions: tuple["Condition", ...]

    def __str__(self) -> str:
        return " AND ".join(f"({each})" for each in self.conditions)


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple["Condition", ...]

    def __str__(self) -> str:
        return " OR ".join(f"({each})" for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Always:
    def __str__(self) -> str:
        return "true"


type Condition = Comparison | In | ArrayContains | IsDefined | Exists | Not | AllOf | AnyOf | Always


@dataclass(frozen=True, slots=True)
class Everything:
    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class Member:
    path: Path

    def __str__(self) -> str:
        return f"VALUE {self.path}"


@dataclass(frozen=True, slots=True)
class Count:
    """``partial``: as one range's share of the count, which the client adds up."""

    partial: bool = False

    def __str__(self) -> str:
        return 'VALUE [{"item": COUNT(1)}]' if self.partial else "VALUE COUNT(1)"


@dataclass(frozen=True, slots=True)
class Ordered:
    """A result with what the client needs to merge it with those of other ranges."""

    rid: Path
    order: Path
    payload: Path

    def __str__(self) -> str:
        items = f'[{{"item": {self.order}}}] AS orderByItems'
        return f"{self.rid}, {items}, {self.payload} AS payload"


type Projection = Everything | Member | Count | Ordered


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    direction: Literal["ASC", "DESC"] = "ASC"

    def __str__(self) -> str:
        return f"{self.path} {self.direction}"


@dataclass(frozen=True, slots=True)
class Query:
    """``top``: at most so many results."""

    projection: Projection
    alias: str
    distinct: bool = False
    top: int | Parameter | None = None
    condition: Condition | None = None
    order: Order | None = None

    def __str__(self) -> str:
        parts = [
            "SELECT",
            "DISTINCT" if self.distinct else "",
            "" if self.top is None else f"TOP {self.top}",
            f"{self.projection} FROM {self.alias}",
            f"WHERE {self.condition}" if self.condition else "",
            f"ORDER BY {self.order}" if self.order else "",
        ]
        return " ".join(part for part in parts if part)
