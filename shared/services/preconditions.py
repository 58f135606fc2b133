"""Conditional requests: an application changes only what it has seen (RFC 9110, section 13)."""

from dataclasses import dataclass
from datetime import datetime

from shared.ports import Stored

ANY = "*"


class PreconditionFailed(Exception):
    """The stored version is not what the request's condition asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """Etags without quotes; ``*`` is any existing version. ``None`` does not restrict."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_unmodified_since: datetime | None = None

    def check[D](self, stored: Stored[D] | None) -> None:
        """:raises PreconditionFailed: the stored version (``None``: nothing) fails a condition."""
        holds = (
            self._match_holds(stored)
            and self._none_match_holds(stored)
            and self._unmodified_holds(stored)
        )
        if not holds:
            raise PreconditionFailed("The condition of the request is not met.")

    def _match_holds[D](self, stored: Stored[D] | None) -> bool:
        if self.if_match is None:
            return True
        return stored is not None and self.if_match in (ANY, stored.etag)

    def _none_match_holds[D](self, stored: Stored[D] | None) -> bool:
        if self.if_none_match is None or stored is None:
            return True
        return self.if_none_match not in (ANY, stored.etag)

    def _unmodified_holds[D](self, stored: Stored[D] | None) -> bool:
        if self.if_unmodified_since is None or self.if_match is not None:
            return True
        if stored is None:
            return False
        # HTTP dates know whole seconds only.
        return stored.modified_at.replace(microsecond=0) <= self.if_unmodified_since
