"""Bicep files as trees of tree-sitter, and what is told about places in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something wrong at a place in a file."""

    path: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}:{self.column}: {self.message}"


def parse(source: str) -> Node:
    """The root of the tree, which also has nodes for what is no Bicep."""
    return _PARSER.parse(source.encode()).root_node


def finding(path: Path, node: Node, message: str) -> Finding:
    row, column = node.start_point
    return Finding(path, row + 1, column + 1, message)


def broken(node: Node) -> Iterator[Node]:
    """The nodes at which the parser did not understand the text, or missed some."""
    if node.is_error or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from broken(child)


def text_of(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def children_of(node: Node) -> list[Node]:
    """Those with a meaning: no punctuation, no comments."""
    return [child for child in node.named_children if child.type != "comment"]


def plain_text(node: Node) -> str | None:
    """The value of a string without interpolations."""
    if node.type != "string" or any(c.type == "interpolation" for c in node.named_children):
        return None
    return "".join(map(_part, node.named_children))


def _part(node: Node) -> str:
    text = text_of(node)
    if node.type != "escape_sequence":
        return text
    return _ESCAPES.get(text[1:], text[1:])
