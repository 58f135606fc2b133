"""Types of members that may be sent in more than one form."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from shared.api.durations import parse_duration
from shared.api.merge_patch import JsonObject
from shared.api.wire import INT32_MAX, WireModel, refuse


def _duration(value: object) -> float:
    if not isinstance(value, str):
        raise refuse("Input should be a duration as a string, such as PT1M30S or 00:01:30")
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise refuse(str(error)) from None
    if not 0 < seconds <= INT32_MAX:
        raise refuse(f"A duration should be longer than 0 and at most {INT32_MAX} seconds")
    return seconds


type Duration = Annotated[
    float,
    PlainValidator(_duration),
    WithJsonSchema({"type": "string", "examples": ["PT1M30S", "00:01:30"]}),
]
"""In seconds."""


@dataclass(frozen=True, slots=True)
class OrListed:
    """A map by id may be sent as a list, whose items each have the id as a member of this name.

    ``item`` describes such an item.
    """

    id_member: str
    item: type[WireModel]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._by_id, handler(source))

    def __get_pydantic_json_schema__(
        self, mapped: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonObject:
        items = handler(self.item.__pydantic_core_schema__)
        return {"anyOf": [handler(mapped), {"type": "array", "items": items}]}

    def _by_id(self, value: object) -> object:
        if not isinstance(value, list):
            return value
        found = {_member(item, self.id_member): item for item in value}
        if len(found) < len(value):
            raise refuse(f"Items should each have a {self.id_member} of their own")
        return found


def _member(item: object, name: str) -> str:
    id = item.get(name) if isinstance(item, dict) else None
    if not isinstance(id, str):
        raise refuse(f"Items should be objects, each with a {name} of its own")
    return id
