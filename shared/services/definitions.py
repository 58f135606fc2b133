"""Configuration as the hot paths see it: cached for moments, read from the store after that."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.queues import Queue
from shared.ports import Clock, DefinitionStore, Store

FRESH_FOR = timedelta(seconds=2)
"""How long another instance's change of a queue or policy may go unseen."""

PAGE = 200


@dataclass(frozen=True, slots=True)
class _Entry[D]:
    value: D
    read_at: datetime


class Cache[D]:
    """What is missing is looked up every time: a new definition is seen at once."""

    def __init__(self, store: DefinitionStore[D], clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: dict[str, _Entry[D]] = {}
        self._all: _Entry[Sequence[D]] | None = None

    async def get(self, id: str) -> D | None:
        entry = self._entries.get(id)
        if entry is not None and self._is_fresh(entry):
            return entry.value
        return await self._read(id)

    async def find(self, matches: Callable[[D], bool]) -> D | None:
        """The first definition, by id, that matches."""
        if self._all is not None and self._is_fresh(self._all):
            found = next(filter(matches, self._all.value), None)
            if found is not None:
                return found
        return next(filter(matches, await self._read_all()), None)

    def forget(self, id: str) -> None:
        self._entries.pop(id, None)
        self._all = None

    def _is_fresh[V](self, entry: _Entry[V]) -> bool:
        return self._clock() - entry.read_at < FRESH_FOR

    async def _read_all(self) -> Sequence[D]:
        read_at = self._clock()
        self._all = _Entry([value async for value in every(self._store)], read_at)
        return self._all.value

    async def _read(self, id: str) -> D | None:
        read_at = self._clock()
        stored = await self._store.get(id)
        if stored is None:
            self.forget(id)
            return None
        self._entries[id] = _Entry(stored.value, read_at)
        return stored.value


async def every[D](store: DefinitionStore[D]) -> AsyncIterator[D]:
    """All definitions of a kind, by id."""
    continuation: str | None = None
    while True:
        page = await store.list(PAGE, continuation)
        for stored in page.items:
            yield stored.value
        continuation = page.continuation
        if continuation is None:
            return


class DefinitionCache:
    """Queues and policies by id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.queues: Cache[Queue] = Cache(store.queues, clock)
        self.distribution_policies: Cache[DistributionPolicy] = Cache(
            store.distribution_policies, clock
        )
        self.classification_policies: Cache[ClassificationPolicy] = Cache(
            store.classification_policies, clock
        )
        self.exception_policies: Cache[ExceptionPolicy] = Cache(store.exception_policies, clock)

    async def policy_of(self, queue_id: str) -> DistributionPolicy | None:
        """The queue's distribution policy; ``None`` while queue or policy is missing."""
        queue = await self.queues.get(queue_id)
        if queue is None:
            return None
        return await self.distribution_policies.get(queue.distribution_policy_id)
