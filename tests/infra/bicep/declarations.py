"""What a Bicep file declares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from tests.infra.bicep.syntax import children_of, parse, plain_text, text_of

_KINDS = {
    "parameter_declaration",
    "variable_declaration",
    "resource_declaration",
    "module_declaration",
    "output_declaration",
}
_TYPED = {"parameter_declaration", "output_declaration"}
_OF_SOMETHING = {"resource_declaration", "module_declaration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """``kind``: as the grammar calls it. ``of``: the resource's type, the module's path.

    ``value``: the default of a parameter, the body of a resource or module.
    """

    kind: str
    name: str
    node: Node
    value: Node | None
    type: Node | None = None
    of: str | None = None
    existing: bool = False
    decorators: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """A file. ``scope``: to what it is deployed. ``others``: nodes that this reader knows not."""

    path: Path
    root: Node
    scope: str
    declarations: tuple[Declaration, ...]
    others: tuple[Node, ...]

    def all(self, kind: str) -> Iterator[Declaration]:
        return (it for it in self.declarations if it.kind == kind)


def read_template(path: Path, source: str) -> Template:
    """What the file declares; of what is no Bicep, nothing."""
    root = parse(source)
    scope, declarations, others = "resourceGroup", [], []
    decorators: dict[str, Node] = {}
    for node in children_of(root):
        if node.type == "target_scope_assignment":
            scope = plain_text(children_of(node)[0]) or ""
        elif node.type == "decorators":
            decorators = decorators_of(node)
        elif node.type in _KINDS:
            declarations.append(_declaration(node, decorators))
            decorators = {}
        else:
            others.append(node)
    return Template(path, root, scope, tuple(declarations), tuple(others))


def decorators_of(node: Node) -> dict[str, Node]:
    """By name: the calls."""
    calls = [children_of(decorator)[0] for decorator in children_of(node)]
    return {text_of(children_of(call)[0]).removeprefix("sys."): call for call in calls}


def _declaration(node: Node, decorators: Mapping[str, Node]) -> Declaration:
    name, *rest = children_of(node)
    type = rest.pop(0) if node.type in _TYPED and rest else None
    of = plain_text(rest.pop(0)) if node.type in _OF_SOMETHING and rest else None
    return Declaration(
        kind=node.type,
        name=text_of(name),
        node=node,
        value=rest[0] if rest else None,
        type=type,
        of=of,
        existing=any(child.type == "existing" for child in node.children),
        decorators=decorators,
    )
