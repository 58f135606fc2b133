"""The stores under contract. A further adapter needs one entry in ``OPENERS``."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.ports import Page, Store
from shared.storage.memory import MemoryStore
from shared.storage.sqlite import SqliteStore, Synchronous, open_sqlite_store
from tests.contract.cosmos_databases import DisposableStore, cosmos_database, open_disposable


async def open_memory(_folder: Path) -> MemoryStore:
    return MemoryStore()


async def open_sqlite(folder: Path) -> SqliteStore:
    """Not waiting for the disk: tests do not lose power."""
    return await open_sqlite_store(folder / "store.db", synchronous=Synchronous.NORMAL)


async def open_cosmos(_folder: Path) -> DisposableStore:
    return await open_disposable(await cosmos_database())


OPENERS: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "memory": open_memory,
    "sqlite": open_sqlite,
    "cosmos": open_cosmos,
}


async def all_pages[D](fetch: Callable[[str | None], Awaitable[Page[D]]]) -> list[D]:
    """The items of all pages; ``fetch`` gets one, given the continuation."""
    items: list[D] = []
    page = await fetch(None)
    items.extend(page.items)
    while page.continuation is not None:
        page = await fetch(page.continuation)
        items.extend(page.items)
    return items
