"""Lists come in pages; each but the last links to the next."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from shared.api.errors import invalid
from shared.api.http_messages import API_VERSION

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

PAGE_SIZE = "maxpagesize"
CONTINUATION = "continuationToken"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    size: int = DEFAULT_PAGE_SIZE
    continuation: str | None = None


def page_request(query: Mapping[str, str]) -> PageRequest:
    """:raises InvalidRequest: the page size is not a positive number, or the token is damaged."""
    return PageRequest(
        size=_size(query.get(PAGE_SIZE, str(DEFAULT_PAGE_SIZE))),
        continuation=_decoded(query[CONTINUATION]) if CONTINUATION in query else None,
    )


def next_link(path: str, query: Mapping[str, str], continuation: str) -> str:
    """Relative and without the version, as the hosted service links: clients add both.

    It carries the filters along. Clients take the query apart and put it together again, so the
    token is made of characters that need no escape.
    """
    following = {name: value for name, value in query.items() if name != API_VERSION}
    following[CONTINUATION] = _encoded(continuation)
    return f"{path}?{urlencode(following, quote_via=quote)}"


def _size(text: str) -> int:
    # Nine digits are more than enough, and never too many for a number.
    significant = text.lstrip("0")
    if not (text.isascii() and text.isdecimal() and significant):
        raise invalid(PAGE_SIZE, "The page size should be a positive integer.")
    return MAX_PAGE_SIZE if len(significant) > 9 else min(int(significant), MAX_PAGE_SIZE)


def _encoded(continuation: str) -> str:
    return base64.urlsafe_b64encode(continuation.encode()).rstrip(b"=").decode()


def _decoded(token: str) -> str:
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise invalid(CONTINUATION, "The continuation token is damaged.") from None
