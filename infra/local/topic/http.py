"""The little of HTTP over ASGI that the topic needs."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

# Beyond this a refused body is not read to its end, and the server closes the connection.
_DRAIN_FACTOR = 8


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete."""


class BodyTooLargeError(Exception):
    """The request's body exceeds the limit."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are in lower case; of repeated ones the last counts."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    receive: Receive

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """The request of an ASGI http scope."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return cls(scope["method"], scope["path"], headers, query, receive)

    async def body(self, limit: int) -> bytes:
        """Read the body.

        :raises BodyTooLargeError: it has more than `limit` bytes. It was read to its end, within
            reason: a client that is still writing would miss the answer.
        :raises ClientDisconnectedError: the client left before the end.
        """
        chunks: list[bytes] = []
        size = 0
        async for chunk in self._chunks():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            elif size > limit * _DRAIN_FACTOR:
                break
        if size > limit:
            raise BodyTooLargeError
        return b"".join(chunks)

    async def _chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            yield message.get("body", b"")
            more = message.get("more_body", False)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole HTTP response."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    async def send(self, send: Send, *, with_body: bool) -> None:
        """Send it; a response to HEAD goes without its body but with its length."""
        headers = (*self.headers, ("content-length", str(len(self.body))))
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body if with_body else b""})


def json_response(status: HTTPStatus, text: str) -> Response:
    """A JSON document which no browser takes for anything else."""
    headers = (
        ("content-type", "application/json; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("vary", "accept"),
    )
    return Response(status, text.encode(), headers)


def error_response(status: HTTPStatus, message: str) -> Response:
    """An error in Event Grid's shape."""
    detail = {"code": status_name(status), "message": message}
    return json_response(status, json.dumps({"error": {**detail, "details": [detail]}}))


def status_name(status: int) -> str:
    """Event Grid's word for a status: the name that .NET gives it."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "RequestEntityTooLarge"
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        return f"Status{status}"
    return "".join(filter(str.isalnum, phrase))


def prefers_html(accept: str) -> bool:
    """Whether an Accept header names text/html, and ranks JSON no higher."""
    qualities = dict(_quality(item) for item in accept.split(","))
    html = qualities.get("text/html", 0.0)
    return html > 0 and html >= qualities.get("application/json", 0.0)


def _quality(item: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _number(value)
    return media_type, 1.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
