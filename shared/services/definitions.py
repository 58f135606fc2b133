"""Configuration as the hot paths see it: cached for moments, read from the store after that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.distribution import DistributionPolicy
from shared.domain.queues import Queue
from shared.ports import Clock, DefinitionStore, Store

FRESH_FOR = timedelta(seconds=2)
"""How long another instance's change of a queue or policy may go unseen."""


@dataclass(frozen=True, slots=True)
class _Entry[D]:
    value: D
    read_at: datetime


class _Cache[D]:
    """What is missing is looked up every time: a new definition is seen at once."""

    def __init__(self, store: DefinitionStore[D], clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: dict[str, _Entry[D]] = {}

    async def get(self, id: str) -> D | None:
        entry = self._entries.get(id)
        if entry is not None and self._clock() - entry.read_at < FRESH_FOR:
            return entry.value
        return await self._read(id)

    def forget(self, id: str) -> None:
        self._entries.pop(id, None)

    async def _read(self, id: str) -> D | None:
        read_at = self._clock()
        stored = await self._store.get(id)
        if stored is None:
            self.forget(id)
            return None
        self._entries[id] = _Entry(stored.value, read_at)
        return stored.value


class DefinitionCache:
    """Queues and distribution policies by id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.queues: _Cache[Queue] = _Cache(store.queues, clock)
        self.distribution_policies: _Cache[DistributionPolicy] = _Cache(
            store.distribution_policies, clock
        )

    async def policy_of(self, queue_id: str) -> DistributionPolicy | None:
        """The queue's distribution policy; ``None`` while queue or policy is missing."""
        queue = await self.queues.get(queue_id)
        if queue is None:
            return None
        return await self.distribution_policies.get(queue.distribution_policy_id)
