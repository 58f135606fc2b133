"""Aggregates in Cosmos DB: an item and a partition each, with its outbox records."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import OutboxRecord, Page, Stored
from shared.storage.continuation import PagedQuery, Position
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.ambiguity import commit
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import ContainerDefinition
from shared.storage.cosmos.items import (
    Version,
    document_members,
    outbox_members,
    read_version,
    successor,
    without_absent,
)
from shared.storage.cosmos.keys import time_key_after
from shared.storage.cosmos.outbox import CosmosOutbox
from shared.storage.cosmos.segment_list import SegmentList
from shared.storage.cosmos.segments import Pace
from shared.storage.cosmos.writes import Write, new_write_id
from shared.storage.documents import Codec


class CosmosAggregates[A: Job | Worker](ABC):
    """``KIND``: the id of every aggregate's item.

    It is constant, so that the aggregate's own id, which is its partition, may be any text.
    """

    KIND: ClassVar[str]
    DEFINITION: ClassVar[ContainerDefinition]

    def __init__(
        self, container: Container, codec: Codec[A], segments: SegmentList, pace: Pace
    ) -> None:
        self._container = container
        self._codec = codec
        self._outbox = CosmosOutbox(container, self.DEFINITION, self.KIND, segments, pace)

    async def close(self) -> None:
        await self._outbox.close()

    @abstractmethod
    def _index_members(self, aggregate: A) -> Item:
        """What the queries ask for; ``None``: the aggregate has no such member."""

    async def get(self, id: str) -> Stored[A] | None:
        item = await self._container.read(self.KIND, id)
        if item is None or item["kind"] != self.KIND:
            return None
        return read_version(self._codec, item)

    async def create(self, aggregate: A, record: OutboxRecord | None, now: datetime) -> Stored[A]:
        return await self._put(None, aggregate, record, now)

    async def replace(
        self, expected: Stored[A], aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        return await self._put(expected, aggregate, record, now)

    async def delete(self, expected: Stored[A], record: OutboxRecord | None) -> None:
        now = expected.modified_at if record is None else record.created_at
        deletion = self._planned(new_write_id(), expected.value.id, expected, record)
        async with self._outbox.entered(deletion, expected, record, now) as entry:
            await commit(self._container, replace(deletion, beside=entry.beside))

    async def due(self, now: datetime, limit: int) -> Sequence[Stored[A]]:
        return await self._earliest("dueKey", now, limit)

    async def outbox(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        return await self._outbox.find(created_before, limit)

    async def remove_records(self, records: Iterable[OutboxRecord]) -> None:
        await self._outbox.remove(records)

    async def _put(
        self, expected: Stored[A] | None, aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        write_id = new_write_id()
        written = successor(expected, aggregate, now, write_id)
        body = self._body(written)
        planned = replace(self._planned(write_id, aggregate.id, expected, record), body=body)
        async with self._outbox.entered(planned, expected, record, now) as entry:
            body |= outbox_members(entry.within)
            write = replace(planned, body=body, beside=entry.beside)
            etag = await commit(self._container, write)
        return replace(written, etag=etag, records=entry.within)

    def _planned(
        self, write_id: str, id: str, expected: Stored[A] | None, record: OutboxRecord | None
    ) -> Write:
        return Write(
            id=write_id,
            name=id,
            partition=id,
            item_id=self.KIND,
            expected=None if expected is None else expected.etag,
            record=None if record is None else record.id,
        )

    def _body(self, version: Version[A]) -> Item:
        id = version.value.id
        return {
            "id": self.KIND,
            self.DEFINITION.partition_key: id,
            "kind": self.KIND,
            "listKey": id,
            **without_absent(self._index_members(version.value)),
            **document_members(self._codec, version),
        }

    async def _earliest(self, key: str, until: datetime, limit: int) -> Sequence[Stored[A]]:
        conditions = Conditions()
        conditions.require(f"c.{key} < {{}}", time_key_after(until))
        items = await self._container.query(conditions.select(key), limit)
        return [read_version(self._codec, item) for item in items]

    async def _page(
        self,
        query: PagedQuery,
        conditions: Conditions,
        order_by: str,
        position_of: Callable[[A], Position],
        limit: int,
    ) -> Page[Stored[A]]:
        if not conditions.satisfiable:
            return Page([])
        items = await self._container.query(conditions.select(order_by), limit + 1)
        versions = [read_version(self._codec, item) for item in items]
        return query.page([(position_of(v.value), v) for v in versions], limit)
