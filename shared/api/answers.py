"""Answers to requests that were granted."""

from collections.abc import Mapping
from typing import Any

from shared.api.conditions import is_known, validators
from shared.api.http_messages import Request, Response
from shared.api.merge_patch import JsonObject
from shared.api.paging import next_link
from shared.api.wire import Definition, write_json
from shared.ports import Page, Stored
from shared.services.upserts import Upserted

JSON_TYPE = "application/json; charset=utf-8"


def json_answer(
    document: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        status=status,
        headers={"Content-Type": JSON_TYPE, **(headers or {})},
        body=write_json(document),
    )


def done(status: int = 200) -> Response:
    """An action that has nothing to tell: clients parse the body nonetheless."""
    return json_answer({}, status)


def deleted() -> Response:
    return Response(status=204)


def found[R](request: Request, model: type[Definition[Any, R]], stored: Stored[R]) -> Response:
    """:raises InvalidRequest: If-None-Match is malformed."""
    if is_known(request, stored):
        return Response(status=304, headers=validators(stored))
    return _resource(model, stored, 200)


def upserted[R](model: type[Definition[Any, R]], upserted: Upserted[R]) -> Response:
    return _resource(model, upserted.stored, model.created_status if upserted.created else 200)


def listed[R](
    request: Request,
    query: Mapping[str, str],
    model: type[Definition[Any, R]],
    page: Page[Stored[R]],
) -> Response:
    document: JsonObject = {"value": [model.resource(stored) for stored in page.items]}
    if page.continuation is not None:
        document["nextLink"] = next_link(request.raw_path, query, page.continuation)
    return json_answer(document)


def _resource[R](model: type[Definition[Any, R]], stored: Stored[R], status: int) -> Response:
    return json_answer(model.resource(stored), status, validators(stored))
