"""The API's description of itself, one document for each version."""

import functools

import azure.functions as func

from functions.endpoint import Call, endpoints, operation
from shared.api import answers
from shared.api.http_messages import Response
from shared.api.merge_patch import JsonObject
from shared.api.openapi.document import OPENAPI_VERSION, describe
from shared.api.openapi.operations import tells
from shared.api.versions import ApiVersion

blueprint = func.Blueprint()

SHAPE: JsonObject = {
    "type": "object",
    "properties": {"openapi": {"const": OPENAPI_VERSION}},
    "required": ["openapi", "info", "paths", "components"],
}


@operation(blueprint, "GET", "openapi.json", tells("Describe this version of the API", SHAPE))
async def get_openapi(call: Call) -> Response:
    return answers.json_answer(_described(call.version))


@functools.cache
def _described(version: ApiVersion) -> JsonObject:
    return describe(version, endpoints.values())
