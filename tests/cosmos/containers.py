"""Items of a container: in logical partitions, versioned by ETags, expiring by ttl."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.cosmos.documents import Document, write
from tests.cosmos.errors import (
    bad_request,
    conflict,
    not_found,
    not_spoken,
    precondition_failed,
    too_large,
)
from tests.cosmos.indexing import IndexingPolicy
from tests.cosmos.items import Item
from tests.cosmos.partitions import (
    KEY_MISMATCH,
    PartitionKey,
    PartitionKeyRange,
    key_of_document,
)
from tests.cosmos.resources import ResourceIds, system_properties

_LARGEST_ITEM_BYTES = 2 * 1024 * 1024
_LONGEST_ID_BYTES = 1023
_FORBIDDEN_IN_IDS = frozenset("/\\?#")
_NEVER = -1


type _Items = dict[str, Item]


class Container:
    def __init__(
        self,
        definition: Document,
        policy: IndexingPolicy,
        ranges: tuple[PartitionKeyRange, ...],
        ids: ResourceIds,
        clock: Callable[[], datetime],
    ) -> None:
        self.definition = definition
        self.policy = policy
        self.ranges = ranges
        self.rid = str(definition["_rid"])
        self._ids = ids
        self._clock = clock
        self._partitions: dict[str, dict[PartitionKey, _Items]] = {each.id: {} for each in ranges}
        self._log_sequence_numbers = dict.fromkeys(self._partitions, 0)
        self._expiries: list[tuple[int, int, str, Item]] = []

    @property
    def partition_key_path(self) -> str:
        return str(self.definition["partitionKey"]["paths"][0])

    def redefine(self, definition: Document, policy: IndexingPolicy) -> None:
        self.definition = definition
        self.policy = policy

    def range_of(self, partition: PartitionKey) -> PartitionKeyRange:
        return next(each for each in self.ranges if each.holds(partition))

    def session_token(self, range_id: str) -> str:
        return f"{range_id}:-1#{self._log_sequence_numbers[range_id]}"

    def log_sequence_number(self, range_id: str) -> int:
        return self._log_sequence_numbers[range_id]

    def read(self, partition: PartitionKey, id: str) -> Item:
        """
        :raises CosmosError: there is none.
        """
        self._expire()
        item = self._items(partition).get(id)
        if item is None:
            raise not_found()
        return item

    def has(self, partition: PartitionKey, id: str) -> bool:
        self._expire()
        return id in self._items(partition)

    def create(self, partition: PartitionKey, document: Document) -> Item:
        """
        :raises CosmosError: the document cannot be stored, or its id is taken.
        """
        self._check(partition, document)
        if self.has(partition, document["id"]):
            raise conflict()
        return self._store(partition, document, None)

    def replace(
        self, partition: PartitionKey, id: str, document: Document, if_match: str | None
    ) -> Item:
        """
        :raises CosmosError: there is none, it has another etag, or the document cannot be stored.
        """
        self._check(partition, document)
        if document["id"] != id:
            raise not_spoken("a replace that changes the id")
        before = self._matching(partition, id, if_match)
        return self._store(partition, document, before)

    def delete(self, partition: PartitionKey, id: str, if_match: str | None) -> Item:
        """The item that is no more.

        :raises CosmosError: there is none, or it has another etag.
        """
        item = self._matching(partition, id, if_match)
        self._remove(item)
        self._count_write(partition)
        return item

    def in_partition(self, partition: PartitionKey) -> list[Item]:
        self._expire()
        return list(self._items(partition).values())

    def in_range(self, range_id: str, first: str, end: str) -> list[Item]:
        """Items of a range whose hashed keys are from ``first`` up to, without it, ``end``."""
        self._expire()
        return [
            item
            for partition, items in self._partitions[range_id].items()
            if first <= partition.hashed < end
            for item in items.values()
        ]

    @contextmanager
    def transaction(self, partition: PartitionKey) -> Iterator[None]:
        """Takes back every write to the partition if the block raises."""
        before = dict(self._items(partition))
        try:
            yield
        except BaseException:
            self._restore(partition, before)
            raise

    def _restore(self, partition: PartitionKey, items: _Items) -> None:
        if items:
            self._neighbours(partition)[partition] = items
        else:
            self._neighbours(partition).pop(partition, None)

    def _items(self, partition: PartitionKey) -> _Items:
        return self._neighbours(partition).get(partition, {})

    def _neighbours(self, partition: PartitionKey) -> dict[PartitionKey, _Items]:
        """The partitions of the same range."""
        return self._partitions[self.range_of(partition).id]

    def _remove(self, item: Item) -> None:
        items = self._items(item.partition)
        del items[item.id]
        if not items:
            del self._neighbours(item.partition)[item.partition]

    def _matching(self, partition: PartitionKey, id: str, if_match: str | None) -> Item:
        item = self.read(partition, id)
        if if_match not in (None, "*", item.etag):
            raise precondition_failed()
        return item

    def _store(self, partition: PartitionKey, document: Document, before: Item | None) -> Item:
        now = int(self._clock().timestamp())
        sequence = before.sequence if before else self._ids.next_sequence()
        rid = self._ids.item(self.rid, sequence)
        parent = str(self.definition["_self"])
        stored = document | system_properties(rid, f"{parent}docs/{rid}/", self._ids.etag(now), now)
        body = write(stored)
        if len(body) > _LARGEST_ITEM_BYTES:
            raise too_large("The item is larger than 2 MB.")
        item = Item(
            document=stored,
            body=body,
            terms=self.policy.terms(stored),
            partition=partition,
            sequence=sequence,
            etag=stored["_etag"],
            expires_at=self._expiry(document, now),
        )
        self._neighbours(partition).setdefault(partition, {})[item.id] = item
        self._count_write(partition)
        if item.expires_at is not None:
            heapq.heappush(self._expiries, (item.expires_at, sequence, item.etag, item))
        return item

    def _count_write(self, partition: PartitionKey) -> None:
        self._log_sequence_numbers[self.range_of(partition).id] += 1

    def _expiry(self, document: Document, now: int) -> int | None:
        if "defaultTtl" not in self.definition:
            return None
        seconds = document["ttl"] if "ttl" in document else self.definition["defaultTtl"]
        return None if seconds == _NEVER else now + seconds

    def _expire(self) -> None:
        now = self._clock().timestamp()
        while self._expiries and self._expiries[0][0] <= now:
            *_, item = heapq.heappop(self._expiries)
            if self._items(item.partition).get(item.id) is item:
                self._remove(item)

    def _check(self, partition: PartitionKey, document: Document) -> None:
        if key_of_document(document, self.partition_key_path) != partition:
            raise bad_request(
                "PartitionKey extracted from document doesn't match the one specified in the"
                " header.",
                KEY_MISMATCH,
            )
        _check_id(document.get("id"))
        _check_ttl(document)


def _check_id(id: object) -> None:
    if not isinstance(id, str) or not id:
        raise bad_request(
            "The input content is invalid because the required property 'id' is missing."
        )
    if _FORBIDDEN_IN_IDS & set(id) or len(id.encode()) > _LONGEST_ID_BYTES:
        raise bad_request("The id holds a forbidden character or is too long.")


def _check_ttl(document: Mapping[str, Any]) -> None:
    ttl = document.get("ttl", _NEVER)
    if not isinstance(ttl, int) or isinstance(ttl, bool) or (ttl != _NEVER and ttl <= 0):
        raise bad_request("The input ttl is invalid. It has to be -1 or a positive integer.")
