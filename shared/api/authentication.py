"""Shared-key signatures (HMAC-SHA256), as the clients of Azure Communication Services make them.

A client signs the method, the target, a date, the host and the hash of the body. What a handler
uses of a request is therefore exactly what its signature covers.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from urllib.parse import parse_qsl, quote_plus

from shared.api.errors import Unauthorized
from shared.api.http_messages import Request
from shared.api.timestamps import parse_http_date

SCHEME = "HMAC-SHA256"
SIGNED_HEADERS = "x-ms-date;host;x-ms-content-sha256"
MAX_CLOCK_SKEW = timedelta(minutes=5)


def verify_signature(request: Request, keys: Sequence[bytes], now: datetime) -> None:
    """Check who made the request and when. The body is left to :func:`verify_content`.

    :raises Unauthorized: it is not signed with one of the keys, or was not signed just now.
    """
    given = _signature(request.header("authorization"))
    expected = (_sign(key, text) for key, text in product(keys, _texts_to_sign(request)))
    if not _any_equal(given, expected):
        raise Unauthorized
    _verify_date(request.header("x-ms-date"), now)


def verify_content(request: Request) -> None:
    """:raises Unauthorized: the body is not the one that was signed."""
    digest = base64.b64encode(hashlib.sha256(request.body).digest())
    if not hmac.compare_digest(request.header("x-ms-content-sha256").encode(), digest):
        raise Unauthorized


def _signature(authorization: str) -> bytes:
    scheme, _, parameters = authorization.strip().partition(" ")
    given = dict(part.partition("=")[::2] for part in parameters.strip().split("&"))
    if scheme.upper() != SCHEME or given.get("SignedHeaders", "").lower() != SIGNED_HEADERS:
        raise Unauthorized
    try:
        return base64.b64decode(given.get("Signature", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Unauthorized from None


def _texts_to_sign(request: Request) -> Iterator[bytes]:
    date, content = request.header("x-ms-date"), request.header("x-ms-content-sha256")
    for target, host in product(_signed_targets(request), _signed_hosts(request.header("host"))):
        yield f"{request.method}\n{target}\n{date};{host};{content}".encode()


def _signed_targets(request: Request) -> Iterable[str]:
    """The target as sent, or with the query written as a form: the JavaScript client signs that."""
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    form = "&".join(f"{_form_encoded(name)}={_form_encoded(value)}" for name, value in pairs)
    return dict.fromkeys((request.target, f"{request.raw_path}?{form}"))


def _form_encoded(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def _signed_hosts(host: str) -> Iterable[str]:
    """What clients sign for this Host header.

    The Python client keeps a slash that ends its endpoint, the Java client leaves out the port, and
    the JavaScript client writes the port twice, in browsers in the signature alone.
    """
    name, _, port = host.partition(":")
    return dict.fromkeys((host, f"{host}/", name, f"{host}:{port}"))


def _sign(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)


def _any_equal(given: bytes, expected: Iterable[bytes]) -> bool:
    return any(hmac.compare_digest(given, one) for one in expected)


def _verify_date(text: str, now: datetime) -> None:
    try:
        signed_at = parse_http_date(text)
    except ValueError:
        raise Unauthorized from None
    if abs(now - signed_at) > MAX_CLOCK_SKEW:
        raise Unauthorized("The request's x-ms-date is more than 5 minutes from the router's time.")
