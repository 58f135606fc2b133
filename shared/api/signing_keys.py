"""The public keys that Entra ID signs tokens with, as it publishes them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
from jwt import PyJWK, PyJWTError
from pydantic import BaseModel, ValidationError

from shared.api.errors import SigningKeysUnavailable

ALGORITHM: Final = "RS256"
"""The only one. A token does not choose how it is checked."""

FRESH: Final = timedelta(hours=1)
"""Older keys are asked for anew, so that a key that was withdrawn is not trusted for long."""
USABLE: Final = timedelta(hours=24)
"""Keys are used for so long while there is no answer."""
PAUSE: Final = timedelta(minutes=5)
"""Between two answers, however many tokens name keys that are unknown."""
RETRY: Final = timedelta(seconds=10)
"""After a question that had no answer."""
TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
MAX_BYTES: Final = 256 * 1024

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

type Keys = Mapping[str, PyJWK]
type Fetch = Callable[[], Awaitable[Keys]]

log = logging.getLogger(__name__)


class SigningKeys:
    """Keys by their ids, fetched when they are needed and kept."""

    def __init__(self, fetch: Fetch) -> None:
        """``fetch`` raises `SigningKeysUnavailable` if there is no answer."""
        self._fetch = fetch
        self._keys: Keys = {}
        self._fetched_at = _NEVER
        self._ask_again_at = _NEVER
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str, now: datetime) -> PyJWK | None:
        """The key; ``None`` if, as far as is known, there is none with this id.

        Waits for the network only if what is known will not do.

        :raises SigningKeysUnavailable: nothing is known, or nothing new for ``USABLE``.
        """
        if self._is_worth_asking(key_id, now):
            # A task of its own: others wait for it too, and whoever asked may leave.
            self._asking = asyncio.create_task(self._ask(now))
        if self._asking is not None and (key_id not in self._keys or self._are_stale(now)):
            await asyncio.shield(self._asking)
        if self._are_stale(now):
            raise SigningKeysUnavailable
        return self._keys.get(key_id)

    def _is_worth_asking(self, key_id: str, now: datetime) -> bool:
        if self._asking is not None or now < self._ask_again_at:
            return False
        return key_id not in self._keys or now - self._fetched_at >= FRESH

    def _are_stale(self, now: datetime) -> bool:
        return now - self._fetched_at >= USABLE

    async def _ask(self, now: datetime) -> None:
        try:
            self._keys = await self._fetch()
        except SigningKeysUnavailable as error:
            log.warning("the signing keys of Entra ID cannot be fetched: %r", error.__cause__)
            self._ask_again_at = now + RETRY
        else:
            self._fetched_at, self._ask_again_at = now, now + PAUSE
        finally:
            self._asking = None


def published_at(url: str) -> Fetch:
    """Fetches the key set (RFC 7517) at this URL, and follows no redirection."""

    async def fetch() -> Keys:
        try:
            return _parsed(await _read(url))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SigningKeysUnavailable from error

    return fetch


async def _read(url: str) -> bytes:
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        document = bytearray()
        async for chunk in response.content.iter_any():
            document += chunk
            if len(document) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
        return bytes(document)


class _Key(BaseModel):
    kid: str
    kty: str
    use: str = "sig"
    n: str = ""
    e: str = ""


class _KeySet(BaseModel):
    keys: list[_Key]


def _parsed(document: bytes) -> Keys:
    """:raises ValueError: there is no key in it that can be used."""
    try:
        found = _KeySet.model_validate_json(document).keys
    except ValidationError:
        raise ValueError("no key set") from None
    keys = {key.kid: usable for key in found for usable in _usable(key)}
    if not keys:
        raise ValueError("no usable key")
    return keys


def _usable(key: _Key) -> Iterator[PyJWK]:
    if key.kty != "RSA" or key.use != "sig":
        return
    try:
        yield PyJWK({"kty": key.kty, "n": key.n, "e": key.e}, ALGORITHM)
    except (PyJWTError, ValueError):
        log.warning("a signing key of Entra ID cannot be used")
