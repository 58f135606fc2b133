"""The list of segments: whose outbox records are not all dealt with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from azure.core import MatchConditions

from shared.ports import Stored
from shared.storage.cosmos.access import Container
from shared.storage.cosmos.definitions import CosmosDefinitionStore
from shared.storage.cosmos.errors import Refused
from shared.storage.cosmos.items import item_id
from shared.storage.cosmos.writes import quoted
from shared.storage.documents import Codec

PAGE = 20

type RecordKey = tuple[str, str]
"""The ids of a record's aggregate and of the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A record that a process leaves to the sweeps."""

    aggregate_id: str
    record_id: str
    created_at: datetime

    @property
    def key(self) -> RecordKey:
        return self.aggregate_id, self.record_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """As listed. ``left`` ``None``: its process is still at it, or died."""

    id: str
    opened_at: datetime
    left: tuple[Left, ...] | None = None


class SegmentList(CosmosDefinitionStore[Segment]):
    """Of all processes; ``kind``: whose records."""

    def __init__(self, container: Container, kind: str) -> None:
        super().__init__(container, f"outbox_segments.{kind}", Codec(Segment))

    async def has(self, id: str) -> bool:
        """Whether the segment is listed now.

        A read might not see what another process wrote a moment ago. So this is a write, which
        is refused one way or the other.
        """
        try:
            await self._container.persist(lambda: self._delete_never(id))
        except Refused as refusal:
            return not refusal.is_missing
        raise AssertionError("no version has this etag")

    async def _delete_never(self, id: str) -> None:
        await self._container.proxy.delete_item(
            item_id(id),
            self._kind,
            etag=quoted("never"),
            match_condition=MatchConditions.IfNotModified,
        )

    async def oldest_first(self) -> AsyncIterator[Stored[Segment]]:
        continuation: str | None = None
        while True:
            page = await self.list(PAGE, continuation)
            for stored in page.items:
                yield stored
            continuation = page.continuation
            if continuation is None:
                return
