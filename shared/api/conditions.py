"""Conditional requests (RFC 9110, section 13): entity tags and dates in headers."""

import re
from datetime import datetime

from shared.api.errors import invalid
from shared.api.http_messages import Request
from shared.api.timestamps import format_http_date, parse_http_date
from shared.ports import Stored
from shared.services.preconditions import ANY, Precondition

_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


def precondition(request: Request) -> Precondition:
    """:raises InvalidRequest: a conditional header is malformed."""
    since = request.header("if-unmodified-since")
    return Precondition(
        if_match=_entity_tag(request, "if-match"),
        if_none_match=_entity_tag(request, "if-none-match"),
        if_unmodified_since=_http_date(since) if since else None,
    )


def is_known[D](request: Request, stored: Stored[D]) -> bool:
    """Whether the client has this version already.

    :raises InvalidRequest: If-None-Match is malformed.
    """
    return _entity_tag(request, "if-none-match") in (ANY, stored.etag)


def validators[D](stored: Stored[D]) -> dict[str, str]:
    """The headers by which a client can recognise this version."""
    return {
        "ETag": quoted(stored.etag),
        "Last-Modified": format_http_date(stored.modified_at),
    }


def quoted(etag: str) -> str:
    return f'"{etag}"'


def _entity_tag(request: Request, header: str) -> str | None:
    text = request.header(header).strip()
    if not text or text == ANY:
        return text or None
    match = _ENTITY_TAG.fullmatch(text)
    if match is None:
        raise invalid(header, f"The header must be one quoted entity tag or *, not {text!r}.")
    return match[1]


def _http_date(text: str) -> datetime:
    try:
        return parse_http_date(text.strip())
    except ValueError:
        raise invalid(
            "if-unmodified-since",
            "The header must be a date such as Fri, 01 Nov 2024 00:00:00 GMT.",
        ) from None
