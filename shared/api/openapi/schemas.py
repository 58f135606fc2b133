"""JSON Schemas of what is sent and answered, derived from the types that the API works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from shared.api.merge_patch import JsonObject
from shared.api.openapi.operations import Listed, Patch, Shape
from shared.api.wire import WireModel

_PREFIX: Final = "#/components/schemas/"
_NULL: Final[JsonObject] = {"type": "null"}


class Schemas:
    """The named schemas of a document; they grow with what is referred to."""

    def __init__(self) -> None:
        self.named: dict[str, JsonObject] = {}

    def of(self, shape: Shape) -> JsonObject:
        """The schema of a body: as a rule, a reference to a named one."""
        match shape:
            case dict():
                return shape
            case Listed(item=item):
                return self._page(item)
            case Patch(model=model):
                return self.received(model, is_patch=True)
            case _ if issubclass(shape, WireModel):
                return self.received(shape)
            case _:
                return self._answered(shape)

    def received(self, type_: Any, *, is_patch: bool = False) -> JsonObject:
        """Of what clients send: of a whole value, or of a merge patch of it."""
        name, derived = _derived(type_, "validation")
        return _Received(self, derived, is_patch).refer(name)

    def add(self, name: str, schema: JsonObject) -> JsonObject:
        """A reference to the schema, which is known by the name from now on.

        :raises ValueError: the name is that of another one.
        """
        if self.named.setdefault(name, schema) != schema:
            raise ValueError(f"There are two schemas with the name {name}.")
        return {"$ref": _PREFIX + name}

    def _answered(self, type_: Any) -> JsonObject:
        name, derived = _derived(type_, "serialization")
        references = {name: self.add(name, _public(schema)) for name, schema in derived.items()}
        return references[name]

    def _page(self, item: Any) -> JsonObject:
        page = {
            "type": "object",
            "properties": {
                "value": {"type": "array", "items": self._answered(item)},
                "nextLink": {"type": "string", "pattern": "^/routing/"},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
        return self.add(f"{item.__name__}Page", page)


@dataclass(frozen=True, slots=True)
class _Received:
    """Turns what is derived from wire models into what may be sent.

    For what may be left out, ``null`` is as good. In a patch anything may be left out, but what the
    model requires cannot be removed; lists are not merged, so their items are whole.
    """

    schemas: Schemas
    derived: Mapping[str, JsonObject]
    is_patch: bool

    def refer(self, name: str) -> JsonObject:
        schema = self.derived[name]
        if self.is_patch and (schema.get("type") == "object" or "oneOf" in schema):
            return self.schemas.add(f"{name.removesuffix('Model')}Patch", self._of(schema))
        return self.schemas.add(name.removesuffix("Model"), self._whole()._of(schema))

    def _whole(self) -> "_Received":
        return _Received(self.schemas, self.derived, is_patch=False)

    def _of(self, schema: JsonObject) -> JsonObject:
        match schema:
            case {"$ref": str(reference)}:
                return self.refer(reference.removeprefix(_PREFIX))
            case {"anyOf": [*alternatives]} | {"oneOf": [*alternatives]}:
                # In a patch the kind, which tells them apart, may be missing.
                return {"anyOf": [self._of(alternative) for alternative in alternatives]}
            case {"properties": dict(members)}:
                return self._object(members, schema.get("required", []))
            case {"additionalProperties": dict(values)}:
                return self._map(schema, self._of(values))
            case {"items": dict(items)}:
                return _public(schema) | {"items": self._whole()._of(items)}
            case _:
                return _public(schema)

    def _object(self, members: JsonObject, required: list[str]) -> JsonObject:
        properties = {
            name: self._of(member) if name in required else _nullable(self._of(member))
            for name, member in members.items()
        }
        schema: JsonObject = {"type": "object", "properties": properties}
        if not required:
            return schema
        if self.is_patch:
            return {**schema, "description": f"A new one needs {', '.join(required)}."}
        return {**schema, "required": required}

    def _map(self, schema: JsonObject, values: JsonObject) -> JsonObject:
        return {
            "type": "object",
            "additionalProperties": _nullable(values),
            "propertyNames": self._of(schema["propertyNames"]),
        }


class _Generator(GenerateJsonSchema):
    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _derived(type_: Any, mode: JsonSchemaMode) -> tuple[str, Mapping[str, JsonObject]]:
    """The name of the type's schema, and all schemas by name that it needs."""
    adapter = TypeAdapter[Any](type_)
    found, derived = TypeAdapter.json_schemas(
        [("it", mode, adapter)], ref_template=_PREFIX + "{model}", schema_generator=_Generator
    )
    return found["it", mode]["$ref"].removeprefix(_PREFIX), derived["$defs"]


def _public(schema: JsonObject) -> JsonObject:
    """Without what speaks of the code: its names and the words of its docstrings."""
    return {name: value for name, value in schema.items() if name not in _OF_THE_CODE}


_OF_THE_CODE: Final = frozenset({"title", "description", "default"})


def _nullable(schema: JsonObject) -> JsonObject:
    alternatives = schema.get("anyOf", [schema])
    return schema if _NULL in alternatives or not schema else {"anyOf": [*alternatives, _NULL]}
