"""Workers in Cosmos DB."""

import json
from collections.abc import Sequence
from datetime import datetime

from shared.domain.workers import Worker
from shared.ports import Page, Stored, WorkerFilter, WorkerOrder, WorkerQuery
from shared.storage.continuation import Position
from shared.storage.cosmos.access import Item
from shared.storage.cosmos.aggregates import CosmosAggregates
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import WORKERS
from shared.storage.cosmos.keys import id_of_time_key, position_key, time_key
from shared.storage.cosmos.selectors import label_members, require_selector
from shared.storage.projections import availability, capacity_by_channel
from shared.storage.queries import available_workers, idle_key, worker_list


class CosmosWorkerStore(CosmosAggregates[Worker]):
    KIND = "worker"
    DEFINITION = WORKERS

    def _index_members(self, worker: Worker) -> Item:
        fits = capacity_by_channel(worker)
        places = [_place(*place) for place in availability(worker)]
        return {
            "state": worker.state,
            "dueKey": _time_key(worker.due_at, worker),
            "idleSinceKey": _time_key(worker.idle_since, worker),
            "lastOfferedKey": _time_key(worker.last_offered_at, worker),
            "queues": list(dict.fromkeys(worker.profile.queues)),
            "channels": list(fits),
            "openChannels": [channel_id for channel_id, has_room in fits.items() if has_room],
            "hasCapacity": any(fits.values()),
            "places": places,
            "idleKey": position_key(idle_key(worker)) if places else None,
            **label_members(worker.profile.labels),
        }

    async def list(
        self, filter: WorkerFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        query = worker_list(filter)
        conditions = Conditions()
        conditions.after("listKey", query.position(continuation))
        _restrict(conditions, filter)
        return await self._page(query, conditions, "listKey", _by_id, limit)

    async def available(
        self, query: WorkerQuery, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        paged = available_workers(query)
        by_id = query.order is WorkerOrder.ID
        key, position_of = ("listKey", _by_id) if by_id else ("idleKey", idle_key)
        conditions = Conditions()
        conditions.after(key, paged.position(continuation))
        conditions.require("ARRAY_CONTAINS(c.places, {})", _place(query.queue_id, query.channel_id))
        if by_id and query.after_id is not None:
            conditions.require("c.listKey > {}", query.after_id)
        for selector in query.selectors:
            if selector.is_active:
                require_selector(conditions, selector)
        return await self._page(paged, conditions, key, position_of, limit)

    async def count(self, filter: WorkerFilter) -> int:
        conditions = Conditions()
        conditions.after("listKey", None)
        _restrict(conditions, filter)
        return await self._container.count(conditions.count())

    async def last_offered(self, queue_id: str) -> str | None:
        conditions = Conditions()
        conditions.after("lastOfferedKey", None)
        conditions.require("ARRAY_CONTAINS(c.queues, {})", queue_id)
        keys = await self._container.query(conditions.select_greatest("lastOfferedKey"), 1)
        return id_of_time_key(keys[0]) if keys else None

    async def idle(self, since: datetime, limit: int) -> Sequence[Stored[Worker]]:
        return await self._earliest("idleSinceKey", since, limit)


def _by_id(worker: Worker) -> Position:
    return (worker.id,)


def _restrict(conditions: Conditions, filter: WorkerFilter) -> None:
    if filter.state is not None:
        conditions.require("c.state = {}", filter.state)
    if filter.queue_id is not None:
        conditions.require("ARRAY_CONTAINS(c.queues, {})", filter.queue_id)
    if filter.channel_id is not None:
        channels = "c.openChannels" if filter.has_capacity else "c.channels"
        conditions.require(f"ARRAY_CONTAINS({channels}, {{}})", filter.channel_id)
    elif filter.has_capacity:
        conditions.require("c.hasCapacity = {}", True)


def _place(queue_id: str, channel_id: str | None) -> str:
    """One text for both, since a query can ask for one element of an array, but not for a pair."""
    return json.dumps([queue_id, channel_id], ensure_ascii=False)


def _time_key(at: datetime | None, worker: Worker) -> str | None:
    return None if at is None else time_key(at, worker.id)
