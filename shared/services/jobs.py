"""Use cases of jobs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.errors import NotFound, unknown_reference
from shared.domain.jobs import Job, JobDefinition
from shared.domain.transitions import Transition
from shared.ports import JobFilter, Page, Stored
from shared.services.commits import Commit, change_job, commit_job
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.settlement import settle
from shared.services.upserts import Upserted

type DefineJob = Callable[[JobDefinition | None], JobDefinition]


async def upsert_job(
    router: Router, job_id: str, define: DefineJob, precondition: Precondition
) -> Upserted[Job]:
    """Submit a job or change one.

    ``define`` makes the new definition of the current one (``None``: a new job); it is called again
    when a race was lost. A new job is answered as received; it is queued in the same commit.
    :raises PreconditionFailed, InvalidReference, Conflict, TooMuchContention: nothing was changed.
    """

    async def attempt() -> _Attempt:
        stored = await router.store.jobs.get(job_id)
        precondition.check(stored)
        definition = define(stored.value.definition if stored else None)
        await _check_queue(router, definition, stored)
        if stored is None:
            return await _submit(router, job_id, definition)
        transition = stored.value.update(definition, router.clock())
        return _Attempt(await commit_job(router, stored, transition))

    result = await until_committed(attempt)
    stored = result.commit.stored
    assert stored is not None, "an upsert does not delete"
    await settle(router, result.commit.pending, job=stored)
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
    """:raises NotFound, Conflict: there is no such job, or it has ended already."""
    await _change(router, job_id, lambda job, now: job.cancel(note, disposition_code, now))


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
    """:raises NotFound, Conflict: no such job or assignment, or it is not completed."""
    await _change(
        router,
        job_id,
        lambda job, now: job.close(assignment_id, disposition_code, close_at, note, now),
    )


async def unassign_job(
    router: Router, job_id: str, assignment_id: str, suspend_matching: bool
) -> int:
    """Take the job back from its worker; how often that has happened now.

    :raises NotFound, Conflict: no such job or assignment, not assigned, or unassigned too often.
    """
    commit = await _change(
        router, job_id, lambda job, now: job.unassign(assignment_id, suspend_matching, now)
    )
    assert commit.stored is not None, "unassigning does not delete"
    return commit.stored.value.unassignment_count


async def advance_job(router: Router, job_id: str) -> None:
    """Do what is due for the job; nothing if it is gone or nothing is."""
    try:
        await _change(router, job_id, lambda job, now: job.advance(now))
    except NotFound:
        return


@dataclass(frozen=True, slots=True)
class _Attempt:
    """``received``: a new job as it is answered."""

    commit: Commit[Job]
    received: Job | None = None


async def _submit(router: Router, job_id: str, definition: JobDefinition) -> _Attempt:
    now = router.clock()
    received = Job.receive(job_id, definition, now)
    commit = await commit_job(router, None, received.then(lambda job: job.admit(now)))
    return _Attempt(commit, received.aggregate)


async def _check_queue(
    router: Router, definition: JobDefinition, stored: Stored[Job] | None
) -> None:
    """A queue is checked when it is named anew; deleting a queue with jobs is refused elsewhere."""
    if stored is not None and stored.value.queue_id == definition.queue_id:
        return
    if await router.definitions.queues.get(definition.queue_id) is None:
        raise unknown_reference("queueId", "queue", definition.queue_id)


async def _change(
    router: Router, job_id: str, rule: Callable[[Job, datetime], Transition[Job]]
) -> Commit[Job]:
    commit = await change_job(router, job_id, lambda job: rule(job, router.clock()))
    await settle(router, commit.pending, job=commit.stored)
    return commit
