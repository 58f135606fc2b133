"""Leftovers: records of the outbox that their processes do not deal with (any more).

Left by name, or found in what names the segment of a process that died. The first are struck off
the list of their segment when they are dealt with. The others are erased from their items, as
nothing lists them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched

from shared.ports import ConcurrencyConflict, OutboxRecord, Stored
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.errors import Refused
from shared.storage.cosmos.items import read_record, record_id
from shared.storage.cosmos.removal import remove_items
from shared.storage.cosmos.segment_list import Left, Place, RecordKey, Segment, SegmentList
from shared.storage.cosmos.writes import Write, send, unquoted

DEAD_AFTER = timedelta(seconds=20)
"""Who says nothing of a segment for so much longer than sweeps wait anyway is dead; or late, and
then some events are published twice."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""No write of so long ago is still under way."""

MOST_IN_PARTITION = 1000
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Found:
    record: OutboxRecord
    place: Place


type Findings = dict[RecordKey, Found]


class Leftovers:
    """``kind``: the id of the aggregates' items."""

    def __init__(self, container: Container, kind: str, listing: SegmentList) -> None:
        self._container = container
        self._kind = kind
        self._list = listing

    # -- finding ------------------------------------------------------------------------------

    async def find(
        self, is_open: Callable[[str], bool], created_before: datetime, limit: int
    ) -> Findings:
        """At least ``limit``, if there are so many; what is listed in vain is struck off.

        ``is_open``: whether a segment is one of this process's, which knows better.
        """
        found: Findings = {}
        async for stored in self._list.oldest_first():
            if not is_open(stored.value.id):
                _add(found, await self._of(stored, created_before, limit))
            if len(found) >= limit:
                break
        return found

    async def read(self, keys: Iterable[RecordKey]) -> Findings:
        """Those of the records that are stored."""
        wanted = set(keys)
        partitions = sorted({aggregate_id for aggregate_id, _ in wanted})
        found = await _at_most(AT_ONCE, map(self._in_partition, partitions))
        return {key: each for of in found for key, each in of.items() if key in wanted}

    async def _of(self, stored: Stored[Segment], created_before: datetime, limit: int) -> Findings:
        left = stored.value.left
        if left is not None:
            return await self._left(stored.value.id, left, created_before, limit)
        if stored.value.opened_at < created_before - DEAD_AFTER:
            return await self._abandoned(stored, created_before, limit)
        return {}

    async def _left(
        self, segment: str, left: Iterable[Left], created_before: datetime, limit: int
    ) -> Findings:
        old = [each for each in left if each.created_at < created_before]
        found: Findings = {}
        for batch in batched(sorted(old, key=_age), limit, strict=False):
            found |= _named(await self.read(each.key for each in batch), segment)
            await self._strike(segment, _given_up(batch, found, created_before))
            if len(found) >= limit:
                break
        return found

    async def _abandoned(
        self, stored: Stored[Segment], created_before: datetime, limit: int
    ) -> Findings:
        conditions = Conditions()
        conditions.require("c.segment = {}", stored.value.id)
        found = self._read_all(await self._container.query(conditions.select("segment"), limit))
        if not found and stored.value.opened_at < created_before - FORGOTTEN_AFTER:
            with suppress(ConcurrencyConflict):
                await self._list.delete(stored)
        return found

    async def _in_partition(self, aggregate_id: str) -> Findings:
        conditions = Conditions()
        conditions.require("c.segment >= {}", "")
        query = conditions.select("segment", aggregate_id)
        return self._read_all(await self._container.query(query, MOST_IN_PARTITION))

    def _read_all(self, items: Iterable[Item]) -> Findings:
        found: Findings = {}
        for item in items:
            is_beside = item["kind"] != self._kind
            for kept in [item] if is_beside else item["outbox"]:
                record = read_record(kept)
                place = Place(item["segment"], is_beside)
                found[record.aggregate_id, record.id] = Found(record, place)
        return found

    # -- removing -----------------------------------------------------------------------------

    async def remove(self, places: Mapping[RecordKey, Place | None]) -> None:
        """They are dealt with. ``None``: wherever it is."""
        named = {key: place for key, place in places.items() if place and place.named_in}
        await self.remove_beside(key for key, place in named.items() if place.is_beside)
        await self._erase(places.keys() - named.keys())
        for segment, keys in _by_segment(named).items():
            await self._strike(segment, keys)

    async def remove_beside(self, keys: Iterable[RecordKey]) -> None:
        ids = {aggregate_id: map(record_id, of) for aggregate_id, of in _by_aggregate(keys).items()}
        await remove_items(self._container, ids)

    async def _strike(self, segment: str, keys: Collection[RecordKey]) -> None:
        """Nobody has to look for these any more."""
        while keys:
            stored = await self._list.get(segment)
            left = stored.value.left if stored is not None else None
            if stored is None or left is None:
                return
            remaining = tuple(each for each in left if each.key not in keys)
            if len(remaining) == len(left) or await self._relisted(stored, remaining):
                return

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
        by_aggregate = _by_aggregate(keys)
        await _at_most(AT_ONCE, (self._erase_from(id, of) for id, of in by_aggregate.items()))

    async def _erase_from(self, aggregate_id: str, ids: Collection[str]) -> None:
        while item := await self._container.read(self._kind, aggregate_id):
            records = item.get("outbox", [])
            kept = [record for record in records if record["id"] not in ids]
            if len(kept) == len(records) or await self._replaced(aggregate_id, item, kept):
                ids = set(ids) - {record["id"] for record in records}
                break
        await self.remove_beside((aggregate_id, id) for id in ids)

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


def _age(left: Left) -> tuple[datetime, str]:
    return left.created_at, left.record_id


def _named(found: Findings, segment: str) -> Findings:
    return {
        key: replace(each, place=replace(each.place, named_in=frozenset({segment})))
        for key, each in found.items()
    }


def _add(found: Findings, more: Findings) -> None:
    for key, each in more.items():
        known = found.get(key, each).place.named_in
        place = replace(each.place, named_in=each.place.named_in | known)
        found[key] = replace(each, place=place)


def _given_up(
    batch: Iterable[Left], found: Collection[RecordKey], created_before: datetime
) -> Collection[RecordKey]:
    """Those that will never be there: nobody knew whether they were written."""
    forgotten = created_before - FORGOTTEN_AFTER
    return {left.key for left in batch if left.key not in found and left.created_at < forgotten}


def _with_records(item: Item, records: Sequence[Item]) -> Item:
    rest = {name: member for name, member in item.items() if name not in {"outbox", "segment"}}
    return {**rest, "segment": item["segment"], "outbox": records} if records else rest


def _by_segment(places: Mapping[RecordKey, Place]) -> dict[str, set[RecordKey]]:
    """Of all segments that may list them: who wrote the item last may do so as well."""
    keys = defaultdict[str, set[RecordKey]](set)
    for key, place in places.items():
        for segment in {place.segment, *place.named_in}:
            keys[segment].add(key)
    return keys


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
