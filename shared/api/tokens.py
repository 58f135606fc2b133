"""Bearer tokens of Microsoft Entra ID: who signed them, for whom, until when, with which roles."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import jwt

from shared.api.authentication import MAX_CLOCK_SKEW
from shared.api.errors import Unauthorized
from shared.api.roles import Role, granted_role
from shared.api.signing_keys import ALGORITHM, SigningKeys

MAX_CHARACTERS: Final = 16 * 1024
"""Of a token. Entra ID leaves out groups before its tokens get that long."""

_INVALID: Final = "The bearer token is not a valid access token of the tenant for this router."
_OPTIONS: Final[jwt.types.Options] = {
    "require": ["iss", "aud", "nbf", "exp"],
    "enforce_minimum_key_length": True,
    # Checked here, by the router's clock.
    "verify_nbf": False,
    "verify_exp": False,
    "verify_iat": False,
}


def keys_url(authority: str, tenant: str) -> str:
    """Where the tenant's signing keys are published."""
    return f"{authority}/{tenant}/discovery/v2.0/keys"


def issuers(authority: str, tenant: str) -> tuple[str, ...]:
    """Of tokens in Entra ID's formats 1.0 and 2.0; the API's application chooses the format."""
    return (f"https://sts.windows.net/{tenant}/", f"{authority}/{tenant}/v2.0")


class TokenVerifier:
    """Knows whose tokens are accepted, and made for whom."""

    def __init__(self, keys: SigningKeys, issuers: Sequence[str], audiences: Sequence[str]) -> None:
        self._keys = keys
        self._issuers = issuers
        self._audiences = audiences

    async def __call__(self, token: str, now: datetime) -> Role | None:
        """The role that the token gives its holder; ``None`` if it gives none.

        :raises Unauthorized: the token is not accepted. Why not is told if its signature is right.
        :raises SigningKeysUnavailable: the signature cannot be checked.
        """
        key = await self._keys.find(_key_id(token), now)
        if key is None:
            raise Unauthorized(_INVALID)
        claims = self._claims(token, key)
        _verify_times(claims, now)
        _verify_kind(claims)
        return granted_role(claims.get("roles"))

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audiences,
                issuer=self._issuers,
                options=_OPTIONS,
            )
        except jwt.InvalidAudienceError:
            raise Unauthorized("The bearer token is for another audience.") from None
        except jwt.InvalidIssuerError:
            raise Unauthorized("The bearer token is from another issuer.") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthorized(_INVALID) from None


def _key_id(token: str) -> str:
    """What the token says, before anything of it is known to be true."""
    if len(token) > MAX_CHARACTERS:
        raise Unauthorized(_INVALID)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthorized(_INVALID) from None
    if header.get("alg") != ALGORITHM:
        raise Unauthorized(_INVALID)
    return str(header.get("kid", ""))


def _verify_times(claims: Mapping[str, Any], now: datetime) -> None:
    begin, end = claims["nbf"], claims["exp"]
    if type(begin) is not int or type(end) is not int:
        raise Unauthorized(_INVALID)
    seconds, skew = now.timestamp(), int(MAX_CLOCK_SKEW.total_seconds())
    if seconds < begin - skew:
        raise Unauthorized("The bearer token is not valid yet.")
    if seconds >= end + skew:
        raise Unauthorized("The bearer token has expired.")


def _verify_kind(claims: Mapping[str, Any]) -> None:
    # An ID token may have the same audience and roles. It tells an application who signed in and
    # is no right to call; an access token names the application that calls.
    if not (claims.get("azp") or claims.get("appid")):
        raise Unauthorized("The bearer token is not an access token.")
