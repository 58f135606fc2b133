"""Jobs in Cosmos DB."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from shared.domain.jobs import Job
from shared.domain.waiting import WaitingGroup
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    JobFilter,
    OutboxRecord,
    Page,
    Stored,
)
from shared.storage.cosmos.access import Item
from shared.storage.cosmos.aggregates import CosmosAggregates
from shared.storage.cosmos.bars import bar, etag_of_bar
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import JOBS
from shared.storage.cosmos.items import Version, read_version
from shared.storage.cosmos.keys import leading_integers, position_key, time_key, time_key_after
from shared.storage.epoch import from_micros
from shared.storage.queries import IN_SERVICE, assigned_at, job_list, waiting_jobs, waiting_key


class CosmosJobStore(CosmosAggregates[Job]):
    KIND = "job"
    DEFINITION = JOBS

    def _index_members(self, job: Job) -> Item:
        scheduled_at, assigned = job.scheduled_at, assigned_at(job)
        return {
            "status": job.status,
            "queueId": job.queue_id,
            "channelId": job.channel_id,
            "classificationPolicyId": job.definition.classification_policy_id,
            "assignedKey": None if assigned is None else time_key(assigned, job.id),
            "dueKey": time_key(job.due_at, job.id),
            "scheduledKey": None if scheduled_at is None else time_key(scheduled_at, job.id),
            "waitingKey": position_key(waiting_key(job)) if job.is_waiting else None,
        }

    async def create(
        self, aggregate: Job, record: OutboxRecord | None, now: datetime
    ) -> Stored[Job]:
        """Whether there is a bar shows when the database refuses: then it is replaced."""
        try:
            return await super().create(aggregate, record, now)
        except AlreadyExists:
            etag = await etag_of_bar(self._container, aggregate.id, self.KIND)
            if etag is None:
                raise
        if aggregate.offers:
            raise ConcurrencyConflict(f"Offers of '{aggregate.id}' are barred.")
        return await self.replace(Version(aggregate, etag, now), aggregate, record, now)

    async def bar_offers(self, job_id: str, now: datetime) -> None:  # noqa: ARG002
        """``now`` does not matter: the database counts the time to live."""
        await bar(self._container, job_id, self.KIND)

    async def list(
        self, filter: JobFilter, limit: int, continuation: str | None = None
    ) -> Page[Stored[Job]]:
        query = job_list(filter)
        conditions = Conditions()
        conditions.after("listKey", query.position(continuation))
        _restrict(conditions, filter)
        return await self._page(query, conditions, "listKey", lambda job: (job.id,), limit)

    async def waiting(
        self,
        queue_ids: Sequence[str],
        channel_ids: Sequence[str] | None,
        limit: int,
        continuation: str | None = None,
    ) -> Page[Stored[Job]]:
        query = waiting_jobs(queue_ids, channel_ids)
        conditions = Conditions()
        conditions.after("waitingKey", query.position(continuation))
        conditions.require_one_of("queueId", sorted(set(queue_ids)))
        if channel_ids is not None:
            conditions.require_one_of("channelId", sorted(set(channel_ids)))
        return await self._page(query, conditions, "waitingKey", waiting_key, limit)

    async def count_waiting(self, queue_id: str, ahead_of: Job | None = None) -> int:
        conditions = Conditions()
        conditions.require("c.queueId = {}", queue_id)
        conditions.after("waitingKey", None)
        if ahead_of is not None:
            conditions.require("c.waitingKey < {}", position_key(waiting_key(ahead_of)))
        return await self._container.count(conditions.count())

    async def count_in_service(self, queue_id: str) -> int:
        conditions = Conditions()
        conditions.require("c.queueId = {}", queue_id)
        conditions.require_one_of("status", IN_SERVICE)
        return await self._container.count(conditions.count())

    async def waiting_by_priority(self, queue_id: str) -> Sequence[WaitingGroup]:
        """Two small queries for each group: to have them grouped would be to read every item."""
        best = [key async for key in self._best_of_groups(queue_id)]
        counts = await asyncio.gather(*(self._count_group(queue_id, key) for key in best))
        return [_group(key, count) for key, count in zip(best, counts, strict=True) if count]

    async def assigned_last(self, queue_id: str, limit: int) -> Sequence[Stored[Job]]:
        conditions = Conditions()
        conditions.require("c.queueId = {}", queue_id)
        conditions.after("assignedKey", None)
        items = await self._container.query(conditions.select_latest("assignedKey"), limit)
        return [read_version(self._codec, item) for item in items]

    async def _best_of_groups(self, queue_id: str) -> AsyncIterator[str]:
        """The waiting key of each group's best job, which is its oldest; best group first."""
        beyond = ""
        while True:
            conditions = Conditions()
            conditions.require("c.queueId = {}", queue_id)
            conditions.require("c.waitingKey >= {}", beyond)
            found = await self._container.query(conditions.select_least("waitingKey"), 1)
            if not found:
                return
            yield found[0]
            beyond = _beyond_group(found[0])

    async def _count_group(self, queue_id: str, key: str) -> int:
        conditions = Conditions()
        conditions.require("c.queueId = {}", queue_id)
        conditions.require("c.waitingKey >= {}", key)
        conditions.require("c.waitingKey < {}", _beyond_group(key))
        return await self._container.count(conditions.count())


def _beyond_group(key: str) -> str:
    """Greater than the waiting keys of the same expedition and priority, and of no other."""
    tier, rank, _ = leading_integers(key, 3)
    return position_key((tier, rank + 1))


def _group(key: str, count: int) -> WaitingGroup:
    """``key``: of the best job."""
    tier, rank, since = leading_integers(key, 3)
    return WaitingGroup(expedited=tier == 0, priority=-rank, count=count, oldest=from_micros(since))


def _restrict(conditions: Conditions, filter: JobFilter) -> None:
    if filter.statuses is not None:
        conditions.require_one_of("status", sorted(filter.statuses))
    if filter.queue_id is not None:
        conditions.require("c.queueId = {}", filter.queue_id)
    if filter.channel_id is not None:
        conditions.require("c.channelId = {}", filter.channel_id)
    if filter.classification_policy_id is not None:
        conditions.require("c.classificationPolicyId = {}", filter.classification_policy_id)
    if filter.scheduled_before is not None:
        conditions.require("c.scheduledKey < {}", time_key_after(filter.scheduled_before))
    if filter.scheduled_after is not None:
        conditions.require("c.scheduledKey >= {}", time_key(filter.scheduled_after))
