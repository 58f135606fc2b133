"""Removing items that nobody changes any more, wherever they are and whether they still exist."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched

from shared.storage.cosmos.access import Container
from shared.storage.cosmos.errors import Refused

_MOST_IN_A_BATCH = 100
"""The database takes no more operations."""

_AT_ONCE = 8


async def remove_items(container: Container, ids: Mapping[str, Iterable[str]]) -> None:
    """Remove the items, given by partition: a batch for each, some partitions at a time."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def remove(partition: str, batch: Sequence[str]) -> None:
        async with slots:
            await _remove_from(container, partition, batch)

    batches = [
        remove(partition, batch)
        for partition, items in ids.items()
        for batch in batched(items, _MOST_IN_A_BATCH, strict=False)
    ]
    for outcome in await asyncio.gather(*batches, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _remove_from(container: Container, partition: str, ids: Sequence[str]) -> None:
    """One item that is gone makes a batch fail: then each is removed on its own."""
    if len(ids) > 1 and await _removed_together(container, partition, ids):
        return
    for id in ids:
        await _remove(container, partition, id)


async def _removed_together(container: Container, partition: str, ids: Sequence[str]) -> bool:
    async def attempt() -> None:
        operations = [("delete", (id,), dict[str, str]()) for id in ids]
        await container.proxy.execute_item_batch(operations, partition)

    try:
        await container.persist(attempt)
    except Refused:
        return False
    return True


async def _remove(container: Container, partition: str, id: str) -> None:
    async def attempt() -> None:
        await container.proxy.delete_item(id, partition)

    try:
        await container.persist(attempt)
    except Refused as refusal:
        if not refusal.is_missing:
            raise
