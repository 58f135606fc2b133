"""Continuation tokens of queries: a range and the last result taken from it."""

import json
from dataclasses import dataclass

from tests.cosmos.documents import parse
from tests.cosmos.errors import CosmosError, bad_request
from tests.cosmos.sql.execution import Position


@dataclass(frozen=True, slots=True)
class Continuation:
    """``after``: None if the range is still to be begun."""

    range_id: str
    after: Position | None = None

    def __str__(self) -> str:
        after = self.after and [*self.after.key, self.after.sequence, self.after.left]
        return json.dumps({"range": self.range_id, "after": after})


def continuation_of(token: str) -> Continuation:
    """
    :raises CosmosError: it is no token that the double gave.
    """
    try:
        return _read(token)
    except (CosmosError, ValueError, TypeError, KeyError) as error:
        raise bad_request("The continuation token is malformed.") from error


def _read(token: str) -> Continuation:
    content = parse(token)
    if not isinstance(content, dict):
        raise ValueError("A token is an object.")
    range_id, after = content["range"], content["after"]
    if after is None:
        return Continuation(str(range_id))
    rank, value, sequence, left = after
    return Continuation(str(range_id), Position((rank, value), sequence, left))
