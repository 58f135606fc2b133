"""Jobs in Cosmos DB."""

from collections.abc import Sequence

from shared.domain.jobs import Job
from shared.ports import JobFilter, Page, Stored
from shared.storage.cosmos.access import Item
from shared.storage.cosmos.aggregates import CosmosAggregates
from shared.storage.cosmos.conditions import Conditions
from shared.storage.cosmos.containers import JOBS
from shared.storage.cosmos.keys import position_key, time_key, time_key_after
from shared.storage.queries import job_list, waiting_jobs, waiting_key


class CosmosJobStore(CosmosAggregates[Job]):
    KIND = "job"
    DEFINITION = JOBS

    def _index_members(self, job: Job) -> Item:
        scheduled_at = job.scheduled_at
        return {
            "status": job.status,
            "queueId": job.queue_id,
            "channelId": job.channel_id,
            "dueKey": time_key(job.due_at, job.id),
            "scheduledKey": None if scheduled_at is None else time_key(scheduled_at, job.id),
            "waitingKey": position_key(waiting_key(job)) if job.is_waiting else None,
        }

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


def _restrict(conditions: Conditions, filter: JobFilter) -> None:
    if filter.statuses is not None:
        conditions.require_one_of("status", sorted(filter.statuses))
    if filter.queue_id is not None:
        conditions.require("c.queueId = {}", filter.queue_id)
    if filter.channel_id is not None:
        conditions.require("c.channelId = {}", filter.channel_id)
    if filter.scheduled_before is not None:
        conditions.require("c.scheduledKey < {}", time_key_after(filter.scheduled_before))
    if filter.scheduled_after is not None:
        conditions.require("c.scheduledKey >= {}", time_key(filter.scheduled_after))
