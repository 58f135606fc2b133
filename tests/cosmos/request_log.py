"""What the double was asked, and what it charged."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.cosmos.documents import Json
from tests.cosmos.messages import AnsweredQuery, Operation


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that was carried out or refused; ``status`` is None if nobody was answered.

    ``charge`` in request units.
    """

    operation: Operation
    container: str | None
    partition: Json
    status: int | None
    charge: float
    query: AnsweredQuery | None = None


class RequestLog:
    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()

    def counts(self) -> Counter[Operation]:
        return Counter(entry.operation for entry in self)

    def charges(self) -> dict[Operation, float]:
        """Request units by operation."""
        charges: dict[Operation, float] = {}
        for entry in self:
            charges[entry.operation] = charges.get(entry.operation, 0.0) + entry.charge
        return charges

    @property
    def charge(self) -> float:
        """Request units in all."""
        return sum(entry.charge for entry in self)

    def scans(self) -> list[Entry]:
        """The queries that filter by something which the index does not cover."""
        return [entry for entry in self if entry.query and entry.query.unindexed]
