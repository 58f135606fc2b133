"""Checking expressions: names, members, functions, and types against what is expected."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tree_sitter import Node

from tests.infra.bicep.functions import FUNCTIONS, READS_A_FILE
from tests.infra.bicep.syntax import children_of, plain_text, text_of
from tests.infra.bicep.value_types import (
    ANYTHING,
    ARRAY,
    BOOL,
    INT,
    OBJECT,
    STRING,
    Anything,
    Choice,
    Limits,
    Literal,
    Nothing,
    Scalar,
    Sequence,
    Shape,
    Tagged,
    Type,
    choice,
    fits,
    known,
    without_null,
)

type Report = Callable[[Node, str], None]
type Lookup = Callable[[str], Type | None]

_COMPARISONS = {"==", "!=", "=~", "!~", "<", "<=", ">", ">="}
_NAMESPACES = {"az", "sys"}


class Expressions:
    """Of one file. ``lookup``: the type of what the file declares, by its name."""

    def __init__(self, folder: Path, lookup: Lookup, report: Report) -> None:
        self._folder = folder
        self._lookup = lookup
        self._report = report
        self._locals: list[Mapping[str, Type]] = []
        self._kinds: Mapping[str, Callable[[Node], Type]] = {
            "array": self._array,
            "binary_expression": self._binary,
            "call_expression": self._call,
            "for_statement": self._loop,
            "identifier": self._named,
            "member_expression": self._member,
            "object": self._object,
            "string": self._string,
            "subscript_expression": self._subscript,
            "ternary_expression": self._ternary,
            "unary_expression": self._unary,
        }

    def check(self, node: Node, expected: Type, limits: Limits | None = None) -> None:
        """Report all that is wrong with the value, and if it is not what is expected."""
        match node.type, expected:
            case "parenthesized_expression", _:
                self.check(children_of(node)[0], expected, limits)
            case "ternary_expression", _:
                self._check_ternary(node, expected)
            case "for_statement", _:
                self._check_loop(node, expected)
            case "object", Shape() | Tagged():
                self._check_object(node, expected)
            case (("object" | "array"), Choice(arms)):
                self.check(node, _arm_for(node.type, arms), limits)
            case "array", Sequence(item):
                for child in children_of(node):
                    self.check(child, item)
            case _:
                self._check_simple(node, expected, limits or Limits())

    def type_of(self, node: Node) -> Type:
        """Report what is wrong with the value, and give its type."""
        match node.type:
            case "number":
                return Literal(int(text_of(node)))
            case "boolean":
                return Literal(text_of(node) == "true")
            case "null":
                return Nothing()
            case "parenthesized_expression":
                return self.type_of(children_of(node)[0])
            case kind if kind in self._kinds:
                return self._kinds[kind](node)
            case _:
                self._report(node, f"this check does not know a {node.type}")
                return ANYTHING

    @contextmanager
    def loop(self, node: Node) -> Iterator[Node]:
        """Within it, the names of the loop are known; gives the loop's body."""
        *heads, body = children_of(node)
        names, items = heads
        item = self._item(items)
        indexed = children_of(names) or [names]
        types: tuple[Type, ...] = (item, INT)
        self._locals.append(dict(zip(map(text_of, indexed), types, strict=False)))
        yield body
        self._locals.pop()

    def _item(self, node: Node) -> Type:
        type = self.type_of(node)
        if not fits(type, ARRAY):
            self._report(node, f"a loop goes over an array, not over {type}")
        return type.item if isinstance(type, Sequence) else ANYTHING

    def _check_simple(self, node: Node, expected: Type, limits: Limits) -> None:
        actual = self.type_of(node)
        if not fits(actual, expected):
            self._report(node, f"expected {expected}, not {actual}")
        elif isinstance(actual, Literal) and not _within(actual, limits):
            self._report(node, f"{actual} is not within the limits")

    def _check_ternary(self, node: Node, expected: Type) -> None:
        condition, *arms = children_of(node)
        self.check(condition, BOOL)
        for arm in arms:
            self.check(arm, expected)

    def _check_loop(self, node: Node, expected: Type) -> None:
        if not fits(ARRAY, expected):
            self._report(node, f"expected {expected}, not an array")
        with self.loop(node) as body:
            self.check(body, expected.item if isinstance(expected, Sequence) else ANYTHING)

    def _check_object(self, node: Node, expected: Shape | Tagged) -> None:
        values = self.properties_of(node)
        shape = expected if isinstance(expected, Shape) else self._tagged(node, values, expected)
        if shape is None:
            return
        for name, value in values.items():
            self._check_property(name, value, shape)
        for name, property in shape.properties.items():
            if property.required and not property.read_only and name not in values:
                self._report(node, f"the property '{name}' is missing")

    def _tagged(self, node: Node, values: Mapping[str, Node], expected: Tagged) -> Shape | None:
        tag = values.get(expected.discriminator)
        known = plain_text(tag) if tag else None
        if known is not None and known in expected.shapes:
            return expected.shapes[known]
        listed = ", ".join(expected.shapes)
        self._report(tag or node, f"'{expected.discriminator}' must be one of {listed}")
        return None

    def _check_property(self, name: str, value: Node, shape: Shape) -> None:
        property = shape.properties.get(name)
        if property is None:
            self._check_additional(name, value, shape)
        elif property.read_only:
            self._report(value, f"the property '{name}' is read-only")
        else:
            self.check(value, property.type(), property.limits)

    def _check_additional(self, name: str, value: Node, shape: Shape) -> None:
        if shape.additional is None:
            known = ", ".join(sorted(n for n, p in shape.properties.items() if not p.read_only))
            self._report(value, f"there is no property '{name}', but {known}")
        self.check(value, shape.additional() if shape.additional else ANYTHING)

    def properties_of(self, node: Node) -> dict[str, Node]:
        """The values by their names; names that are made of others stand as they are written."""
        values: dict[str, Node] = {}
        for child in children_of(node):
            if child.type != "object_property":
                self._report(child, f"this check does not know a {child.type} in an object")
                continue
            key, value = children_of(child)
            if key.type == "string":
                self.type_of(key)
            name = plain_text(key) or text_of(key)
            if name in values:
                self._report(key, f"the property '{name}' is there twice")
            values[name] = value
        return values

    def _object(self, node: Node) -> Type:
        types = {name: self.type_of(value) for name, value in self.properties_of(node).items()}
        return Shape({name: known(type) for name, type in types.items()})

    def _array(self, node: Node) -> Type:
        types = [self.type_of(item) for item in children_of(node)]
        return Sequence(choice(types)) if types else Sequence(ANYTHING)

    def _loop(self, node: Node) -> Type:
        with self.loop(node) as body:
            return Sequence(self.type_of(body))

    def _string(self, node: Node) -> Type:
        for child in node.named_children:
            if child.type == "interpolation":
                for expression in children_of(child):
                    self.type_of(expression)
        text = plain_text(node)
        return STRING if text is None else Literal(text)

    def _named(self, node: Node) -> Type:
        name = text_of(node)
        for names in reversed(self._locals):
            if name in names:
                return names[name]
        type = self._lookup(name)
        if type is None:
            self._report(node, f"the name '{name}' is not declared")
        return type or ANYTHING

    def _ternary(self, node: Node) -> Type:
        condition, *arms = children_of(node)
        self.check(condition, BOOL)
        return choice(self.type_of(arm) for arm in arms)

    def _unary(self, node: Node) -> Type:
        kind = BOOL if text_of(node).startswith("!") else INT
        self.check(children_of(node)[0], kind)
        return kind

    def _binary(self, node: Node) -> Type:
        left, right = children_of(node)
        operator = next(text_of(c) for c in node.children if not c.is_named)
        if operator == "??":
            return choice((without_null(self.type_of(left)), self.type_of(right)))
        if operator in {"&&", "||"}:
            return self._operands(left, right, BOOL, BOOL)
        if operator in _COMPARISONS:
            return self._operands(left, right, ANYTHING, BOOL)
        return self._operands(left, right, INT, INT)

    def _operands(self, left: Node, right: Node, expected: Type, result: Type) -> Type:
        self.check(left, expected)
        self.check(right, expected)
        return result

    def _member(self, node: Node) -> Type:
        object, property = children_of(node)
        type, name = without_null(self.type_of(object)), text_of(property)
        member = _member(type, name)
        if member is None:
            self._report(property, f"{text_of(object)} has no member '{name}'")
        return member or ANYTHING

    def _subscript(self, node: Node) -> Type:
        object, index = children_of(node)
        type = self.type_of(object)
        self.type_of(index)
        return type.item if isinstance(type, Sequence) else ANYTHING

    def _call(self, node: Node) -> Type:
        callee, *rest = children_of(node)
        arguments = children_of(rest[0]) if rest else []
        for argument in arguments:
            self.type_of(argument)
        name = text_of(callee)
        if callee.type == "member_expression":
            object, member = children_of(callee)
            if text_of(object) not in _NAMESPACES:
                return self._method(object, member)
            name = text_of(member)
        return self._function(node, name, arguments)

    def _method(self, object: Node, member: Node) -> Type:
        self.type_of(object)
        if text_of(member) == "getSecret":
            return STRING
        if not text_of(member).startswith("list"):
            self._report(member, f"resources have no function '{text_of(member)}'")
        return ANYTHING

    def _function(self, node: Node, name: str, arguments: list[Node]) -> Type:
        function = FUNCTIONS.get(name)
        if function is None:
            self._report(node, f"this check knows no function '{name}'")
            return ANYTHING
        if not function.fewest <= len(arguments) <= function.most:
            self._report(node, f"'{name}' does not take {len(arguments)} arguments")
        elif name in READS_A_FILE:
            self._check_file(arguments[0])
        return function.result

    def _check_file(self, argument: Node) -> None:
        path = plain_text(argument)
        if path is None or not (self._folder / path).is_file():
            self._report(argument, f"there is no file '{path}'")


def _arm_for(kind: str, arms: tuple[Type, ...]) -> Type:
    shapes = Shape | Tagged if kind == "object" else Sequence
    scalar = OBJECT if kind == "object" else ARRAY
    return next((arm for arm in arms if isinstance(arm, shapes)), scalar)


def _member(type: Type, name: str) -> Type | None:
    match type:
        case Anything() | Scalar("object"):
            return ANYTHING
        case Shape(properties, additional):
            if name in properties:
                return properties[name].type()
            return additional() if additional else None
        case Tagged(_, shapes):
            found = [_member(shape, name) for shape in shapes.values()]
            return next((member for member in found if member is not None), None)
        case Choice(arms):
            members = [member for arm in arms if (member := _member(arm, name)) is not None]
            return choice(members) if members else None
        case _:
            return None


def _within(literal: Literal, limits: Limits) -> bool:
    match literal.value:
        case bool():
            return True
        case int(number):
            return _between(number, limits.smallest, limits.largest)
        case str(text):
            return _between(len(text), limits.shortest, limits.longest)


def _between(number: int, lowest: int | None, highest: int | None) -> bool:
    return (lowest is None or lowest <= number) and (highest is None or number <= highest)
