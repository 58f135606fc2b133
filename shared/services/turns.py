"""Who in this process is changing what right now.

Many requests match at the same time, and what is best for one is often best for all: the worker
that is idle longest, or a job that its own request is about to offer when a freed worker finds it
in the store. Only one of them can win. The offer protocol is safe without turns: they only save its
lost races, and only those between tasks of one process.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Of one kind of thing, by id. Belongs to one event loop."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """How many are being changed now."""
        return len(self._locks)

    def is_taken(self, id: str) -> bool:
        lock = self._locks.get(id)
        return lock is not None and lock.locked()

    @asynccontextmanager
    async def of(self, id: str) -> AsyncIterator[bool]:
        """Be the only one at it. Gives whether somebody else had to finish first."""
        lock = self._locks.get(id) or self._locks.setdefault(id, asyncio.Lock())
        had_to_wait = lock.locked()
        async with lock:
            yield had_to_wait
