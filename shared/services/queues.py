"""Use cases of queues."""

from collections.abc import Callable

from shared.domain.errors import InvalidReference, NotFound, unknown_reference
from shared.domain.queues import Queue
from shared.domain.statuses import TERMINAL, JobStatus
from shared.ports import JobFilter, Page, Stored
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.upserts import Upserted

type DefineQueue = Callable[[Queue | None], Queue]

UNFINISHED = frozenset(JobStatus) - TERMINAL


async def upsert_queue(
    router: Router, queue_id: str, define: DefineQueue, precondition: Precondition
) -> Upserted[Queue]:
    """Create a queue or change one. ``define``: as for jobs.

    :raises PreconditionFailed, InvalidReference, TooMuchContention: nothing was changed.
    """

    async def attempt() -> Upserted[Queue]:
        stored = await router.store.queues.get(queue_id)
        precondition.check(stored)
        queue = define(stored.value if stored else None)
        await _check_policy(router, queue)
        if stored is None:
            created = await router.store.queues.create(queue, router.clock())
            return Upserted(created, created=True)
        changed = await router.store.queues.replace(stored, queue, router.clock())
        return Upserted(changed, created=False)

    upserted = await until_committed(attempt)
    router.definitions.queues.forget(queue_id)
    return upserted


async def get_queue(router: Router, queue_id: str) -> Stored[Queue]:
    """:raises NotFound: there is no such queue."""
    stored = await router.store.queues.get(queue_id)
    if stored is None:
        raise NotFound("queue", queue_id)
    return stored


async def list_queues(router: Router, limit: int, continuation: str | None) -> Page[Stored[Queue]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await router.store.queues.list(limit, continuation)


async def delete_queue(router: Router, queue_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such queue, or unfinished jobs are in it."""

    async def attempt() -> None:
        stored = await get_queue(router, queue_id)
        await _check_unused(router, queue_id)
        await router.store.queues.delete(stored)

    await until_committed(attempt)
    router.definitions.queues.forget(queue_id)


async def _check_policy(router: Router, queue: Queue) -> None:
    policy_id = queue.distribution_policy_id
    if await router.store.distribution_policies.get(policy_id) is None:
        raise unknown_reference("distributionPolicyId", "distribution policy", policy_id)


async def _check_unused(router: Router, queue_id: str) -> None:
    jobs = await router.store.jobs.list(JobFilter(statuses=UNFINISHED, queue_id=queue_id), limit=1)
    if jobs.items:
        raise InvalidReference("ActiveJobWithQueueExist", "There are active jobs in this queue.")
