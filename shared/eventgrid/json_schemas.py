"""JSON Schemas of what is published, derived from the payloads themselves."""

import json
from collections.abc import Iterable
from typing import Any, Final, override

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.eventgrid.catalogue import CATALOGUE, EventKind

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REDUCED: Final = "ReducedData"
"""Name of the schema of data without its large fields."""

type JsonSchema = dict[str, Any]

_TEXT: Final[JsonSchema] = {"type": "string"}
_TIME: Final[JsonSchema] = {"type": "string", "format": "date-time"}
_SEQUENCE_NUMBER: Final[JsonSchema] = {"type": "integer", "minimum": 1}
_OF_THE_CODE: Final = frozenset({"title", "description", "default"})


def describe_events() -> JsonSchema:
    """A schema that every published event satisfies, in either envelope.

    The data of each event is a definition under the short name of its type. Fields may come that
    no schema tells of.
    """
    return {
        "$schema": DIALECT,
        "title": "Events of the job router",
        "oneOf": [_reference("EventGridEvent"), _reference("CloudEvent")],
        "$defs": {"EventGridEvent": _event_grid_event(), "CloudEvent": _cloud_event(), **_data()},
    }


# -- envelopes --------------------------------------------------------------------------------


def _event_grid_event() -> JsonSchema:
    """``topic`` and ``metadataVersion`` come from Event Grid."""
    members = {
        "id": _TEXT,
        "subject": _TEXT,
        "eventType": _TEXT,
        "eventTime": _TIME,
        "dataVersion": {"const": "1.0"},
    }
    return _envelope(members, type_member="eventType")


def _cloud_event() -> JsonSchema:
    members = {
        "specversion": {"const": "1.0"},
        "id": _TEXT,
        "source": _TEXT,
        "subject": _TEXT,
        "type": _TEXT,
        "time": _TIME,
        "sequence": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    }
    return _envelope(members, type_member="type")


def _envelope(members: JsonSchema, type_member: str) -> JsonSchema:
    kinds = sorted(CATALOGUE.values(), key=lambda kind: kind.name)
    return {
        "type": "object",
        "properties": members,
        "required": [*members, "data"],
        "oneOf": [_with_data(kind, type_member) for kind in kinds],
    }


def _with_data(kind: EventKind, type_member: str) -> JsonSchema:
    data = {"anyOf": [_reference(kind.name), _reference(REDUCED)]}
    return {"properties": {type_member: {"const": kind.type}, "data": data}}


# -- data -------------------------------------------------------------------------------------


def _data() -> JsonSchema:
    """By the short names of the events, and what these refer to by its own."""
    kinds = sorted(CATALOGUE.values(), key=lambda kind: kind.name)
    derived = _derived(kinds)
    events = {kind.name: _numbered(derived[kind.data.__name__]) for kind in kinds}
    referred = json.dumps(derived)
    parts = {n: schema for n, schema in derived.items() if json.dumps(_path(n)) in referred}
    return {**events, REDUCED: _reduced(), **parts}


def _numbered(schema: JsonSchema) -> JsonSchema:
    """With the number that every event has besides its payload."""
    return schema | {
        "properties": schema["properties"] | {"sequenceNumber": _SEQUENCE_NUMBER},
        "required": [*schema["required"], "sequenceNumber"],
    }


def _reduced() -> JsonSchema:
    names = {"type": "array", "items": _TEXT}
    return {
        "type": "object",
        "properties": {"truncatedFields": names, "sequenceNumber": _SEQUENCE_NUMBER},
        "required": ["truncatedFields", "sequenceNumber"],
    }


class _Generator(GenerateJsonSchema):
    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _derived(kinds: Iterable[EventKind]) -> JsonSchema:
    models = {kind.data: None for kind in kinds}
    _, document = models_json_schema(
        [(model, "serialization") for model in models], schema_generator=_Generator
    )
    return {name: _public(schema) for name, schema in document["$defs"].items()}


def _public(schema: JsonSchema) -> JsonSchema:
    """Without what speaks of the code: its names and the words of its docstrings."""
    kept = {name: value for name, value in schema.items() if name not in _OF_THE_CODE}
    if "properties" in kept:
        kept["properties"] = {name: _public(p) for name, p in kept["properties"].items()}
    return kept


def _reference(name: str) -> JsonSchema:
    return {"$ref": _path(name)}


def _path(name: str) -> str:
    return f"#/$defs/{name}"
