"""Definitions in Cosmos DB: configuration, all of one kind in one partition."""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from shared.ports import Page, Stored
from shared.storage.cosmos.access import Container
from shared.storage.cosmos.ambiguity import commit
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import DEFINITIONS
from shared.storage.cosmos.items import document_members, item_id, read_version, successor
from shared.storage.cosmos.writes import Write, new_write_id
from shared.storage.documents import Codec
from shared.storage.queries import definition_list


class Identified(Protocol):
    @property
    def id(self) -> str: ...


class CosmosDefinitionStore[D: Identified]:
    def __init__(self, container: Container, kind: str, codec: Codec[D]) -> None:
        self._container = container
        self._kind = kind
        self._codec = codec

    async def get(self, id: str) -> Stored[D] | None:
        item = await self._container.read(item_id(id), self._kind)
        return None if item is None else read_version(self._codec, item)

    async def create(self, definition: D, now: datetime) -> Stored[D]:
        return await self._put(None, definition, now)

    async def replace(self, expected: Stored[D], definition: D, now: datetime) -> Stored[D]:
        return await self._put(expected, definition, now)

    async def delete(self, expected: Stored[D]) -> None:
        write = Write(
            id=new_write_id(),
            name=expected.value.id,
            partition=self._kind,
            item_id=item_id(expected.value.id),
            expected=expected.etag,
        )
        await commit(self._container, write)

    async def list(self, limit: int, continuation: str | None = None) -> Page[Stored[D]]:
        query = definition_list(self._kind)
        conditions = Conditions()
        conditions.after("name", query.position(continuation))
        items = await self._container.query(conditions.select("name", self._kind), limit + 1)
        versions = [read_version(self._codec, item) for item in items]
        return query.page([((v.value.id,), v) for v in versions], limit)

    async def _put(self, expected: Stored[D] | None, definition: D, now: datetime) -> Stored[D]:
        write_id = new_write_id()
        written = successor(expected, definition, now, write_id)
        write = Write(
            id=write_id,
            name=definition.id,
            partition=self._kind,
            item_id=item_id(definition.id),
            expected=None if expected is None else expected.etag,
            body={
                "id": item_id(definition.id),
                DEFINITIONS.partition_key: self._kind,
                "name": definition.id,
                **document_members(self._codec, written),
            },
        )
        return replace(written, etag=await commit(self._container, write))
