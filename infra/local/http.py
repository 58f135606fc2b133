"""The host's HTTP side: ASGI requests in, invocations of functions out.

What a function sees of a request (URL, headers, query, body) is what Azure's host shows it,
including what that host loses: a body sent without a length, and blank query values.
"""

import codecs
import logging
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from infra.local.asgi import Application, Receive, Scope, Send, request_target
from infra.local.routes import Router
from infra.local.worker import Function, FunctionWorker, HttpRequest, HttpResponse, InvocationError

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
LOCAL_PATHS: Final = b"/_local/"
NO_BODY: Final = frozenset({204, 304})
# In Azure the front end puts the request target here as the client sent it. Signatures
# are made over it, so it must come from the wire and never from a header of the client.
TARGET_HEADER: Final = "x-waws-unencoded-url"

_PATH_CHARACTERS: Final = "/!$&'()*+,;=:@-._~%"
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadRequestError(Exception):
    """A request that the web server itself refuses."""

    status = 400


class BodyTooLargeError(BadRequestError):
    status = 413


class DisconnectedError(Exception):
    """The client left before its body was complete."""


class Host:
    """The ASGI application: the functions by their routes, the local topic under `/_local/`."""

    def __init__(self, worker: FunctionWorker, router: Router, topic: Application) -> None:
        self._worker = worker
        self._router = router
        self._topic = topic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"].startswith(LOCAL_PATHS):
            await self._topic(scope, receive, send)
            return
        try:
            await _respond(send, await self._answer(scope, receive))
        except BadRequestError as error:
            await _respond(send, HttpResponse(error.status, (("connection", "close"),)))
        except DisconnectedError:
            logger.debug("The client of %s %s left", scope["method"], scope["path"])

    async def _answer(self, scope: Scope, receive: Receive) -> HttpResponse:
        path = decode_path(scope["raw_path"])
        match = self._router.match(scope["method"], path)
        if match is None:
            return HttpResponse(404)
        headers = _headers(scope["headers"])
        request = HttpRequest(
            method=scope["method"],
            url=_url(scope, headers.get("host", ""), path),
            headers=headers | {TARGET_HEADER: request_target(scope)},
            query=_query(scope["query_string"]),
            params=match.params,
            body=await _body(headers, receive),
        )
        return await self._invoke(match.function, request)

    async def _invoke(self, function: Function, request: HttpRequest) -> HttpResponse:
        try:
            return await self._worker.invoke_http(function, request)
        except InvocationError as error:
            logger.error("%s", error)
            return HttpResponse(500)


def decode_path(raw: bytes) -> str:
    """The path as Kestrel, the web server of Azure's host, decodes it: `%2F` stays, so do
    escapes that are not UTF-8, and dot segments are resolved.

    :raises BadRequestError: if the path has a null character, or is none (`*`).
    """
    text = raw.decode("ascii")
    if "%" in text:
        kept = text.replace("%2F", "%252F").replace("%2f", "%252f")
        text = unquote(kept, errors=_KEEP_ESCAPED)
    if "\0" in text or not text.startswith("/"):
        raise BadRequestError
    return _without_dot_segments(text) if "/." in text else text


def _keep_escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    broken = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in broken), error.end


_KEEP_ESCAPED: Final = "jobrouter.keep_escaped"
codecs.register_error(_KEEP_ESCAPED, _keep_escaped)


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    slash = "/" if segments[-1] in (".", "..") and kept else ""
    return "/" + "/".join(kept) + slash


def _url(scope: Scope, host: str, path: str) -> str:
    """What the function sees as its URL: the decoded path, encoded again where it has to be."""
    encoded = quote(_LONE_PERCENT.sub("%25", path), safe=_PATH_CHARACTERS)
    query = scope["query_string"].decode("latin-1")
    return f"{scope['scheme']}://{host}{encoded}" + (f"?{query}" if query else "")


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    try:
        return _joined((name.decode("ascii"), value.decode()) for name, value in raw)
    except UnicodeDecodeError as error:
        raise BadRequestError from error


def _query(raw: bytes) -> dict[str, str]:
    """Names that differ only in case are one, in the spelling met first."""
    spelling: dict[str, str] = {}
    pairs = parse_qsl(raw.decode("latin-1"))
    return _joined((spelling.setdefault(name.lower(), name), value) for name, value in pairs)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Repeated names are joined with commas, blanks left out of the joining."""
    values: dict[str, str] = {}
    for name, value in pairs:
        before = values.get(name)
        values[name] = f"{before},{value}" if before and value else before or value
    return values


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    """The body if its length was announced: Azure's host passes on no other.

    :raises BodyTooLargeError: above MAX_BODY_BYTES.
    :raises DisconnectedError: if it is cut off.
    """
    length = int(headers.get("content-length") or 0)
    if length > MAX_BODY_BYTES:
        raise BodyTooLargeError
    body = bytearray()
    while len(body) < length:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        body += message.get("body", b"")
    return bytes(body)


async def _respond(send: Send, response: HttpResponse) -> None:
    body = b"" if response.status in NO_BODY else response.body
    headers = [
        (name.encode("ascii"), value.encode("ascii"))
        for name, value in response.headers
        if name.lower() != "content-length"
    ]
    if response.status not in NO_BODY:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
