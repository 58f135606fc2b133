"""Whether the app runs, for load balancers: the one route that needs no signature."""

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("healthz")
@blueprint.route("healthz", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def healthz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return func.HttpResponse('{"status":"ok"}', mimetype="application/json")
