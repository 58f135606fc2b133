"""The abstract syntax tree: what the parser reads, before anything is known of types."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Span(NamedTuple):
    """A part of the text: offsets of its first character and of the one after its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number; never negative, since the sign is an operator."""

    value: Decimal
    span: Span


@dataclass(frozen=True, slots=True)
class TextLiteral:
    """A text in double quotes, escapes resolved."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class BooleanLiteral:
    """``true`` or ``false``."""

    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A root, a column of the row at hand, an alias, ``ThisRecord``, or an enumeration."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Member:
    """``of.name`` or ``of!name``."""

    of: "Node"
    name: str
    name_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function's call; operators are calls of functions named like them."""

    function: str
    arguments: "tuple[Node, ...]"
    name_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class RecordLiteral:
    """``{name: value}``."""

    fields: "tuple[tuple[Name, Node], ...]"
    span: Span


@dataclass(frozen=True, slots=True)
class TableLiteral:
    """``[value, value]``."""

    items: "tuple[Node, ...]"
    span: Span


@dataclass(frozen=True, slots=True)
class Alias:
    """``table As name``."""

    of: "Node"
    name: str
    span: Span


type Node = (
    NumberLiteral
    | TextLiteral
    | BooleanLiteral
    | Name
    | Member
    | Call
    | RecordLiteral
    | TableLiteral
    | Alias
)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below ``node``."""
    match node:
        case Member(of=of) | Alias(of=of):
            yield of
        case Call(arguments=nodes) | TableLiteral(items=nodes):
            yield from nodes
        case RecordLiteral(fields=fields):
            for _, value in fields:
                yield value
        case _:
            pass


def height(node: Node) -> int:
    """How many levels of nodes there are. Does not recurse: the tree may be high."""
    levels = 0
    level = [node]
    while level:
        levels += 1
        level = [child for parent in level for child in children(parent)]
    return levels
