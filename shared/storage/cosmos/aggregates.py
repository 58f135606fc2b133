"""Aggregates in Cosmos DB: an item and a partition each, its outbox records beside it."""

from abc import ABC, abstractmethod
from collections import defaultdict
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
    document_members,
    read_record,
    read_version,
    record_id,
    record_item,
    successor,
    without_absent,
)
from shared.storage.cosmos.keys import time_key, time_key_after
from shared.storage.cosmos.removal import remove_items
from shared.storage.cosmos.writes import Write, new_write_id
from shared.storage.documents import Codec


class CosmosAggregates[A: Job | Worker](ABC):
    """``KIND``: the id of every aggregate's item.

    It is constant, so that the aggregate's own id, which is its partition, may be any text.
    """

    KIND: ClassVar[str]
    DEFINITION: ClassVar[ContainerDefinition]

    def __init__(self, container: Container, codec: Codec[A]) -> None:
        self._container = container
        self._codec = codec

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
        write = Write(
            id=new_write_id(),
            name=expected.value.id,
            partition=expected.value.id,
            item_id=self.KIND,
            expected=expected.etag,
        )
        await commit(self._container, self._with_record(write, record))

    async def due(self, now: datetime, limit: int) -> Sequence[Stored[A]]:
        return await self._earliest("dueKey", now, limit)

    async def outbox(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        conditions = Conditions()
        conditions.require("c.createdKey < {}", time_key(created_before))
        items = await self._container.query(conditions.select("createdKey"), limit)
        return [read_record(item) for item in items]

    async def remove_records(self, records: Iterable[OutboxRecord]) -> None:
        ids = defaultdict[str, set[str]](set)
        for record in records:
            ids[record.aggregate_id].add(record_id(record))
        await remove_items(self._container, ids)

    async def _put(
        self, expected: Stored[A] | None, aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        write_id = new_write_id()
        written = successor(expected, aggregate, now, write_id)
        write = Write(
            id=write_id,
            name=aggregate.id,
            partition=aggregate.id,
            item_id=self.KIND,
            expected=None if expected is None else expected.etag,
            body={
                "id": self.KIND,
                self.DEFINITION.partition_key: aggregate.id,
                "kind": self.KIND,
                "listKey": aggregate.id,
                **without_absent(self._index_members(aggregate)),
                **document_members(self._codec, written),
            },
        )
        etag = await commit(self._container, self._with_record(write, record))
        return replace(written, etag=etag)

    def _with_record(self, write: Write, record: OutboxRecord | None) -> Write:
        if record is None:
            return write
        return replace(write, record=record_item(self.DEFINITION, record, write.id))

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
