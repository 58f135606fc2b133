"""Who may send requests: holders of the account's key, or of a token of Entra ID."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Collection
from urllib.parse import parse_qs, unquote

from tests.cosmos.errors import unauthorized
from tests.cosmos.messages import Request


class Authorization:
    def __init__(self, key: str, tokens: Collection[str]) -> None:
        self._key = b64decode(key)
        self._tokens = frozenset(tokens)

    def check(self, request: Request) -> None:
        """
        :raises CosmosError: the request is not signed with the key, and its token is unknown.
        """
        # A "+" is part of a base64 signature here, not an encoded blank.
        header = unquote(request.headers.get("authorization", "")).replace("+", "%2B")
        values = {name: each[0] for name, each in parse_qs(header).items()}
        signature = values.get("sig", "").strip()
        if not self._accepts(values.get("type"), signature, request):
            raise unauthorized()

    def _accepts(self, type: str | None, signature: str, request: Request) -> bool:
        if type == "aad":
            return signature in self._tokens
        return type == "master" and hmac.compare_digest(signature, self._signature(request))

    def _signature(self, request: Request) -> str:
        date = request.headers.get("x-ms-date", "").lower()
        kind = request.kinds[-1] if request.kinds else ""
        text = f"{request.method.lower()}\n{kind}\n{_resource(request)}\n{date}\n\n"
        return b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()


def _resource(request: Request) -> str:
    """What is signed: the resource, or of a feed (``dbs/d/colls``) the one that it is in."""
    feed = len(request.path) % 2
    return "/".join(request.path[:-1] if feed else request.path)
