"""The outbox of one kind of aggregates: records in the items of their aggregates.

A record is beside the item, in one of its own, if the item is deleted or would get too large.
Either way its item names the segment that answers for it
(:mod:`shared.storage.cosmos.segments`).
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    OutboxRecord,
    Stored,
    StoreError,
    StoreUnavailable,
)
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import ContainerDefinition
from shared.storage.cosmos.errors import Refused
from shared.storage.cosmos.items import (
    Version,
    kept_record,
    read_record,
    record_beside,
    record_id,
)
from shared.storage.cosmos.removal import remove_items
from shared.storage.cosmos.segments import (
    Hold,
    Left,
    OpenSegment,
    Pace,
    RecordKey,
    Segment,
    SegmentList,
    Segments,
)
from shared.storage.cosmos.writes import Write, send, unquoted

MOST_CARRIED_BYTES = 32_768
"""Of records that an item may carry from write to write; more go beside it."""

DEAD_AFTER = timedelta(seconds=20)
"""Who says nothing of a segment for so much longer than sweeps wait anyway is dead; or late, and
then some events are published twice."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""No write of so long ago is still under way."""

MOST_IN_PARTITION = 1000
AT_ONCE = 8


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
        self._container = container
        self._definition = definition
        self._kind = kind
        self._list = listing
        self._segments = Segments(listing, pace, self._remove_beside)

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
        with _held(segment, records):
            yield self._entry(planned.partition, records, segment.id)
        await self._remove_beside(
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

    # -- finding ------------------------------------------------------------------------------

    async def find(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        """Records that nobody is dealing with. What lists them in vain is removed from the list."""
        listed = [s async for s in self._list.every() if self._segments.open(s.value.id) is None]
        found = await self._abandoned(listed, created_before, limit)
        found += await self._left(self._named(listed, created_before), created_before, limit)
        unique = {(record.aggregate_id, record.id): record for record in found}
        old = [record for record in unique.values() if record.created_at < created_before]
        return sorted(old, key=lambda record: (record.created_at, record.id))[:limit]

    async def _abandoned(
        self, listed: Iterable[Stored[Segment]], created_before: datetime, limit: int
    ) -> list[OutboxRecord]:
        """Of processes that died."""
        found: list[OutboxRecord] = []
        for stored in listed:
            segment = stored.value
            if segment.left is None and segment.opened_at < created_before - DEAD_AFTER:
                records = await self._naming(segment, limit)
                if not records and segment.opened_at < created_before - FORGOTTEN_AFTER:
                    await self._forget(stored)
                found += records
        return found

    async def _naming(self, segment: Segment, limit: int) -> list[OutboxRecord]:
        conditions = Conditions()
        conditions.require("c.segment = {}", segment.id)
        items = await self._container.query(conditions.select("segment"), limit)
        return [read_record(record) for item in items for record in self._records_of(item)]

    def _named(self, listed: Iterable[Stored[Segment]], created_before: datetime) -> list[Left]:
        """Left by this process or others, oldest first."""
        own = [
            Left(aggregate_id=aggregate_id, record_id=id, created_at=hold.created_at)
            for (aggregate_id, id), hold in self._segments.held().items()
        ]
        others = [left for stored in listed for left in stored.value.left or ()]
        old = (left for left in (*own, *others) if left.created_at < created_before)
        return sorted(old, key=lambda left: (left.created_at, left.record_id))

    async def _left(
        self, named: Sequence[Left], created_before: datetime, limit: int
    ) -> list[OutboxRecord]:
        found: list[OutboxRecord] = []
        vain: set[RecordKey] = set()
        for batch in batched(named, limit, strict=False):
            records = await self._stored(batch)
            found += records.values()
            vain |= {
                left.key
                for left in batch
                if left.key not in records and left.created_at < created_before - FORGOTTEN_AFTER
            }
            if len(found) >= limit:
                break
        await self._strike(vain)
        return found

    async def _stored(self, named: Sequence[Left]) -> dict[RecordKey, OutboxRecord]:
        wanted = {left.key for left in named}
        partitions = {left.aggregate_id for left in named}
        found = await _at_most(AT_ONCE, (self._in_partition(id) for id in sorted(partitions)))
        records = {(record.aggregate_id, record.id): record for of in found for record in of}
        return {key: record for key, record in records.items() if key in wanted}

    async def _in_partition(self, aggregate_id: str) -> list[OutboxRecord]:
        conditions = Conditions()
        conditions.require("c.segment >= {}", "")
        query = conditions.select("segment", aggregate_id)
        items = await self._container.query(query, MOST_IN_PARTITION)
        return [read_record(record) for item in items for record in self._records_of(item)]

    def _records_of(self, item: Item) -> Iterable[Item]:
        return item["outbox"] if item["kind"] == self._kind else [item]

    # -- removing -----------------------------------------------------------------------------

    async def remove(self, records: Iterable[OutboxRecord]) -> None:
        """Forget them. In the items of their aggregates they may stay, as nobody looks there."""
        keys = {(record.aggregate_id, record.id) for record in records}
        holds = {key: self._segments.hold_of(key) for key in keys}
        beside = [key for key, hold in holds.items() if hold is not None and hold.is_beside]
        left = [key for key, hold in holds.items() if hold is None]
        self._segments.release(keys.difference(beside))
        await self._remove_beside(beside)
        left += [key for key in beside if self._segments.hold_of(key) is None]
        self._segments.release(beside)
        await self._erase(left)
        await self._strike(set(left))

    async def _remove_beside(self, keys: Iterable[RecordKey]) -> None:
        ids = {aggregate_id: map(record_id, of) for aggregate_id, of in _by_aggregate(keys).items()}
        await remove_items(self._container, ids)

    async def _erase(self, keys: Iterable[RecordKey]) -> None:
        """Of what others wrote, every trace."""
        by_aggregate = _by_aggregate(keys)
        await _at_most(AT_ONCE, (self._erase_from(id, of) for id, of in by_aggregate.items()))

    async def _erase_from(self, aggregate_id: str, ids: Collection[str]) -> None:
        while item := await self._container.read(self._kind, aggregate_id):
            records = item.get("outbox", [])
            kept = [record for record in records if record["id"] not in ids]
            if len(kept) == len(records) or await self._replaced(aggregate_id, item, kept):
                ids = set(ids) - {record["id"] for record in records}
                break
        await self._remove_beside((aggregate_id, id) for id in ids)

    async def _replaced(self, aggregate_id: str, item: Item, records: Sequence[Item]) -> bool:
        """Whether the item was still the same."""
        write = Write(
            id=item["writes"][0],
            name=aggregate_id,
            partition=aggregate_id,
            item_id=self._kind,
            expected=unquoted(item["_etag"]),
            body=_with_records(item, records),
        )
        try:
            await self._container.persist(
                lambda: send(self._container.proxy, write, lambda _request: None)
            )
        except Refused:
            return False
        return True

    async def _strike(self, keys: Collection[RecordKey]) -> None:
        """Nobody has to look for these any more."""
        if not keys:
            return
        async for stored in self._list.every():
            left = stored.value.left or ()
            remaining = tuple(each for each in left if each.key not in keys)
            if len(remaining) < len(left):
                await self._relist(stored, remaining)

    async def _relist(self, stored: Stored[Segment], left: tuple[Left, ...]) -> None:
        if not left:
            await self._forget(stored)
            return
        with suppress(ConcurrencyConflict):  # What stays listed is looked for once more.
            listed = replace(stored.value, left=left)
            await self._list.replace(stored, listed, listed.opened_at)

    async def _forget(self, stored: Stored[Segment]) -> None:
        with suppress(ConcurrencyConflict):
            await self._list.delete(stored)


@contextmanager
def _held(segment: OpenSegment, records: _Records) -> Iterator[None]:
    """For as long as they are not dealt with; not at all if they were certainly not written."""
    added = segment.hold({key: kept.hold for key, kept in records.items()})
    try:
        yield
    except StoreUnavailable:
        raise
    except StoreError:
        segment.drop(added)
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


def _with_records(item: Item, records: Sequence[Item]) -> Item:
    rest = {name: member for name, member in item.items() if name not in {"outbox", "segment"}}
    return {**rest, "segment": item["segment"], "outbox": records} if records else rest


def _by_aggregate(keys: Iterable[RecordKey]) -> dict[str, set[str]]:
    ids = defaultdict[str, set[str]](set)
    for aggregate_id, id in keys:
        ids[aggregate_id].add(id)
    return ids


async def _at_most[T](count: int, work: Iterable[Awaitable[T]]) -> list[T]:
    """All of it, ``count`` at a time."""
    slots = asyncio.Semaphore(count)

    async def guarded(each: Awaitable[T]) -> T:
        async with slots:
            return await each

    return await asyncio.gather(*map(guarded, work))
