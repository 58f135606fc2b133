"""A double of Azure Cosmos DB for NoSQL: speaks its wire protocol on a local port.

It speaks what the Cosmos DB store sends through the client library, and refuses everything else, so
that a test never passes on an answer that the service would not give.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.cosmos.account import Account
from tests.cosmos.authorization import Authorization
from tests.cosmos.clock import MovableClock
from tests.cosmos.faults import Faults
from tests.cosmos.gateway import Gateway
from tests.cosmos.http import Server
from tests.cosmos.partitions import even_ranges
from tests.cosmos.request_log import RequestLog

EMULATOR_KEY = (
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
)
"""The key of Microsoft's emulator, which is the same everywhere and no secret."""


@dataclass(frozen=True)
class Options:
    """``tokens``: Entra ID access tokens that are let in; ``ranges``: partition key ranges.

    ``strict_indexing``: a query that the index of its container does not cover is refused;
    ``tls``: for https, without which the client library sends no token of Entra ID.
    """

    key: str = EMULATOR_KEY
    tokens: Collection[str] = ()
    ranges: int = 3
    strict_indexing: bool = False
    port: int = 0
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Double:
    """A running double. All of it may be used from any thread."""

    endpoint: str
    key: str
    faults: Faults
    requests: RequestLog
    clock: MovableClock


@asynccontextmanager
async def running_double(
    options: Options = Options(), clock: MovableClock | None = None
) -> AsyncIterator[Double]:
    clock = clock or MovableClock()
    listening = socket.create_server(("127.0.0.1", options.port))
    scheme = "https" if options.tls else "http"
    endpoint = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
    faults, log = Faults(), RequestLog()
    account = Account(even_ranges(options.ranges), clock)
    gateway = Gateway(account, endpoint, strict_indexing=options.strict_indexing)
    server = Server(gateway, Authorization(options.key, options.tokens), faults, log)
    runner = web.AppRunner(
        server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
    )
    await runner.setup()
    await web.SockSite(runner, listening, ssl_context=options.tls).start()
    try:
        yield Double(endpoint, options.key, faults, log, clock)
    finally:
        await runner.cleanup()
        await _let_connections_close()


@contextmanager
def double_in_thread(
    options: Options = Options(), clock: MovableClock | None = None
) -> Iterator[Double]:
    """A double with an event loop of its own, for clients that block theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = running_double(options, clock)
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
    finally:
        leaving = context.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_end_tasks())
        loop.close()


async def _end_tasks() -> None:
    """Those of connections that a client left while its request was being answered."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await _let_connections_close()


async def _let_connections_close() -> None:
    """A transport that was told to close does so in the event loop's next rounds."""
    for _ in range(3):
        await asyncio.sleep(0)
