"""Leftovers: records of the outbox that their processes do not deal with (any more).

Left by name, or found in what names the segment of a process that died. The first are struck off
the list of their segment when they are dealt with. The others are erased, as nothing lists them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched

from shared.ports import ConcurrencyConflict, OutboxRecord, Stored
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.errors import Refused
from shared.storage.cosmos.items import (
    OUTBOX_MEMBERS,
    REMEMBERED_WRITES,
    outbox_members,
    read_record,
    record_id,
)
from shared.storage.cosmos.removal import remove_items
from shared.storage.cosmos.segment_list import Left, RecordKey, Segment, SegmentList
from shared.storage.cosmos.writes import Write, new_write_id, send, unquoted

DEAD_AFTER = timedelta(seconds=20)
"""Who says nothing of a segment for so much longer than sweeps wait anyway is dead; or late, and
then some events are published twice."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""No write of so long ago is still under way."""

MOST_OF_SEGMENT = 1000
MOST_REMEMBERED = 1000
AT_ONCE = 8

type Findings = dict[RecordKey, OutboxRecord]


class Leftovers:
    """``kind``: the id of the aggregates' items."""

    def __init__(self, container: Container, kind: str, listing: SegmentList) -> None:
        self._container = container
        self._kind = kind
        self._list = listing
        self._listed_in: dict[RecordKey, str] = {}

    # -- finding ------------------------------------------------------------------------------

    async def find(
        self, is_open: Callable[[str], bool], created_before: datetime, limit: int
    ) -> Findings:
        """Among them the ``limit`` oldest, if there are so many.

        What is listed in vain is struck off.
        ``is_open``: whether a segment is one of this process's, which knows better.
        """
        found: Findings = {}
        async for stored in self._list.oldest_first():
            if _holds_older_ones(found, limit, than=stored.value.opened_at):
                break
            if not is_open(stored.value.id):
                found |= await self._of(stored, created_before, limit)
        return found

    async def read(self, segment: str, keys: Iterable[RecordKey]) -> Findings:
        """Those of the records of the segment that are stored."""
        wanted = set(keys)
        partitions = sorted({aggregate_id for aggregate_id, _ in wanted})
        found = await _at_most(AT_ONCE, (self._naming(segment, each) for each in partitions))
        return {key: record for of in found for key, record in of.items() if key in wanted}

    async def _of(self, stored: Stored[Segment], created_before: datetime, limit: int) -> Findings:
        if stored.value.left is not None:
            return await self._left(stored.value, stored.value.left, created_before, limit)
        if stored.value.opened_at < created_before - DEAD_AFTER:
            return await self._abandoned(stored, created_before, limit)
        return {}

    async def _left(
        self, segment: Segment, left: Iterable[Left], created_before: datetime, limit: int
    ) -> Findings:
        old = [each for each in left if each.created_at < created_before]
        found: Findings = {}
        for batch in batched(sorted(old, key=_age), limit, strict=False):
            found |= await self.read(segment.id, (each.key for each in batch))
            await self._strike(segment.id, _given_up(batch, found, created_before))
            if len(found) >= limit:
                break
        self.note_listed(found, segment.id)
        return found

    async def _abandoned(
        self, stored: Stored[Segment], created_before: datetime, limit: int
    ) -> Findings:
        segment = stored.value
        found = await self._naming(segment.id, None, max(limit, MOST_OF_SEGMENT))
        if not found and segment.opened_at < created_before - FORGOTTEN_AFTER:
            with suppress(ConcurrencyConflict):
                await self._list.delete(stored)
        return found

    async def _naming(
        self, segment: str, partition: str | None, limit: int = MOST_OF_SEGMENT
    ) -> Findings:
        """The records that name the segment. ``limit``: of items, which may hold several."""
        conditions = Conditions()
        conditions.require("ARRAY_CONTAINS(c.segments, {})", segment)
        items = await self._container.query(conditions.select_any(partition), limit)
        kept = (kept for item in items for kept in self._kept(item))
        records = [read_record(each) for each in kept if each["segment"] == segment]
        return {(record.aggregate_id, record.id): record for record in records}

    def _kept(self, item: Item) -> Iterable[Item]:
        """The records in the item, or the one that it is."""
        return item["outbox"] if item["kind"] == self._kind else [item]

    def note_listed(self, keys: Iterable[RecordKey], segment: str) -> None:
        """In case that they are removed."""
        self._listed_in |= dict.fromkeys(keys, segment)
        for key in list(self._listed_in)[:-MOST_REMEMBERED]:
            del self._listed_in[key]

    # -- removing -----------------------------------------------------------------------------

    async def remove(self, keys: Iterable[RecordKey]) -> None:
        """They are dealt with."""
        by_segment = defaultdict[str | None, set[RecordKey]](set)
        for key in keys:
            by_segment[self._listed_in.pop(key, None)].add(key)
        for segment, of in by_segment.items():
            if segment is None or not await self._strike(segment, of):
                await self._erase(of)

    async def _strike(self, segment: str, keys: Collection[RecordKey]) -> bool:
        """Nobody has to look for these any more. False: the segment lists nothing by name."""
        while keys:
            stored = await self._list.get(segment)
            if stored is None or stored.value.left is None:
                return False
            left = tuple(each for each in stored.value.left if each.key not in keys)
            if len(left) == len(stored.value.left) or await self._relisted(stored, left):
                break
        return True

    async def _relisted(self, stored: Stored[Segment], left: tuple[Left, ...]) -> bool:
        """Whether the list was still the same."""
        try:
            if left:
                listed = replace(stored.value, left=left)
                await self._list.replace(stored, listed, listed.opened_at)
            else:
                await self._list.delete(stored)
        except ConcurrencyConflict:
            return False
        return True

    async def _erase(self, keys: Iterable[RecordKey]) -> None:
        by_aggregate = defaultdict[str, set[str]](set)
        for aggregate_id, id in keys:
            by_aggregate[aggregate_id].add(id)
        await _at_most(AT_ONCE, (self._erase_from(id, of) for id, of in by_aggregate.items()))

    async def _erase_from(self, aggregate_id: str, ids: Collection[str]) -> None:
        while item := await self._container.read(self._kind, aggregate_id):
            records = item.get("outbox", [])
            kept = [record for record in records if record["id"] not in ids]
            if len(kept) == len(records) or await self._replaced(aggregate_id, item, kept):
                break
        # Afterwards: they may have been moved there meanwhile, but never are moved back.
        await remove_items(self._container, {aggregate_id: map(record_id, ids)})

    async def _replaced(self, aggregate_id: str, item: Item, records: Sequence[Item]) -> bool:
        """Whether the item was still the same."""
        rest = {name: member for name, member in item.items() if name not in OUTBOX_MEMBERS}
        write_id = new_write_id()
        # It is a write: who wrote before must not take the records for those that it wrote.
        writes = [write_id, *item["writes"]][:REMEMBERED_WRITES]
        write = Write(
            id=write_id,
            name=aggregate_id,
            partition=aggregate_id,
            item_id=self._kind,
            expected=unquoted(item["_etag"]),
            body=rest | outbox_members(records) | {"writes": writes},
        )
        try:
            await self._container.persist(
                lambda: send(self._container.proxy, write, lambda _request: None)
            )
        except Refused:
            return False
        return True


def _holds_older_ones(found: Findings, limit: int, than: datetime) -> bool:
    """Whether the ``limit`` oldest are all older; segments overlap."""
    if len(found) < limit:
        return False
    oldest = sorted(record.created_at for record in found.values())[:limit]
    return oldest[-1] < than


def _age(left: Left) -> tuple[datetime, str]:
    return left.created_at, left.record_id


def _given_up(
    batch: Iterable[Left], found: Collection[RecordKey], created_before: datetime
) -> Collection[RecordKey]:
    """Those that will never be there: nobody knew whether they were written."""
    forgotten = created_before - FORGOTTEN_AFTER
    return {left.key for left in batch if left.key not in found and left.created_at < forgotten}


async def _at_most[T](count: int, work: Iterable[Awaitable[T]]) -> list[T]:
    """All of it, ``count`` at a time."""
    slots = asyncio.Semaphore(count)

    async def guarded(each: Awaitable[T]) -> T:
        async with slots:
            return await each

    return await asyncio.gather(*map(guarded, work))
