"""The outbox of one kind of aggregates: records in the items of their aggregates.

A record is beside the item, in one of its own, if the item is deleted or would get too large.
Either way it names the segment that answers for it (:mod:`shared.storage.cosmos.segments`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.ports import AlreadyExists, OutboxRecord, Stored, StoreError, StoreUnavailable
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.containers import ContainerDefinition
from shared.storage.cosmos.errors import MayStillArrive
from shared.storage.cosmos.items import Version, kept_record, record_beside
from shared.storage.cosmos.leftovers import Leftovers
from shared.storage.cosmos.segment_list import SegmentList
from shared.storage.cosmos.segments import Pace, Segments
from shared.storage.cosmos.writes import Write

MOST_CARRIED = 50
MOST_CARRIED_BYTES = 32_768
"""Of records that an item may carry from write to write; more go beside it, in one batch."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a write takes along: records in the item, and items beside it."""

    within: tuple[Item, ...] = ()
    beside: tuple[Item, ...] = ()


class CosmosOutbox:
    """``kind``: the id of the aggregates' items."""

    def __init__(
        self,
        container: Container,
        definition: ContainerDefinition,
        kind: str,
        listing: SegmentList,
        pace: Pace,
    ) -> None:
        self._definition = definition
        self._leftovers = Leftovers(container, kind, listing)
        self._segments = Segments(listing, pace, self._leftovers.note_listed)

    async def close(self) -> None:
        """Leave to others what this process has not dealt with."""
        await self._segments.close()

    # -- writing ------------------------------------------------------------------------------

    @asynccontextmanager
    async def entered(
        self,
        planned: Write,
        expected: Stored[Any] | None,
        record: OutboxRecord | None,
        now: datetime,
    ) -> AsyncIterator[Entry]:
        """Around a write over ``expected``: what it takes along of the outbox.

        That is the record, and those in the item that are not known to be dealt with.
        :raises AlreadyExists: the record's id is taken.
        """
        undealt = await self._undealt(planned, expected)
        if record is None:
            yield self._entry(planned, undealt)
            return
        if any(item["id"] == record.id for item in undealt):
            raise AlreadyExists(f"There is a record '{record.id}' of '{planned.name}' already.")
        segment = await self._segments.current(now)
        key = (planned.partition, record.id)
        segment.undealt[key] = record.created_at  # With no await before: else it might have ended.
        new = kept_record(record, planned.id, segment.id)
        try:
            yield self._entry(planned, undealt, new)
        except (StoreUnavailable, MayStillArrive):
            raise  # It may be written, or will be.
        except StoreError:
            segment.undealt.pop(key, None)
            raise

    async def _undealt(self, planned: Write, expected: Stored[Any] | None) -> Sequence[Item]:
        """Records in the item that are not known to be dealt with.

        To take along one that is, does no harm; so nobody minds a segment that ends meanwhile.
        """
        records = expected.records if isinstance(expected, Version) else ()
        segments = {item["segment"] for item in records}
        elsewhere = [id for id in segments if not self._segments.is_open(id)]
        answers = await asyncio.gather(*map(self._segments.is_finished, elsewhere))
        finished = {id for id, is_finished in zip(elsewhere, answers, strict=True) if is_finished}
        left = [item for item in records if item["segment"] not in finished]
        return [item for item in left if not self._is_dealt_with_here(planned.partition, item)]

    def _is_dealt_with_here(self, aggregate_id: str, item: Item) -> bool:
        key = (aggregate_id, item["id"])
        return self._segments.is_open(item["segment"]) and not self._segments.is_undealt(key)

    def _entry(self, planned: Write, carried: Sequence[Item], *new: Item) -> Entry:
        """A deleted item keeps no records, and one that stays carries not too many."""
        if planned.body is None:
            return Entry(beside=self._beside(planned, (*carried, *new)))
        if len(carried) > MOST_CARRIED or _size(carried) > MOST_CARRIED_BYTES:
            return Entry(within=new, beside=self._beside(planned, carried))
        return Entry(within=(*carried, *new))

    def _beside(self, planned: Write, records: Iterable[Item]) -> tuple[Item, ...]:
        return tuple(record_beside(self._definition, planned.partition, each) for each in records)

    # -- afterwards ---------------------------------------------------------------------------

    async def find(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        """Records that are not dealt with: of this process, and what others left."""
        found = await self._leftovers.find(self._segments.is_open, created_before, limit)
        for segment, keys in self._segments.undealt(created_before).items():
            found |= await self._leftovers.read(segment, keys)
        old = [record for record in found.values() if record.created_at < created_before]
        return sorted(old, key=lambda record: (record.created_at, record.id))[:limit]

    async def remove(self, records: Iterable[OutboxRecord]) -> None:
        """Forget them. Where they are they stay, as nobody looks there: the next write drops them
        from their items, and items of their own expire.
        """
        keys = {(record.aggregate_id, record.id) for record in records}
        left = [key for key in keys if not self._segments.release(key)]
        await self._leftovers.remove(left)


def _size(records: Sequence[Item]) -> int:
    return sum(len(json.dumps(record)) for record in records)
