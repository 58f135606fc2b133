"""Checking Bicep files without Bicep, which no package registry has.

What is checked: syntax; names that are not declared, declared twice or not used; resources and the
parameters of modules against their types; paths of modules and other files; decorators. A file
keeps to the part of the language that is known here: anything else is reported too.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tree_sitter import Node

from tests.infra.bicep.declarations import Declaration, Template, read_template
from tests.infra.bicep.expressions import Expressions
from tests.infra.bicep.functions import DECORATORS, ONLY_AS_DEFAULT
from tests.infra.bicep.resource_types import ResourceType, resource_types
from tests.infra.bicep.syntax import Finding, broken, children_of, finding, text_of
from tests.infra.bicep.type_syntax import written_type
from tests.infra.bicep.value_types import (
    ANYTHING,
    ARRAY,
    BOOL,
    STRING,
    Choice,
    Limits,
    Nothing,
    Property,
    Sequence,
    Shape,
    Tagged,
    Type,
    known,
)

_SCOPES = {"subscription": "Subscription", "resourceGroup": "ResourceGroup"}
_UNUSED = {
    "parameter_declaration": "parameter",
    "variable_declaration": "variable",
}


def check(sources: Mapping[Path, str]) -> list[Finding]:
    """What is wrong with the files, which may be modules of each other, in their order."""
    templates = {path: read_template(path, source) for path, source in sources.items()}
    found = [it for template in templates.values() for it in _FileCheck(template, templates).run()]
    return sorted(set(found))


class _FileCheck:
    def __init__(self, template: Template, templates: Mapping[Path, Template]) -> None:
        self._template = template
        self._templates = templates
        self._named = {
            it.name: it for it in template.declarations if it.kind != "output_declaration"
        }
        self._used: set[str] = set()
        self._asked: list[str] = []
        self._known: dict[str, Type] = {}
        self._found: list[Finding] = []
        self._expressions = Expressions(template.path.parent, self._lookup, self._report)

    def run(self) -> list[Finding]:
        for node in broken(self._template.root):
            self._report(node, "this is no Bicep")
        if not self._found:
            self._check_all()
        return self._found

    def parameters(self) -> Shape:
        """As the object that a module is given."""
        return Shape(
            {
                it.name: Property(
                    type=partial(self._parameter, it),
                    required=it.value is None and not self._takes_null(it),
                    limits=_limits(it),
                )
                for it in self._template.all("parameter_declaration")
            }
        )

    def outputs(self) -> Shape:
        """As the object that a module gives."""
        return Shape(
            {
                it.name: Property(type=partial(self._written, it))
                for it in self._template.all("output_declaration")
            }
        )

    def _report(self, node: Node, message: str) -> None:
        self._found.append(finding(self._template.path, node, message))

    def _check_all(self) -> None:
        for node in self._template.others:
            self._report(node, f"this check does not know a {node.type}")
        if self._template.scope not in _SCOPES:
            self._report(self._template.root, f"there is no scope '{self._template.scope}'")
        self._check_repeated()
        for declaration in self._template.declarations:
            self._check_decorators(declaration)
            self._check_declaration(declaration)
        self._check_unused()

    def _check_repeated(self) -> None:
        seen: set[tuple[bool, str]] = set()
        for it in self._template.declarations:
            name = (it.kind == "output_declaration", it.name)
            if name in seen:
                self._report(it.node, f"'{it.name}' is declared twice")
            seen.add(name)

    def _check_unused(self) -> None:
        for it in self._template.declarations:
            if it.name in self._used or it.kind == "output_declaration":
                continue
            if it.kind in _UNUSED:
                self._report(it.node, f"the {_UNUSED[it.kind]} '{it.name}' is not used")
            elif it.existing:
                self._report(it.node, f"the existing resource '{it.name}' is not used")

    def _check_decorators(self, declaration: Declaration) -> None:
        for name, call in declaration.decorators.items():
            if name not in DECORATORS[declaration.kind]:
                self._report(call, f"'{name}' does not decorate a {declaration.kind}")

    def _check_declaration(self, declaration: Declaration) -> None:
        match declaration.kind:
            case "parameter_declaration":
                self._check_parameter(declaration)
            case "variable_declaration":
                assert declaration.value is not None
                self._check_stable(declaration.value)
                self._expressions.type_of(declaration.value)
            case "output_declaration":
                assert declaration.value is not None
                self._expressions.check(declaration.value, self._written(declaration))
            case "resource_declaration":
                self._check_resource(declaration)
            case _:
                self._check_module(declaration)

    def _check_parameter(self, declaration: Declaration) -> None:
        type = self._parameter(declaration)
        if declaration.value is not None:
            self._expressions.check(declaration.value, type, _limits(declaration))

    def _check_stable(self, node: Node) -> None:
        if node.type == "call_expression" and text_of(children_of(node)[0]) in ONLY_AS_DEFAULT:
            self._report(node, "only the default of a parameter may change with every deployment")
        for child in children_of(node):
            self._check_stable(child)

    def _check_resource(self, declaration: Declaration) -> None:
        type = self._resource_type(declaration)
        if type is None or declaration.value is None:
            return
        if declaration.existing:
            body: Shape | Tagged = Shape({"name": known(STRING, required=True)})
        else:
            body = type.body
            self._check_scope(declaration, type)
        self._check_body(declaration.value, _with_place(body))
        self._check_name(declaration.value, type)

    def _check_scope(self, declaration: Declaration, type: ResourceType) -> None:
        here = _SCOPES.get(self._template.scope, "")
        if type.scope not in {here, "AllExceptExtension", "Any"}:
            self._report(declaration.node, f"{type.name} is not deployed to a {here}")

    def _check_name(self, value: Node, type: ResourceType) -> None:
        """A child's name is its own, if it names its parent, and else the whole path."""
        body = _body(value)
        properties = self._expressions.properties_of(body)
        parent, name = properties.get("parent"), properties.get("name")
        if parent is not None:
            self._check_parent(parent, type)
        segments = 1 if parent is not None else type.name.count("/")
        if name is not None and name.type == "string" and _segments(name) != segments:
            self._report(name, f"the name must have {segments} segments")

    def _check_parent(self, parent: Node, type: ResourceType) -> None:
        declaration = self._named.get(text_of(parent))
        wanted = type.name.partition("@")[0].rpartition("/")[0]
        if declaration is None or (declaration.of or "").partition("@")[0] != wanted:
            self._report(parent, f"the parent must be a {wanted}")

    def _check_module(self, declaration: Declaration) -> None:
        module = self._module(declaration)
        if module is None:
            self._report(declaration.node, f"there is no module '{declaration.of}'")
        elif declaration.value is not None:
            body = {
                "name": known(STRING),
                "params": Property(type=module.parameters, required=_needs_any(module)),
            }
            self._check_body(declaration.value, _with_place(Shape(body)))

    def _check_body(self, node: Node, body: Shape | Tagged) -> None:
        if node.type == "for_statement":
            with self._expressions.loop(node) as inner:
                self._check_body(inner, body)
        elif node.type == "if_statement":
            condition, inner = children_of(node)
            self._expressions.check(condition, BOOL)
            self._check_body(inner, body)
        else:
            self._expressions.check(node, body)

    def _lookup(self, name: str) -> Type | None:
        self._used.add(name)
        if name not in self._known and name in self._named:
            self._known[name] = self._type_of(self._named[name])
        return self._known.get(name)

    def _type_of(self, declaration: Declaration) -> Type:
        if declaration.name in self._asked:
            self._report(declaration.node, f"'{declaration.name}' is defined by itself")
            return ANYTHING
        self._asked.append(declaration.name)
        type = self._declared_type(declaration)
        self._asked.pop()
        return type

    def _declared_type(self, declaration: Declaration) -> Type:
        match declaration.kind:
            case "parameter_declaration":
                return self._parameter(declaration)
            case "variable_declaration":
                assert declaration.value is not None
                return self._expressions.type_of(declaration.value)
            case "resource_declaration":
                type = self._resource_type(declaration)
                return _repeated(declaration, type.body if type else ANYTHING)
            case _:
                module = self._module(declaration)
                return _repeated(declaration, _module_symbol(module) if module else ANYTHING)

    def _parameter(self, declaration: Declaration) -> Type:
        type = self._written(declaration)
        if call := declaration.decorators.get("allowed"):
            listed = self._expressions.type_of(children_of(children_of(call)[1])[0])
            return listed.item if isinstance(listed, Sequence) else ANYTHING
        return type

    def _takes_null(self, declaration: Declaration) -> bool:
        type = self._written(declaration)
        return isinstance(type, Choice) and Nothing() in type.arms

    def _written(self, declaration: Declaration) -> Type:
        return written_type(declaration.type, self._report) if declaration.type else ANYTHING

    def _resource_type(self, declaration: Declaration) -> ResourceType | None:
        type = resource_types().get(declaration.of or "")
        if type is None:
            self._report(declaration.node, f"there is no resource type '{declaration.of}'")
        return type

    def _module(self, declaration: Declaration) -> "_FileCheck | None":
        path = (self._template.path.parent / (declaration.of or "")).resolve()
        template = self._templates.get(path)
        return _FileCheck(template, self._templates) if template else None


