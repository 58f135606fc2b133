"""HTTP as this API sees it, whatever platform carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

from shared.api.errors import BodyTooLarge, invalid

API_VERSION: Final = "api-version"
"""The query parameter of every request that says which version of the API it speaks."""

MAX_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``target``: path and query, escaped as the client sent them; signatures are made over it.

    The names of ``headers`` are in lower case.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        return unquote(self.raw_path)

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """The header's value; empty if it is not there."""
        return self.headers.get(name, "")

    def query(self) -> dict[str, str]:
        """The query's parameters; blank ones count as missing.

        :raises InvalidRequest: one is given twice.
        """
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.raw_query):
            if name in found:
                raise invalid(name, f"The parameter '{name}' is given more than once.")
            found[name] = value
        return found

    def require_size(self) -> None:
        """:raises BodyTooLarge: the body exceeds ``MAX_BODY_BYTES``."""
        if len(self.body) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """``body`` ``None``: the answer has none, and no type of it either."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        return Response(status=self.status, headers={**headers, **self.headers}, body=self.body)
