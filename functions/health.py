"""Whether the app runs, for load balancers: the one route that is open to strangers."""

from dataclasses import replace

import azure.functions as func

from functions.endpoint import declare
from shared.api.merge_patch import JsonObject
from shared.api.openapi.operations import tells

blueprint = func.Blueprint()

SHAPE: JsonObject = {
    "type": "object",
    "properties": {"status": {"const": "ok"}},
    "required": ["status"],
    "additionalProperties": False,
}

declare("healthz", "GET", "healthz", replace(tells("Say that the app runs", SHAPE), is_public=True))


@blueprint.function_name("healthz")
@blueprint.route("healthz", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def healthz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return func.HttpResponse('{"status":"ok"}', mimetype="application/json")
