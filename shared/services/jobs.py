"""Use cases of jobs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.errors import Conflict, NotFound, unknown_reference
from shared.domain.job_definition import JobDefinition, routing
from shared.domain.jobs import Job
from shared.domain.queue_conditions import QueueConditions
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from shared.ports import JobFilter, Page, Stored
from shared.services.commits import Commit, change_job, commit_job
from shared.services.matching import create_matched
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.routing import conditions_around, conditions_in
from shared.services.settlement import settle
from shared.services.upserts import Upserted

type DefineJob = Callable[[JobDefinition | None], JobDefinition]


async def upsert_job(
    router: Router, job_id: str, define: DefineJob, precondition: Precondition
) -> Upserted[Job]:
    """Submit a job or change one.

    ``define`` makes the new definition of the current one (``None``: a new job); it is called again
    when a race was lost. A new job is answered as received; it is queued, and offered if a
    worker is available, in the same commit.
    :raises PreconditionFailed, InvalidReference, Conflict, TooMuchContention: nothing was changed.
    """

    async def attempt() -> _Attempt:
        stored = await router.store.jobs.get(job_id)
        precondition.check(stored)
        definition = define(stored.value.definition if stored else None)
        await _check_references(router, definition, stored.value.definition if stored else None)
        joins = stored is None or routing(definition) != routing(stored.value.definition)
        conditions = await (conditions_in if joins else conditions_around)(
            router, definition.queue_id
        )
        if stored is None:
            return await _submit(router, job_id, definition, conditions)
        transition = stored.value.update(definition, router.clock(), conditions)
        return _Attempt(await commit_job(router, stored, transition))

    result = await until_committed(attempt)
    stored = result.commit.stored
    assert stored is not None, "an upsert does not delete"
    await settle(router, result.commit.pending, job=None if result.is_matched else stored)
    if result.received is None:
        return Upserted(stored, created=False)
    return Upserted(replace(stored, value=result.received), created=True)


async def get_job(router: Router, job_id: str) -> Stored[Job]:
    """:raises NotFound: there is no such job."""
    stored = await router.store.jobs.get(job_id)
    if stored is None:
        raise NotFound("job", job_id)
    return stored


async def list_jobs(
    router: Router, filter: JobFilter, limit: int, continuation: str | None
) -> Page[Stored[Job]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await router.store.jobs.list(filter, limit, continuation)


async def cancel_job(
    router: Router, job_id: str, note: str | None, disposition_code: str | None
) -> None:
    """:raises NotFound, Conflict: there is no such job, it has ended already, or a worker has it
    and such jobs are not to be cancelled (``Behaviour.cancels_assigned``).
    """

    def cancel(job: Job, now: datetime) -> Transition[Job]:
        if job.open_assignment is not None and not router.behaviour.cancels_assigned:
            raise Conflict("JobIsAssigned", f"The job is {job.status}; close or unassign it.")
        return job.cancel(note, disposition_code, now)

    await _change(router, job_id, cancel)


async def delete_job(router: Router, job_id: str) -> None:
    """:raises NotFound, Conflict: there is no such job, or it has not ended yet."""
    await _change(router, job_id, lambda job, _: job.delete())


async def complete_job(router: Router, job_id: str, assignment_id: str, note: str | None) -> None:
    """:raises NotFound, Conflict: no such job or assignment, or it is not assigned."""
    await _change(router, job_id, lambda job, now: job.complete(assignment_id, note, now))


async def close_job(
    router: Router,
    job_id: str,
    assignment_id: str,
    disposition_code: str | None,
    close_at: datetime | None,
    note: str | None,
) -> None:
    """:raises NotFound, Conflict: no such job or assignment, or it is not completed.

    With ``Behaviour.close_completes`` an assigned job is completed first.
    """

    def close(job: Job, now: datetime) -> Transition[Job]:
        completed: Transition[Job] = Transition(job)
        if router.behaviour.close_completes and job.status is JobStatus.ASSIGNED:
            completed = job.complete(assignment_id, None, now)
        return completed.then(
            lambda job: job.close(assignment_id, disposition_code, close_at, note, now)
        )

    await _change(router, job_id, close)


async def unassign_job(
    router: Router, job_id: str, assignment_id: str, suspend_matching: bool
) -> int:
    """Take the job back from its worker; how often that has happened now.

    :raises NotFound, Conflict: no such job or assignment, not assigned, or unassigned too often.
    """
    commit = await _change_in_queue(
        router,
        await get_job(router, job_id),
        lambda job, now, conditions: job.unassign(assignment_id, suspend_matching, now, conditions),
    )
    assert commit.stored is not None, "unassigning does not delete"
    return commit.stored.value.unassignment_count


async def reclassify_job(router: Router, job_id: str) -> None:
    """Have the job's classification policy decide again.

    :raises NotFound, Conflict: no such job, it has no policy, or it is past its queue.
    """
    await _change(router, job_id, lambda job, _: job.reclassify())


async def advance_job(router: Router, job: Stored[Job]) -> None:
    """Do what is due for the job; nothing if it is gone or nothing is."""
    try:
        await _change_in_queue(router, job, Job.advance)
    except NotFound:
        return


@dataclass(frozen=True, slots=True)
class _Attempt:
    """``received``: a new job as it is answered. ``is_matched``: it was matched already."""

    commit: Commit[Job]
    received: Job | None = None
    is_matched: bool = False


async def _submit(
    router: Router, job_id: str, definition: JobDefinition, conditions: QueueConditions
) -> _Attempt:
    now = router.clock()
    received = Job.receive(job_id, definition, now)
    admitted = received.then(lambda job: job.admit(now, conditions))
    created = await create_matched(router, admitted)
    return _Attempt(created.commit, received.aggregate, created.is_matched)


async def _check_references(
    router: Router, definition: JobDefinition, before: JobDefinition | None
) -> None:
    """What is named anew must exist; to delete what unfinished jobs name is refused elsewhere."""
    queue_id, policy_id = definition.queue_id, definition.classification_policy_id
    known = (before.queue_id, before.classification_policy_id) if before else (None, None)
    definitions = router.definitions
    if queue_id not in {None, known[0]} and await definitions.queues.get(queue_id) is None:
        raise unknown_reference("queueId", "queue", queue_id)
    if policy_id in {None, known[1]}:
        return
    if await definitions.classification_policies.get(policy_id) is None:
        raise unknown_reference("classificationPolicyId", "classification policy", policy_id)


async def _change(
    router: Router, job_id: str, rule: Callable[[Job, datetime], Transition[Job]]
) -> Commit[Job]:
    commit = await change_job(router, job_id, lambda job: rule(job, router.clock()))
    await settle(router, commit.pending, job=commit.stored)
    return commit


async def _change_in_queue(
    router: Router,
    seen: Stored[Job],
    rule: Callable[[Job, datetime, QueueConditions], Transition[Job]],
) -> Commit[Job]:
    """As ``_change``, for a rule that needs to know the conditions in the job's queue."""
    latest: Stored[Job] | None = seen

    async def attempt() -> Commit[Job]:
        nonlocal latest
        stored, latest = latest or await get_job(router, seen.value.id), None
        conditions = await conditions_around(router, stored.value.queue_id)
        return await commit_job(router, stored, rule(stored.value, router.clock(), conditions))

    commit = await until_committed(attempt)
    await settle(router, commit.pending, job=commit.stored)
    return commit
