"""An item as it is kept."""

from dataclasses import dataclass

from tests.cosmos.documents import Document
from tests.cosmos.indexing import Term
from tests.cosmos.partitions import PartitionKey


@dataclass(frozen=True, slots=True)
class Item:
    """``terms``: what the index holds of it; ``sequence``: its place in the order of a scan;
    ``expires_at``: seconds since the epoch.
    """

    document: Document
    body: bytes
    terms: frozenset[Term]
    partition: PartitionKey
    sequence: int
    etag: str
    expires_at: int | None

    @property
    def id(self) -> str:
        return str(self.document["id"])
