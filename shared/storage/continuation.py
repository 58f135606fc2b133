"""Continuation tokens: where in the order of a query the next page starts.

A token holds the sort key of the last result (so it needs no state in the store and survives every
change), and a digest which ties that key to its query.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from shared.ports import InvalidContinuation, Page

type Position = tuple[str | int | float, ...]
"""A sort key that no two results share."""


@dataclass(frozen=True, slots=True)
class PagedQuery:
    """``identity``: JSON values that tell the query from others; ``key``: its sort key's types."""

    identity: Sequence[object]
    key: tuple[type, ...]

    def position(self, continuation: str | None) -> Position | None:
        """After which sort key to go on; ``None``: from the start.

        :raises InvalidContinuation: the token is damaged or belongs to another query.
        """
        if continuation is None:
            return None
        position = _position_of(continuation)
        if tuple(map(type, position)) != self.key or continuation != self._token(position):
            raise InvalidContinuation("The continuation token does not belong to this query.")
        return position

    def page[D](self, results: Sequence[tuple[Position, D]], limit: int) -> Page[D]:
        """The first ``limit`` of the results, each with its sort key; one more tells of more."""
        items = [item for _, item in islice(results, limit)]
        if len(results) <= limit:
            return Page(items)
        last, _ = results[limit - 1]
        return Page(items, self._token(last))

    def _token(self, position: Position) -> str:
        content = json.dumps([self._digest(position), *position])
        return urlsafe_b64encode(content.encode()).decode().rstrip("=")

    def _digest(self, position: Position) -> str:
        return sha256(json.dumps([self.identity, position]).encode()).hexdigest()[:16]


def _position_of(continuation: str) -> Position:
    padding = "=" * (-len(continuation) % 4)
    try:
        _, *position = json.loads(b64decode(continuation + padding, altchars=b"-_"))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidContinuation("The continuation token is damaged.") from error
    return tuple(position)
