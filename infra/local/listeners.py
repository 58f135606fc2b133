"""The web server: http and https in one event loop, over one ASGI application."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import uvicorn

from infra.local.certificates import CertificateFiles

# As Kestrel, the web server of Azure's host. Shorter than a client's own limit, it would
# close a connection just as the client sends its next request on it.
KEEP_ALIVE_SECONDS: Final = 130
BACKLOG: Final = 2048
LINGER_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.02


class ListenError(Exception):
    """The host cannot listen on an address; the message says why."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """Both listen already: a connection made before the host is ready waits for it."""

    http: socket.socket
    https: socket.socket

    @classmethod
    def listen(cls, address: str, port: int, tls_port: int) -> Self:
        """:raises ListenError: if a port is taken or the address is not this machine's."""
        with contextlib.ExitStack() as opened:
            http = opened.enter_context(_listen(address, port, "JOBROUTER_PORT"))
            https = opened.enter_context(_listen(address, tls_port, "JOBROUTER_TLS_PORT"))
            opened.pop_all()
        return cls(http, https)

    @property
    def port(self) -> int:
        port: int = self.http.getsockname()[1]
        return port

    @property
    def tls_port(self) -> int:
        port: int = self.https.getsockname()[1]
        return port

    def close(self) -> None:
        self.http.close()
        self.https.close()


class Listener(uvicorn.Server):
    """A uvicorn server that leaves signals to the host, and that tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def stop(self, grace_seconds: float) -> None:
        """Takes no more requests, and waits so long for those under way."""
        self.should_exit = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._finish_requests()
        # A TLS client that does not answer the closing of its idle connection would be
        # waited for until the time is out.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _finish_requests(self) -> None:
        quiet_seconds = 0.0
        while self.server_state.connections and quiet_seconds < LINGER_SECONDS:
            quiet_seconds = 0.0 if self.server_state.tasks else quiet_seconds + POLL_SECONDS
            await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def serving(
    application: Any, sockets: Sockets, certificate: CertificateFiles, grace_seconds: float
) -> AsyncIterator[None]:
    """Serves http and https inside this block; at its end, requests under way are finished."""
    listeners = {
        Listener(_config(application, grace_seconds)): sockets.http,
        Listener(_config(application, grace_seconds, certificate)): sockets.https,
    }
    async with _serving(listeners, grace_seconds):
        yield


@contextlib.asynccontextmanager
async def serving_http(
    application: Any, bound: socket.socket, grace_seconds: float
) -> AsyncIterator[None]:
    """As :func:`serving`, on one socket."""
    async with _serving({Listener(_config(application, grace_seconds)): bound}, grace_seconds):
        yield


@contextlib.asynccontextmanager
async def _serving(
    listeners: Mapping[Listener, socket.socket], grace_seconds: float
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        for listener, bound in listeners.items():
            tasks.create_task(listener.serve([bound]))
        for listener in listeners:
            await listener.ready.wait()
        try:
            yield
        finally:
            await asyncio.gather(*(listener.stop(grace_seconds) for listener in listeners))


def _config(
    application: Any, grace_seconds: float, certificate: CertificateFiles | None = None
) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        # The function sees the connection as it is: no header may change its scheme or client.
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(grace_seconds) + 1,
        ssl_certfile=certificate.server if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )


def _listen(address: str, port: int, setting: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # So that a restart need not wait for the connections of the last run to time out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _listen_error(error, address, port, setting) from error
    return listener


def _listen_error(error: OSError, address: str, port: int, setting: str) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"Port {port} is already in use; set {setting} to another one.")
    return ListenError(f"Cannot listen on {address}:{port}: {error.strerror}.")
