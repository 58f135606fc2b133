"""Use cases of queues."""

from shared.domain.errors import InvalidReference
from shared.domain.queues import Queue
from shared.domain.statuses import UNFINISHED
from shared.ports import JobFilter, Page, Stored
from shared.services.changed_conditions import note_change_in
from shared.services.definition_changes import (
    CLASSIFICATION_POLICIES,
    DISTRIBUTION_POLICIES,
    EXCEPTION_POLICIES,
    QUEUES,
    Define,
    delete_definition,
    find_definition,
    get_definition,
    list_definitions,
    require_known,
    upsert_definition,
)
from shared.services.exception_loops import check_queue_leads_on
from shared.services.preconditions import Precondition
from shared.services.router import Router
from shared.services.upserts import Upserted


async def upsert_queue(
    router: Router, queue_id: str, define: Define[Queue], precondition: Precondition
) -> Upserted[Queue]:
    """Create a queue or change one.

    :raises PreconditionFailed, InvalidReference, TooMuchContention: nothing was changed.
    """

    async def check(queue: Queue) -> None:
        policy_id, exception_policy_id = queue.distribution_policy_id, queue.exception_policy_id
        await require_known(router, DISTRIBUTION_POLICIES, policy_id, "distributionPolicyId")
        if exception_policy_id is not None:
            await require_known(
                router, EXCEPTION_POLICIES, exception_policy_id, "exceptionPolicyId"
            )
            await check_queue_leads_on(router, queue.id, exception_policy_id)
        await _note_other_exceptions(router, queue)

    return await upsert_definition(router, QUEUES, queue_id, define, precondition, check)


async def get_queue(router: Router, queue_id: str) -> Stored[Queue]:
    """:raises NotFound: there is no such queue."""
    return await get_definition(router, QUEUES, queue_id)


async def list_queues(router: Router, limit: int, continuation: str | None) -> Page[Stored[Queue]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await list_definitions(router, QUEUES, limit, continuation)


async def delete_queue(router: Router, queue_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such queue, or something needs it.

    Unfinished jobs that are in it do, and policies that send jobs there. Workers do not.
    """

    async def check_unused() -> None:
        await _check_jobs(router, queue_id)
        await _check_fallbacks(router, queue_id)
        await _check_exceptions(router, queue_id)

    await delete_definition(router, QUEUES, queue_id, check_unused)


async def _note_other_exceptions(router: Router, queue: Queue) -> None:
    before = await router.store.queues.get(queue.id)
    if before is not None and before.value.exception_policy_id != queue.exception_policy_id:
        await note_change_in(router, queue.id)


async def _check_jobs(router: Router, queue_id: str) -> None:
    jobs = await router.store.jobs.list(JobFilter(statuses=UNFINISHED, queue_id=queue_id), limit=1)
    if jobs.items:
        raise InvalidReference("ActiveJobWithQueueExist", "There are active jobs in this queue.")


async def _check_fallbacks(router: Router, queue_id: str) -> None:
    policy = await find_definition(
        router, CLASSIFICATION_POLICIES, lambda policy: policy.fallback_queue_id == queue_id
    )
    if policy is not None:
        raise InvalidReference(
            "ClassificationPolicyWithQueueExist",
            f"The classification policy '{policy.id}' falls back to this queue.",
        )


async def _check_exceptions(router: Router, queue_id: str) -> None:
    policy = await find_definition(
        router, EXCEPTION_POLICIES, lambda policy: policy.moves_jobs_to(queue_id)
    )
    if policy is not None:
        raise InvalidReference(
            "ExceptionPolicyWithQueueExist",
            f"The exception policy '{policy.id}' moves jobs to this queue.",
        )
