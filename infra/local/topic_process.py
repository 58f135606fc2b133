"""The local Event Grid topic beside the host, as Event Grid is beside Azure's: its own process.

In the host's process its work would hold up requests, since Python runs one thing at a time.
"""

import asyncio
import contextlib
import json
import logging
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from infra.local.asgi import Receive, Scope, Send, request_target

logger = logging.getLogger(__name__)

EVENTS_PATH: Final = "/_local/topic/api/events"
STOP_SECONDS: Final = 5.0
RESTART_SECONDS: Final = 1.0
FORWARD_SECONDS: Final = 30.0
BACKLOG: Final = 256
UNAVAILABLE: Final = 503
# Of one connection, not of the message (RFC 9110, 7.6.1); the web servers set their own.
HOP_BY_HOP: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"te"})
SET_BY_SERVER: Final = frozenset({b"date", b"server"})


class TopicError(Exception):
    """The topic cannot start; it has said why on standard error."""


class TopicProcess:
    """Runs the topic and starts it again should it die. As an ASGI application, it passes on."""

    def __init__(
        self,
        database: Path,
        key: str,
        webhooks: Sequence[str],
        dead_letters: Path,
        *,
        public_url: str,
        log_level: int,
    ) -> None:
        # It outlives the process behind it: what comes while that is away waits for the next one.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._how = {
            "socket": self._socket.fileno(),
            "database": str(database),
            "key": key,
            "webhooks": list(webhooks),
            "dead_letters": str(dead_letters),
            "public_url": public_url,
            "log_level": log_level,
        }
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def endpoint(self) -> str:
        """Where events are published."""
        return f"{self._origin}{EVENTS_PATH}"

    @property
    def _origin(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        """:raises TopicError: it does not start."""
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=FORWARD_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def stop(self) -> None:
        """Let it finish what it does."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._process is not None:
            await _end(self._process)
        if self._session is not None:
            await self._session.close()
        self._socket.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the topic, and its answer back."""
        assert self._session is not None, "it is started"
        request = self._session.request(
            scope["method"],
            URL(self._origin + request_target(scope), encoded=True),
            headers=[
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in scope["headers"]
                if name not in HOP_BY_HOP
            ],
            data=_body(receive) if scope["method"] in {"POST", "PUT", "PATCH"} else None,
            allow_redirects=False,
        )
        try:
            async with request as answer:
                await _send_answer(send, answer, await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            await send({"type": "http.response.start", "status": UNAVAILABLE, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _launch(self) -> None:
        # Known at once: who stops the topic while it starts has this process to end.
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.local.topic"),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(self._socket.fileno(),),
        )
        assert process.stdin, "it is a pipe"
        assert process.stdout, "it is a pipe"
        process.stdin.write(json.dumps(self._how).encode() + b"\n")
        if await process.stdout.readline() != b"ready\n":
            await process.wait()
            raise TopicError("The local Event Grid topic cannot start.")

    async def _keep(self) -> None:
        while True:
            assert self._process is not None, "it was launched"
            code = await self._process.wait()
            logger.error("The local topic ended with code %d and is started again", code)
            await asyncio.sleep(RESTART_SECONDS)
            with contextlib.suppress(TopicError):
                await self._launch()


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _send_answer(send: Send, answer: aiohttp.ClientResponse, body: bytes) -> None:
    headers = [
        (name.lower(), value)
        for name, value in answer.raw_headers
        if name.lower() not in HOP_BY_HOP | SET_BY_SERVER
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
