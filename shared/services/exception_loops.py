"""Exception policies that would send jobs round in a circle of full queues.

Only what is sure counts: rules on a queue's length that name the next queue. A rule on the wait
lets time pass, and a classification may decide otherwise each time; both may lead back.
"""

from collections.abc import Collection

from shared.domain.errors import InvalidReference
from shared.domain.exception_policies import ExceptionPolicy
from shared.services.definitions import every
from shared.services.router import Router


async def check_policy_leads_on(router: Router, policy: ExceptionPolicy) -> None:
    """:raises InvalidReference: a queue that has the policy would get its own jobs back."""
    users = [q.id async for q in every(router.store.queues) if q.exception_policy_id == policy.id]
    for place, queue_id in policy.overflow_moves:
        if await _leads_back(router, policy, queue_id, users):
            raise _loop(place, queue_id)


async def check_queue_leads_on(router: Router, queue_id: str, policy_id: str) -> None:
    """:raises InvalidReference: with the policy, the queue would get its own jobs back."""
    stored = await router.store.exception_policies.get(policy_id)
    if stored is None:
        return
    for _, next_id in stored.value.overflow_moves:
        if await _leads_back(router, stored.value, next_id, [queue_id]):
            raise _loop("exceptionPolicyId", queue_id)


async def _leads_back(
    router: Router, policy: ExceptionPolicy, start: str, queue_ids: Collection[str]
) -> bool:
    """Whether a job sent to ``start`` may be sent on to one of the queues. ``policy``: as it will
    be."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        queue_id = ahead.pop()
        if queue_id in queue_ids:
            return True
        if queue_id not in seen:
            seen.add(queue_id)
            ahead += await _next_queues(router, policy, queue_id)
    return False


async def _next_queues(router: Router, policy: ExceptionPolicy, queue_id: str) -> list[str]:
    queue = await router.store.queues.get(queue_id)
    policy_id = queue.value.exception_policy_id if queue else None
    if policy_id is None:
        return []
    if policy_id != policy.id:
        stored = await router.store.exception_policies.get(policy_id)
        if stored is None:
            return []
        policy = stored.value
    return [next_id for _, next_id in policy.overflow_moves]


def _loop(target: str, queue_id: str) -> InvalidReference:
    return InvalidReference(
        "ExceptionPolicyLoop",
        f"While queues are full, their exception policies would send jobs round in a circle, by "
        f"way of the queue '{queue_id}'.",
        target,
    )
