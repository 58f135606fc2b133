"""Microsoft's types of Azure's resources, which are data beside this: see `types/README.md`."""

import json
from collections.abc import Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.infra.bicep.value_types import (
    ANYTHING,
    ARRAY,
    BOOL,
    INT,
    OBJECT,
    STRING,
    Choice,
    Limits,
    Literal,
    Property,
    Sequence,
    Shape,
    Tagged,
    Type,
)

FOLDER = Path(__file__).parents[1] / "types"

_SIMPLE: Mapping[str, Type] = {
    "any": ANYTHING,
    "string": STRING,
    "int": INT,
    "bool": BOOL,
    "object": OBJECT,
    "array": ARRAY,
}
_LIMITS = {
    "minValue": "smallest",
    "maxValue": "largest",
    "minLength": "shortest",
    "maxLength": "longest",
}


@dataclass(frozen=True, slots=True)
class ResourceType:
    """``name``: with the version, as Bicep has it. ``scope``: where it may be deployed."""

    name: str
    scope: str
    body: Shape | Tagged


@cache
def resource_types() -> Mapping[str, ResourceType]:
    """By name and version."""
    read = [_resource_type(json.loads(path.read_text("utf-8"))) for path in FOLDER.glob("*/*.json")]
    return {type.name: type for type in read}


def _resource_type(data: Mapping[str, Any]) -> ResourceType:
    body = _object(data["body"], data["objects"])
    return ResourceType(data["name"], data["scope"], body)


type _Objects = Mapping[str, Mapping[str, Any]]


def _object(data: Mapping[str, Any], objects: _Objects) -> Shape | Tagged:
    if "discriminator" in data:
        return _tagged(data, objects)
    return _shape(data, objects)


def _shape(data: Mapping[str, Any], objects: _Objects, base: _Objects | None = None) -> Shape:
    properties = {**(base or {}), **data["properties"]}
    return Shape(
        {name: _property(parts, objects) for name, parts in properties.items()},
        partial(_type, data["additional"], objects) if "additional" in data else None,
    )


def _tagged(data: Mapping[str, Any], objects: _Objects) -> Tagged:
    tag = data["discriminator"]
    shapes = {
        element["properties"][tag][0]: _shape(element, objects, data["properties"])
        for element in data["elements"]
    }
    return Tagged(tag, shapes)


def _property(parts: Listed[str], objects: _Objects) -> Property:
    text, flags, modifiers = [*parts, "", ""][:3]
    return Property(
        type=partial(_type, text, objects),
        required="Required" in flags,
        read_only="ReadOnly" in flags,
        limits=_limits(modifiers),
    )


def _limits(modifiers: str) -> Limits:
    pairs = (modifier.partition(": ") for modifier in modifiers.split(", "))
    return Limits(**{_LIMITS[name]: int(value) for name, _, value in pairs if name in _LIMITS})


def _type(text: str, objects: _Objects) -> Type:
    if text.endswith("[]"):
        return Sequence(_type(text[:-2], objects))
    if " | " in text:
        return Choice(tuple(map(_simple, text.split(" | "))))
    if text in objects:
        return _object(objects[text], objects)
    return _simple(text)


def _simple(text: str) -> Type:
    return _SIMPLE.get(text) or Literal(text)
