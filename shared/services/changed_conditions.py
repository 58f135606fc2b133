"""Telling waiting jobs that the exception policy of their queue is another, or has other rules.

A job knows when its next exception is due, so that a sweep finds it by that time. Who changes the
rules notes it before, and a sweep tells the jobs afterwards: so no crash can leave a queue whose
jobs go by the old rules.
"""

from datetime import datetime

from shared.domain.errors import NotFound
from shared.domain.queue_conditions import ChangedConditions, QueueConditions
from shared.ports import Stored
from shared.services.commits import change_job
from shared.services.definitions import FRESH_FOR, every
from shared.services.router import Router, until_committed

SETTLED_AFTER = 2 * FRESH_FOR
"""By then nobody lets jobs into the queue by the old rules any more."""


async def note_change_in(router: Router, queue_id: str) -> None:
    """The queue is about to get other rules."""
    store, change = router.store.changed_conditions, ChangedConditions(id=queue_id)

    async def attempt() -> None:
        stored = await store.get(queue_id)
        if stored is None:
            await store.create(change, router.clock())
        else:
            await store.replace(stored, change, router.clock())

    await until_committed(attempt)


async def note_change_of(router: Router, policy_id: str) -> None:
    """The exception policy is about to change, and with it the rules in all queues that use it."""
    async for queue in every(router.store.queues):
        if queue.exception_policy_id == policy_id:
            await note_change_in(router, queue.id)


def is_settled(change: Stored[ChangedConditions], now: datetime) -> bool:
    return change.modified_at + SETTLED_AFTER <= now


async def tell(router: Router, job_id: str, queue_id: str, conditions: QueueConditions) -> None:
    """Have the job know the conditions in the queue, unless it does not wait there any more."""
    try:
        await change_job(router, job_id, lambda job: job.learn(queue_id, conditions))
    except NotFound:
        return
