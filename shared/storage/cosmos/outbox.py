"""The outbox of one kind of aggregates: records in the items of their aggregates.

A record is beside the item, in one of its own, if the item is deleted or would get too large.
Either way its item names the segment that answers for it
(:mod:`shared.storage.cosmos.segments`).
"""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.ports import AlreadyExists, OutboxRecord, Stored, StoreError, StoreUnavailable
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.containers import ContainerDefinition
from shared.storage.cosmos.items import Version, kept_record, read_record, record_beside
from shared.storage.cosmos.leftovers import Findings, Leftovers
from shared.storage.cosmos.segment_list import Place, RecordKey, SegmentList
from shared.storage.cosmos.segments import Hold, OpenSegment, Pace, Segments
from shared.storage.cosmos.writes import Write

MOST_CARRIED_BYTES = 32_768
"""Of records that an item may carry from write to write; more go beside it."""

MOST_PLACES = 1000
"""More than a sweep takes up at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a write takes along: records in the item and beside it, and who answers for them."""

    segment: str | None = None
    within: tuple[Item, ...] = ()
    beside: tuple[Item, ...] = ()

    @property
    def members(self) -> Item:
        """Of the aggregate's item."""
        return {"segment": self.segment, "outbox": list(self.within)} if self.within else {}


@dataclass(frozen=True, slots=True)
class _Kept:
    """``item``: the record as it is kept."""

    item: Item
    hold: Hold


type _Records = Mapping[RecordKey, _Kept]


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
        self._segments = Segments(listing, pace, self._leftovers.remove_beside)
        self._places: dict[RecordKey, Place] = {}

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
        if record is None and not await self._carries(planned, expected):
            yield Entry()
            return
        segment, elsewhere = await self._answering(planned, expected, now)
        # Nothing is awaited from here until all is held: else it might be dealt with in between.
        records = self._kept(planned, self._carried(planned.partition, expected, elsewhere), record)
        with _held(segment, records, new=None if record is None else record.id):
            yield self._entry(planned.partition, records, segment.id)
        await self._leftovers.remove_beside(
            key for key, kept in records.items() if kept.hold.is_beside and key not in segment.holds
        )

    async def _carries(self, planned: Write, expected: Stored[Any] | None) -> bool:
        elsewhere = await self._left_elsewhere(planned.partition, expected)
        return bool(self._carried(planned.partition, expected, elsewhere))

    async def _answering(
        self, planned: Write, expected: Stored[Any] | None, now: datetime
    ) -> tuple[OpenSegment, Collection[RecordKey]]:
        """The segment to name, and what is left of another process's one in the item."""
        while True:
            segment = await self._segments.current(now)
            elsewhere = await self._left_elsewhere(planned.partition, expected)
            if segment.may_be_named:
                return segment, elsewhere

    async def _left_elsewhere(
        self, aggregate_id: str, expected: Stored[Any] | None
    ) -> Collection[RecordKey]:
        """Records in the item that another process may not have dealt with."""
        if not isinstance(expected, Version) or expected.segment is None:
            return ()
        if self._segments.open(expected.segment) is not None:
            return ()
        left = await self._segments.left_of(expected.segment)
        within = {(aggregate_id, item["id"]) for item in expected.records}
        return within if left is None else within.intersection(left)

    def _carried(
        self, aggregate_id: str, expected: Stored[Any] | None, elsewhere: Collection[RecordKey]
    ) -> _Records:
        """Records in the item that are not known to be dealt with."""
        if not isinstance(expected, Version) or expected.segment is None:
            return {}
        segment = self._segments.open(expected.segment)
        holds = dict(segment.holds) if segment is not None else {}
        records = {(aggregate_id, item["id"]): item for item in expected.records}
        holds |= {key: _hold(records[key], expected.segment) for key in elsewhere}
        return {key: _Kept(item, holds[key]) for key, item in records.items() if key in holds}

    def _kept(self, planned: Write, carried: _Records, record: OutboxRecord | None) -> _Records:
        """Where each is to be: a deleted item keeps none, and one that stays not too many."""
        is_deleted = planned.body is None
        kept = _placed(carried, beside=is_deleted or _size(carried) > MOST_CARRIED_BYTES)
        if record is None:
            return kept
        key = (planned.partition, record.id)
        if key in kept:
            raise AlreadyExists(f"There is a record '{record.id}' of '{planned.name}' already.")
        new = _Kept(kept_record(record, planned.id), Hold(created_at=record.created_at))
        return {**kept, **_placed({key: new}, beside=is_deleted)}

    def _entry(self, aggregate_id: str, records: _Records, segment: str) -> Entry:
        within = tuple(kept.item for kept in records.values() if not kept.hold.is_beside)
        beside = tuple(
            record_beside(self._definition, aggregate_id, kept.item, segment)
            for kept in records.values()
            if kept.hold.is_beside
        )
        return Entry(segment if within else None, within, beside)

    # -- afterwards ---------------------------------------------------------------------------

    async def find(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        """Records that are not dealt with: of this process, and what others left."""
        held = self._segments.held().items()
        own = await self._leftovers.read(k for k, hold in held if hold.created_at < created_before)
        left = await self._leftovers.find(self._segments.is_open, created_before, limit)
        self._note_places(left)
        records = [found.record for found in (own | left).values()]
        old = [record for record in records if record.created_at < created_before]
        return sorted(old, key=lambda record: (record.created_at, record.id))[:limit]

    async def remove(self, records: Iterable[OutboxRecord]) -> None:
        """Forget them. In the items of their aggregates they may stay, as nobody looks there."""
        keys = {(record.aggregate_id, record.id) for record in records}
        holds = {key: self._segments.hold_of(key) for key in keys}
        beside = {key for key, hold in holds.items() if hold is not None and hold.is_beside}
        self._segments.release(keys - beside)
        await self._leftovers.remove_beside(beside)
        left = [key for key in keys if holds[key] is None or key in self._segments.left]
        self._segments.release(beside)
        await self._leftovers.remove({key: self._place_of(key) for key in left})

    def _note_places(self, found: Findings) -> None:
        """In case that they are removed."""
        self._places |= {key: each.place for key, each in found.items()}
        for key in list(self._places)[:-MOST_PLACES]:
            del self._places[key]

    def _place_of(self, key: RecordKey) -> Place | None:
        return self._places.pop(key, None) or self._segments.left.get(key)


@contextmanager
def _held(segment: OpenSegment, records: _Records, new: str | None) -> Iterator[None]:
    """For as long as they are not dealt with; the new one not if it was certainly not written.

    The others may be in another write of the same item at the same time.
    """
    segment.hold({key: kept.hold for key, kept in records.items()})
    try:
        yield
    except StoreUnavailable:
        raise
    except StoreError:
        segment.drop([key for key in records if key[1] == new])
        raise


def _hold(item: Item, waits_for: str) -> Hold:
    return Hold(created_at=read_record(item).created_at, waits_for=waits_for)


def _placed(records: _Records, *, beside: bool) -> _Records:
    return {
        key: replace(kept, hold=replace(kept.hold, is_beside=beside))
        for key, kept in records.items()
    }


def _size(records: _Records) -> int:
    return sum(len(json.dumps(kept.item)) for kept in records.values())
