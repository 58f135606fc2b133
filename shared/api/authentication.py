"""Who makes a request: the holder of an access key, or of a token of Entra ID.

Signatures (HMAC-SHA256) are those of the clients of Azure Communication Services. A client signs
the method, the target, a date, the host and the hash of the body. What a handler uses of a request
is therefore exactly what its signature covers.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Final
from urllib.parse import parse_qsl, quote_plus

from shared.api.errors import SIGNATURE_SCHEME, Forbidden, Unauthorized
from shared.api.http_messages import Request
from shared.api.roles import Role
from shared.api.timestamps import parse_http_date

TOKEN_SCHEME = "Bearer"
SIGNED_HEADERS = "x-ms-date;host;x-ms-content-sha256"
MAX_CLOCK_SKEW = timedelta(minutes=5)

type VerifyToken = Callable[[str, datetime], Awaitable[Role | None]]
"""The role that a token gives its holder, if any."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``role``: none is as good as no right. ``signs``: the request's content is signed too."""

    role: Role | None
    signs: bool = False

    def require(self, role: Role) -> None:
        """:raises Forbidden: the caller does not have the role or a higher one."""
        if self.role is None or self.role < role:
            raise Forbidden(role.app_role)


KEY_HOLDER: Final = Caller(Role.ADMINISTRATOR, signs=True)


class Authenticator:
    """Accepts signatures with one of the keys and, if they can be verified, tokens."""

    def __init__(
        self,
        keys: Sequence[bytes],
        verify_token: VerifyToken | None = None,
        clock_skew: timedelta = MAX_CLOCK_SKEW,
    ) -> None:
        self._keys = tuple(keys)
        self._clock_skew = clock_skew
        self._verify_token = verify_token
        tokens = (TOKEN_SCHEME,) if verify_token is not None else ()
        self._schemes = (SIGNATURE_SCHEME, *tokens)

    async def identify(self, request: Request, now: datetime) -> Caller:
        """Who makes the request. The body is left to :func:`verify_content`.

        :raises Unauthorized: there is no valid signature and no valid token.
        :raises SigningKeysUnavailable: whether the token is valid cannot be told.
        """
        try:
            return await self._identify(request, now)
        except Unauthorized as error:
            raise Unauthorized(str(error), self._schemes) from None

    async def _identify(self, request: Request, now: datetime) -> Caller:
        scheme, _, token = request.header("authorization").strip().partition(" ")
        if self._verify_token is not None and scheme.lower() == TOKEN_SCHEME.lower():
            return Caller(await self._verify_token(token.strip(), now))
        verify_signature(request, self._keys, now, self._clock_skew)
        return KEY_HOLDER


def verify_signature(
    request: Request,
    keys: Sequence[bytes],
    now: datetime,
    clock_skew: timedelta = MAX_CLOCK_SKEW,
) -> None:
    """Check who made the request and when. The body is left to :func:`verify_content`.

    :raises Unauthorized: it is not signed with one of the keys, or was not signed just now.
    """
    given = _signature(request.header("authorization"))
    expected = (_sign(key, text) for key, text in product(keys, _texts_to_sign(request)))
    if not _any_equal(given, expected):
        raise Unauthorized
    _verify_date(request.header("x-ms-date"), now, clock_skew)


def verify_content(request: Request) -> None:
    """:raises Unauthorized: the body is not the one that was signed."""
    digest = base64.b64encode(hashlib.sha256(request.body).digest())
    if not hmac.compare_digest(request.header("x-ms-content-sha256").encode(), digest):
        raise Unauthorized


def _signature(authorization: str) -> bytes:
    scheme, _, parameters = authorization.strip().partition(" ")
    given = dict(part.partition("=")[::2] for part in parameters.strip().split("&"))
    if (
        scheme.upper() != SIGNATURE_SCHEME
        or given.get("SignedHeaders", "").lower() != SIGNED_HEADERS
    ):
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


def _verify_date(text: str, now: datetime, clock_skew: timedelta) -> None:
    try:
        signed_at = parse_http_date(text)
    except ValueError:
        raise Unauthorized from None
    if abs(now - signed_at) > clock_skew:
        seconds = int(clock_skew.total_seconds())
        raise Unauthorized(
            f"The request's x-ms-date is more than {seconds} seconds from the router's time."
        )
