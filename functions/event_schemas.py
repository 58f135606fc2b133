"""What the published events look like, for those who subscribe to them."""

import functools

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.http_messages import Response
from shared.api.merge_patch import JsonObject
from shared.api.openapi.operations import tells
from shared.eventgrid.json_schemas import DIALECT, describe_events

blueprint = func.Blueprint()

SHAPE: JsonObject = {
    "type": "object",
    "properties": {"$schema": {"const": DIALECT}, "$defs": {"type": "object"}},
    "required": ["$schema", "$defs", "oneOf"],
}


@operation(blueprint, "GET", "events/schemas.json", tells("Describe the events", SHAPE))
async def get_event_schemas(call: Call) -> Response:  # noqa: ARG001
    return answers.json_answer(_described())


@functools.cache
def _described() -> JsonObject:
    return describe_events()
