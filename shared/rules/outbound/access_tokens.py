"""Access tokens by the client credentials grant of OAuth 2.0 (RFC 6749, section 4.4)."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from pydantic_core import from_json

from shared.ports import Clock
from shared.rules.outbound.client import CallFailed, OutboundClient

EARLY: Final = timedelta(seconds=60)
"""A token is renewed this long before it expires: until it is checked, clocks and time may pass."""
LONGEST_USE: Final = timedelta(hours=24)

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What may stand in a header (RFC 6750, section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application that the authorization server knows. ``uri``: the server's for tokens."""

    uri: str
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    renew_at: datetime


class AccessTokens:
    """Gets tokens when they are needed and keeps them. Belongs to one event loop."""

    def __init__(self, http: OutboundClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._tokens: dict[Client, _Token] = {}
        self._asking: dict[Client, asyncio.Task[_Token]] = {}

    async def get(self, client: Client) -> str:
        """:raises CallFailed: the server gives none."""
        known = self._tokens.get(client)
        if known is not None and self._clock() < known.renew_at:
            return known.text
        if client not in self._asking:
            # A task of its own: others wait for it too, and whoever asked may leave.
            task = asyncio.create_task(self._ask(client))
            self._asking[client] = task
            task.add_done_callback(lambda task: self._answered(client, task))
        return (await asyncio.shield(self._asking[client])).text

    def forget(self, client: Client, token: str) -> None:
        """The token is refused although it has not expired."""
        known = self._tokens.get(client)
        if known is not None and known.text == token:
            del self._tokens[client]

    def _answered(self, client: Client, task: asyncio.Task[_Token]) -> None:
        del self._asking[client]
        # Looked at, though all who waited for it may have left.
        if not task.cancelled():
            task.exception()

    async def _ask(self, client: Client) -> _Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": client.id,
            "client_secret": client.secret,
        }
        asked_at = self._clock()
        answer = await self._http.post(client.uri, urlencode(form).encode(), _FORM)
        if answer.status != 200:
            raise CallFailed(f"The authorization server answered with status {answer.status}.")
        self._drop_old()
        token = _read(answer.body, asked_at)
        self._tokens[client] = token
        return token

    def _drop_old(self) -> None:
        now = self._clock()
        self._tokens = {c: token for c, token in self._tokens.items() if now < token.renew_at}


def _read(body: bytes, asked_at: datetime) -> _Token:
    try:
        answer = from_json(body)
    except ValueError:
        answer = None
    match answer:
        case {"access_token": str(text)} if _TOKEN.fullmatch(text) and _is_bearer(answer):
            return _Token(text, asked_at + _use(answer.get("expires_in")))
        case _:
            raise CallFailed("The authorization server answered without a bearer token.")


def _is_bearer(answer: Mapping[str, Any]) -> bool:
    return str(answer.get("token_type", "Bearer")).lower() == "bearer"


def _use(expires_in: object) -> timedelta:
    """How long a token is used that expires in so many seconds; some servers send them as text."""
    try:
        lifetime = timedelta(seconds=int(str(expires_in)))
    except (ValueError, OverflowError):
        return timedelta()
    return min(lifetime - EARLY, LONGEST_USE)
