"""The double as an HTTP server."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import unquote
from uuid import uuid4

from aiohttp import web

from tests.cosmos.authorization import Authorization
from tests.cosmos.charges import read_charge
from tests.cosmos.errors import CosmosError
from tests.cosmos.faults import Answer, Delay, Drop, Effect, Faults
from tests.cosmos.gateway import Gateway
from tests.cosmos.messages import Operation, Reply, Request, error_reply
from tests.cosmos.request_log import Entry, RequestLog
from tests.cosmos.routing import operation_of

_LARGEST_BODY_BYTES = 16 * 1024 * 1024
_OVERLOADED = 3200
"""Sub-status of 429: the container is out of request units."""


class Server:
    def __init__(
        self, gateway: Gateway, authorization: Authorization, faults: Faults, log: RequestLog
    ) -> None:
        self._gateway = gateway
        self._authorization = authorization
        self._faults = faults
        self._log = log
        self._delayed: set[asyncio.Task[Reply]] = set()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._respond)
        application.on_cleanup.append(self._forget_delayed)
        return application

    async def _respond(self, web_request: web.Request) -> web.Response:
        request = await _request_of(web_request)
        try:
            self._authorization.check(request)
            operation = operation_of(request)
        except CosmosError as error:
            return _response(request, error_reply(error, 0.0))
        effect = self._faults.striking(operation, request)
        reply = await self._answer(operation, request, effect)
        if reply is None:
            await _leave_unanswered(web_request, effect)
        return _response(request, reply)

    async def _answer(
        self, operation: Operation, request: Request, effect: Effect | None
    ) -> Reply | None:
        """What the client gets; every request is logged, and carried out without interruption."""
        if effect is None:
            return self._carry_out_logged(operation, request)
        if isinstance(effect, Delay):
            return await self._carry_out_later(operation, request, effect.seconds)
        hidden = self._carry_out(operation, request) if effect.applied else _NOT_CARRIED_OUT
        seen = _fault_reply(effect) if isinstance(effect, Answer) else None
        self._log.add(_entry(operation, request, hidden, seen))
        return seen

    async def _carry_out_later(
        self, operation: Operation, request: Request, seconds: float
    ) -> Reply:
        async def carry_out() -> Reply:
            await asyncio.sleep(seconds)
            return self._carry_out_logged(operation, request)

        task = asyncio.create_task(carry_out())
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)
        return await asyncio.shield(task)

    async def _forget_delayed(self, _: web.Application) -> None:
        for task in tuple(self._delayed):
            task.cancel()

    def _carry_out_logged(self, operation: Operation, request: Request) -> Reply:
        reply = self._carry_out(operation, request)
        self._log.add(_entry(operation, request, reply, reply))
        return reply

    def _carry_out(self, operation: Operation, request: Request) -> Reply:
        try:
            return self._gateway.answer(operation, request)
        except CosmosError as error:
            return error_reply(error, read_charge(0))


_NOT_CARRIED_OUT = Reply(HTTPStatus.SERVICE_UNAVAILABLE)


async def _request_of(web_request: web.Request) -> Request:
    path = web_request.raw_path.partition("?")[0]
    names = tuple(unquote(name) for name in path.split("/") if name)
    return Request(web_request.method, names, web_request.headers, await web_request.read())


def _entry(operation: Operation, request: Request, done: Reply, seen: Reply | None) -> Entry:
    return Entry(
        operation=operation,
        container=request.container,
        partition=request.partition_value,
        status=seen.status if seen else None,
        charge=done.charge,
        query=done.query,
    )


def _fault_reply(fault: Answer) -> Reply:
    throttled = fault.status == HTTPStatus.TOO_MANY_REQUESTS
    sub_status = fault.sub_status or (_OVERLOADED if throttled else None)
    error = CosmosError(fault.status, "Fault", "The double was told to answer so.", sub_status)
    reply = error_reply(error, 0.0)
    if fault.retry_after is None:
        return reply
    milliseconds = str(round(fault.retry_after * 1000))
    headers = {**reply.headers, "x-ms-retry-after-ms": milliseconds}
    return Reply(reply.status, reply.body, 0.0, headers)


async def _leave_unanswered(web_request: web.Request, effect: Effect | None) -> NoReturn:
    """Returns by being cancelled: when the connection is lost, or the server stops."""
    if isinstance(effect, Drop) and web_request.transport is not None:
        web_request.transport.abort()
    await asyncio.get_running_loop().create_future()
    raise AssertionError("Nobody resolves this future.")


def _response(request: Request, reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status,
        body=reply.body or None,
        headers={**_headers(request, reply), **reply.headers},
        content_type="application/json",
    )


def _headers(request: Request, reply: Reply) -> Mapping[str, str]:
    return {
        "x-ms-activity-id": str(uuid4()),
        "x-ms-request-charge": str(round(reply.charge, 2)),
        # The client files the session token under this path.
        "x-ms-alt-content-path": "/".join(request.path[:4]),
    }
