"""Routing a job: have it classified if it has a policy, and let it into its queue.

What happens there besides matching, its exception policy, is looked up here as well.
"""

from dataclasses import replace

from shared.domain.events import ClassificationError
from shared.domain.jobs import Job
from shared.domain.queue_conditions import NO_CONDITIONS, QueueConditions
from shared.domain.queues import QueueDetails, describe
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from shared.ports import Stored
from shared.services.classification import Unclassifiable, classify
from shared.services.commits import Commit, commit_job
from shared.services.router import Router, until_committed


async def route_job(router: Router, job_id: str, seen: Stored[Job] | None = None) -> Commit[Job]:
    """Take the next step of a job that is to be routed; nothing if it is not (any more).

    The step may lead to another, which is then among its follow-ups. ``seen``: the job as it was a
    moment ago.
    :raises TooMuchContention: the job keeps changing.
    """

    async def attempt() -> Commit[Job]:
        nonlocal seen
        stored, seen = seen or await router.store.jobs.get(job_id), None
        if stored is None or not stored.value.is_to_be_routed:
            return Commit(stored)
        return await commit_job(router, stored, await _routed(router, stored.value))

    return await until_committed(attempt)


async def conditions_in(router: Router, queue_id: str | None) -> QueueConditions:
    """What a job meets that is to join the queue. Its length is counted only if a rule asks."""
    conditions = await conditions_around(router, queue_id)
    if queue_id is None or not conditions.ask_for_length:
        return conditions
    return replace(conditions, length=await router.store.jobs.count_waiting(queue_id))


async def conditions_around(router: Router, queue_id: str | None) -> QueueConditions:
    """What a job meets that is in the queue already, or goes back there."""
    queue = await router.definitions.queues.get(queue_id) if queue_id is not None else None
    if queue is None or queue.exception_policy_id is None:
        return NO_CONDITIONS
    policy = await router.definitions.exception_policies.get(queue.exception_policy_id)
    return QueueConditions(policy=policy)


async def _routed(router: Router, job: Job) -> Transition[Job]:
    if job.status is JobStatus.PENDING_CLASSIFICATION:
        return await _classified(router, job)
    return job.admit(router.clock(), await conditions_in(router, job.queue_id))


async def _classified(router: Router, job: Job) -> Transition[Job]:
    policy_id = job.definition.classification_policy_id
    assert policy_id is not None, "it awaits the answer of one"
    try:
        policy = await router.definitions.classification_policies.get(policy_id)
        if policy is None:
            raise _gone("ClassificationPolicyNotFound", f"The policy '{policy_id}' is gone.")
        classification = await classify(router, job, policy)
        queue = await _queue(router, job.queue_after(classification))
    except Unclassifiable as failure:
        return job.fail_classification(policy_id, (failure.error,))
    conditions = await conditions_in(router, queue.id)
    return job.classify(classification, queue, router.clock(), conditions)


async def _queue(router: Router, queue_id: str | None) -> QueueDetails:
    assert queue_id is not None, "a classification ends in a queue"
    queue = await router.definitions.queues.get(queue_id)
    if queue is None:
        raise _gone("QueueNotFound", f"The queue '{queue_id}' does not exist.")
    return describe(queue)


def _gone(code: str, message: str) -> Unclassifiable:
    return Unclassifiable(ClassificationError(code=code, message=message))
