"""Types that a Bicep file writes down itself, for its parameters and outputs."""

from collections.abc import Mapping

from tree_sitter import Node

from tests.infra.bicep.expressions import Report
from tests.infra.bicep.syntax import children_of, plain_text, text_of
from tests.infra.bicep.value_types import (
    ANYTHING,
    ARRAY,
    BOOL,
    INT,
    OBJECT,
    STRING,
    Choice,
    Literal,
    Nothing,
    Sequence,
    Type,
)

_PRIMITIVE: Mapping[str, Type] = {
    "array": ARRAY,
    "bool": BOOL,
    "int": INT,
    "object": OBJECT,
    "string": STRING,
}


def written_type(node: Node, report: Report) -> Type:
    """The type that the syntax stands for."""
    children = children_of(node)
    match node.type:
        case "type" | "parenthesized_type":
            return written_type(children[0], report)
        case "primitive_type" if text_of(node) in _PRIMITIVE:
            return _PRIMITIVE[text_of(node)]
        case "array_type":
            return Sequence(written_type(children[0], report))
        case "nullable_type":
            return Choice((written_type(children[0], report), Nothing()))
        case "union_type":
            return Choice(tuple(written_type(child, report) for child in children))
        case "string":
            return Literal(plain_text(node) or "")
        case _:
            report(node, f"this check does not know the type '{text_of(node)}'")
            return ANYTHING
