"""The HTTP client that rules call with."""

import asyncio
import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from shared.rules.outbound.addresses import AllowedHosts

TIMEOUT_SECONDS: Final = 10.0
"""For a call as a whole, be it tried twice."""
CONNECT_SECONDS: Final = 3.0
MAX_ANSWER_BYTES: Final = 256 * 1024

_KEEP_ALIVE_SECONDS: Final = 2.0
"""Shorter than servers keep an idle connection: a call that was sent on one which the server was
closing must not be repeated."""
_CALLS_OF_ONE_HOST: Final = 50
"""Half of those at a time, so that a host that hangs leaves room for others."""
_SENT_WITH_ALL: Final = {"User-Agent": "job-router", "Accept-Encoding": "identity"}


class CallFailed(Exception):
    """There is no answer. The message says why to a policy's author, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class _Forbidden(PermissionError):
    """A connection to an address that rules may not call."""

    def __init__(self) -> None:
        # The same words whatever the address: several of them become one error.
        super().__init__(errno.EACCES, "not a public address")


class _Oversized(aiohttp.ClientPayloadError):
    """Nobody needs the rest of the answer."""


class OutboundClient:
    """Belongs to one event loop; opens what it needs at the first call.

    Follows no redirection, trusts the system's certificate authorities alone, and takes neither
    proxies nor credentials from the environment.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        *,
        timeout: float = TIMEOUT_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """``resolver``: of names, instead of the system's."""
        self._allowed = allowed
        self._timeout = timeout
        self._resolver = resolver
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, uri: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """:raises CallFailed: there is no answer in time, or it is too large."""
        url = _parsed(uri)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(url, body, headers)
        except (aiohttp.ClientError, ValueError) as error:
            raise CallFailed(f"{url.raw_host} {_reason(error)}.") from None
        except TimeoutError:
            raise CallFailed(
                f"{url.raw_host} did not answer within {self._timeout:g} seconds."
            ) from None

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return await self._post_once(url, body, headers)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error, aiohttp.ClientSSLError) or _is_forbidden(error):
                raise
        except aiohttp.ConnectionTimeoutError:
            pass
        # There was no connection, so nothing was sent.
        return await self._post_once(url, body, headers)

    async def _post_once(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        session = self._session(url)
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, await _read(response))

    def _session(self, url: URL) -> aiohttp.ClientSession:
        is_trusted = self._allowed.has_name(url.raw_host or "")
        if is_trusted not in self._sessions:
            self._sessions[is_trusted] = aiohttp.ClientSession(
                connector=self._connector(is_trusted),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_SENT_WITH_ALL,
                # What is sent all the same is not unpacked: a small answer could become huge.
                auto_decompress=False,
            )
        return self._sessions[is_trusted]

    def _connector(self, is_trusted: bool) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            resolver=self._resolver,
            socket_factory=None if is_trusted else self._guarded_socket,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            limit_per_host=_CALLS_OF_ONE_HOST,
        )

    def _guarded_socket(self, target: aiohttp.AddrInfoType) -> socket.socket:
        """The socket for a connection to this very address.

        Checked here, no name can lead to another address afterwards.
        """
        family, kind, protocol, _, (host, *_) = target
        if not self._allowed.let_through(str(host)):
            raise _Forbidden
        return socket.socket(family, kind, protocol)


def _parsed(uri: str) -> URL:
    try:
        url = URL(uri)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise CallFailed("The URI is not one of http or https.")
    return url


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise _Oversized
    return bytes(body)


def _is_forbidden(error: aiohttp.ClientConnectorError) -> bool:
    return isinstance(error.os_error, _Forbidden)


def _reason(error: aiohttp.ClientError | ValueError) -> str:
    """In our words: the library's may repeat what was sent."""
    match error:
        case aiohttp.ClientConnectorError() if _is_forbidden(error):
            return "is not on the internet, and the router's settings do not allow to call it"
        case aiohttp.ClientConnectorDNSError():
            return "has no address: the name is unknown"
        case aiohttp.ClientSSLError():
            return "has no certificate that is trusted"
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return "cannot be connected to"
        case _Oversized():
            return f"answered with more than {MAX_ANSWER_BYTES} bytes"
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return "broke off the connection"
        case aiohttp.ClientResponseError():
            return "did not answer in HTTP"
        case _:
            return "cannot be called by this URI or with these headers"
