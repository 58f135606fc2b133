"""Requests signed as the official SDK signs them, with less around it: for tests that send many."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp

VERSION = "2024-01-18-preview"
PAGE = 100

type JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: JsonObject


@dataclass(frozen=True, slots=True)
class SignedClient:
    """``authority``: host and port of a router. The session is the caller's."""

    session: aiohttp.ClientSession
    authority: str
    key: bytes

    async def send(self, method: str, path: str, document: object = None) -> Reply:
        """:raises aiohttp.ClientError, TimeoutError: there is no answer."""
        target = f"{path}{'&' if '?' in path else '?'}api-version={VERSION}"
        body = b"" if document is None else json.dumps(document).encode()
        async with self.session.request(
            method,
            f"http://{self.authority}{target}",
            data=body,
            headers={
                "Content-Type": "application/json",
                **signature(self.key, method, target, self.authority, body),
            },
        ) as answer:
            return Reply(answer.status, await answer.json(content_type=None) or {})

    async def list(self, path: str) -> list[JsonObject]:
        """The items of all pages."""
        items: list[JsonObject] = []
        link: str | None = f"{path}?maxpagesize={PAGE}"
        while link is not None:
            page = await self.send("GET", link)
            assert page.status == 200, page
            items += page.body["value"]
            link = page.body.get("nextLink")
        return items


def signature(key: bytes, method: str, target: str, authority: str, body: bytes) -> dict[str, str]:
    """The headers that sign a request. ``target``: path and query, escaped as they are sent."""
    date = format_datetime(datetime.now(UTC), usegmt=True)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = f"{method}\n{target}\n{date};{authority};{digest}"
    signed = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    return {
        "x-ms-date": date,
        "x-ms-content-sha256": digest,
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        f"&Signature={signed}",
    }
