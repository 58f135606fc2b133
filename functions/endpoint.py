"""What all operations of the API have in common, around the few lines that each one is."""

import functools
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, override

import azure.functions as func
from werkzeug.datastructures import Headers

from shared import bootstrap
from shared.api import versions
from shared.api.authentication import verify_content
from shared.api.bodies import read_patch
from shared.api.errors import Unauthorized
from shared.api.http_messages import Request, Response
from shared.api.openapi.operations import Endpoint, Operation
from shared.api.refusals import UNFORESEEN, refusal_of, refused
from shared.api.roles import Role, required_role
from shared.api.routes import Route, resource_id
from shared.api.versions import ApiVersion
from shared.api.wire import Definition
from shared.services.router import Router

log = logging.getLogger(__name__)

UNENCODED_TARGET = "x-waws-unencoded-url"
"""Where the platform puts the request's target as the client sent it, whatever it decoded since."""

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was let in: whose it is and what it asks for has been checked.

    ``ids``: the parameters of the path. ``now``: when it came.
    """

    request: Request
    query: Mapping[str, str]
    ids: Mapping[str, str]
    version: ApiVersion
    router: Router
    now: datetime

    def patched[D](self, model: type[Definition[D, Any]], id: str) -> Callable[[D | None], D]:
        """The change that the body asks for.

        :raises UnsupportedMediaType, InvalidRequest: the body is not a merge patch.
        """
        return model.patched(id, read_patch(self.request), self.now)


class Admission(NamedTuple):
    """Whom an operation answers, and in which versions of the API."""

    role: Role
    versions: Collection[ApiVersion]


type Handler = Callable[[Call], Awaitable[Response]]
type Trigger = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


endpoints: Final[dict[str, Endpoint]] = {}
"""All that the app's modules serve over HTTP, by the names of the functions."""


def declare(name: str, method: str, template: str, operation: Operation) -> None:
    """Have the function's operation in the API's description of itself."""
    endpoints[name] = Endpoint(name=name, method=method, template=template, operation=operation)


def operation(
    blueprint: func.Blueprint, method: str, template: str, declared: Operation
) -> Callable[[Handler], Trigger]:
    """Make a handler the function, of the same name, that answers ``method`` for the path.

    Whom it answers follows from both: see `required_role`.
    """
    route, role = Route(template), required_role(method, template)
    admission = Admission(role, declared.versions)

    def register(handler: Handler) -> Trigger:
        # The platform looks at the trigger's own parameters, not at the handler's.
        @functools.wraps(handler, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        async def trigger(req: func.HttpRequest) -> func.HttpResponse:
            return _rendered(await _answer(req, route, admission, handler))

        del trigger.__wrapped__
        named = blueprint.function_name(trigger.__name__)
        routed = blueprint.route(template, methods=[method], auth_level=func.AuthLevel.ANONYMOUS)
        named(routed(trigger))
        declare(trigger.__name__, method, template, declared)
        return trigger

    return register


async def _answer(
    req: func.HttpRequest, route: Route, admission: Admission, handler: Handler
) -> Response:
    request, ids = _read(req, route)
    with bootstrap.observability().serving(request, route.template) as serving:
        trace_id = serving.trace_id or _trace_id(request)
        words: Mapping[str, str] = {}
        try:
            call = await _admit(request, ids, admission)
            serving.admitted(call.ids)
            words = call.version.words
            response = await handler(call)
        except Exception as error:
            if refusal_of(error) is UNFORESEEN:
                log.exception("%s failed", handler.__name__, extra={"trace_id": trace_id})
            response = refused(error, request, words)
        serving.answered(response.status)
    return response.with_headers(_common_headers(request, trace_id))


async def _admit(request: Request, ids: Mapping[str, str] | None, admission: Admission) -> Call:
    """Checks that come before any operation, in the order of what they may tell a stranger."""
    router = await bootstrap.router()
    now = router.clock()
    caller = await bootstrap.authenticator().identify(request, now)
    # Not before: strangers must not use up what is there for callers.
    bootstrap.rate_limit().admit(now)
    caller.require(admission.role)
    request.require_size()
    if caller.signs:
        verify_content(request)
    if ids is None:
        raise Unauthorized
    query = request.query()
    return Call(
        request=request,
        query=query,
        ids={name: resource_id(name, text) for name, text in ids.items()},
        version=versions.requested(query, admission.versions),
        router=router,
        now=now,
    )


def _read(req: func.HttpRequest, route: Route) -> tuple[Request, Mapping[str, str] | None]:
    """The request, its target as sent, and the ids in it.

    The platform's URL may have lost escapes. Signature, ids and query are all taken from the one
    target, so a target that the platform did not write can at most repeat a signed request; the
    holder of a token can name in it what the same role may do anyhow.
    """
    # Not parsed as a URL: its host is the client's word and may be none.
    _, _, rebuilt = req.url.partition("://")[2].partition("/")
    requests = [
        Request(method=req.method, target=target, headers=req.headers, body=req.get_body())
        for target in (req.headers.get(UNENCODED_TARGET, ""), f"/{rebuilt}")
    ]
    for request in requests:
        ids = route.match(request.raw_path)
        if ids is not None:
            return request, ids
    return requests[-1], None


def _trace_id(request: Request) -> str:
    match = _TRACE_PARENT.fullmatch(request.header("traceparent"))
    return match[1] if match else uuid.uuid4().hex


def _common_headers(request: Request, trace_id: str) -> dict[str, str]:
    headers = {"api-supported-versions": ", ".join(versions.SUPPORTED), "trace-id": trace_id}
    request_id = request.header("x-ms-client-request-id")
    wanted = request.header("x-ms-return-client-request-id").lower() == "true"
    if wanted and _REQUEST_ID.fullmatch(request_id):
        headers["x-ms-client-request-id"] = request_id
    return headers


def _rendered(response: Response) -> func.HttpResponse:
    answer = func.HttpResponse if response.body is not None else _BodilessAnswer
    return answer(response.body, status_code=response.status, headers=response.headers)


class _Untyped(Headers):
    """Headers that the platform does not add a Content-Type to."""

    @override
    def __contains__(self, key: str) -> bool:
        return key == "content-type" or super().__contains__(key)


class _BodilessAnswer(func.HttpResponse):
    @property
    @override
    def headers(self) -> Headers:
        return _Untyped(super().headers)
