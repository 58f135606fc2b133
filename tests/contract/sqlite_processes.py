"""What other processes do with a store's file in ``test_sqlite_processes``."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from shared.ports import AlreadyExists, ConcurrencyConflict, StoreUnavailable
from shared.storage.sqlite import SqliteStore, Synchronous, open_sqlite_store
from tests.factories import NOW, make_job, make_record, make_worker


def start_at_once(path: Path, name: str) -> None:
    asyncio.run(_create_one(path, name))


async def _create_one(path: Path, name: str) -> None:
    store = await open_sqlite_store(path)
    await store.jobs.create(make_job(name), None, NOW)
    await store.close()


def count_up(path: Path, name: str, increments: int, tasks: int) -> None:
    """Add ``increments`` to the one worker's sequence, each with an outbox record."""
    asyncio.run(_count_up(path, name, increments, tasks))


async def _count_up(path: Path, name: str, increments: int, tasks: int) -> None:
    store = await open_sqlite_store(path, synchronous=Synchronous.NORMAL, busy_timeout=30)
    numbers = iter(range(increments))

    async def work() -> None:
        for number in numbers:
            await _increment(store, f"{name}-{number}")

    await asyncio.gather(*(work() for _ in range(tasks)))
    await store.close()


async def _increment(store: SqliteStore, record_id: str) -> None:
    record = make_record(record_id, "counter")
    while True:
        stored = await store.workers.get("counter")
        if stored is None:
            try:
                await store.workers.create(make_worker("counter", sequence=1), record, NOW)
            except AlreadyExists:
                continue
            return
        following = replace(stored.value, sequence=stored.value.sequence + 1)
        try:
            await store.workers.replace(stored, following, record, NOW)
        except ConcurrencyConflict:
            continue
        return


def write_until_killed(path: Path, acknowledged: Connection) -> None:
    """Create jobs with records for ever; tell the id of each that was acknowledged."""
    asyncio.run(_write_until_killed(path, acknowledged.send))


async def _write_until_killed(path: Path, acknowledge: Callable[[str], None]) -> None:
    store = await open_sqlite_store(path)
    numbers = count()

    async def write() -> None:
        for number in numbers:
            id = f"j{number:06}"
            await store.jobs.create(make_job(id), make_record("r", id), NOW)
            acknowledge(id)

    try:
        await asyncio.gather(*(write() for _ in range(8)))
    except StoreUnavailable:
        await store.close()