def _body(node: Node) -> Node:
    """Without the loop or condition around it."""
    while node.type in {"for_statement", "if_statement"}:
        node = children_of(node)[-1]
    return node


def _segments(name: Node) -> int:
    written = (text_of(part) for part in name.named_children if part.type == "string_content")
    return 1 + sum(text.count("/") for text in written)


def _repeated(declaration: Declaration, type: Type) -> Type:
    is_loop = declaration.value is not None and declaration.value.type == "for_statement"
    return Sequence(type) if is_loop else type


def _module_symbol(module: _FileCheck) -> Shape:
    return Shape({"name": known(STRING), "outputs": Property(type=module.outputs)})


def _needs_any(module: _FileCheck) -> bool:
    return any(property.required for property in module.parameters().properties.values())


_PLACE = {
    "scope": known(ANYTHING),
    "parent": known(ANYTHING),
    "dependsOn": known(ARRAY),
}
"""What Bicep itself adds to resources and modules."""


def _with_place(body: Shape | Tagged) -> Shape | Tagged:
    match body:
        case Shape(properties, additional):
            return Shape({**properties, **_PLACE}, additional)
        case Tagged(discriminator, shapes):
            return Tagged(discriminator, {tag: _placed(shape) for tag, shape in shapes.items()})


def _placed(shape: Shape) -> Shape:
    return Shape({**shape.properties, **_PLACE}, shape.additional)


def _limits(declaration: Declaration) -> Limits:
    return Limits(
        smallest=_number(declaration, "minValue"),
        largest=_number(declaration, "maxValue"),
        shortest=_number(declaration, "minLength"),
        longest=_number(declaration, "maxLength"),
    )


def _number(declaration: Declaration, decorator: str) -> int | None:
    call = declaration.decorators.get(decorator)
    return int(text_of(children_of(children_of(call)[1])[0])) if call else None
