"""Use cases that tell how queues, and the jobs that wait in them, are doing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors import NotFound
from shared.domain.jobs import Job
from shared.domain.selectors import all_accept
from shared.domain.statuses import WorkerState
from shared.domain.waiting import WaitingGroup
from shared.domain.workers import Worker
from shared.matching.wait_times import QueueSnapshot, Standing
from shared.ports import WorkerFilter, WorkerQuery
from shared.services.jobs import get_job
from shared.services.queues import get_queue
from shared.services.router import Router

FIRST_WORKERS = 8
"""So many available workers are looked at whether a job can be offered to one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatistics:
    """``expected_waits``: of a job that came now, for each priority that waits.

    ``longest_wait``: of the job that has waited longest; ``None`` if none waits.
    """

    queue_id: str
    length: int
    expected_waits: Mapping[int, timedelta]
    longest_wait: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPosition:
    """``position``: 1 for the job that is served next. ``expected_wait``: from now on."""

    job_id: str
    queue_id: str
    position: int
    queue_length: int
    expected_wait: timedelta


async def get_queue_statistics(router: Router, queue_id: str) -> QueueStatistics:
    """:raises NotFound: there is no such queue."""
    await get_queue(router, queue_id)
    idle = WorkerFilter(state=WorkerState.ACTIVE, queue_id=queue_id, has_capacity=True)
    queue = await _snapshot(router, queue_id, await router.store.workers.count(idle))
    waits = {
        priority: queue.wait((False, priority), _not_after((False, priority), queue.waiting))
        for priority in sorted({group.priority for group in queue.waiting}, reverse=True)
    }
    oldest = min((group.oldest for group in queue.waiting), default=None)
    return QueueStatistics(
        queue_id=queue_id,
        length=_length(queue.waiting),
        expected_waits=waits,
        longest_wait=None if oldest is None else max(queue.now - oldest, timedelta()),
    )


async def get_job_position(router: Router, job_id: str) -> JobPosition:
    """:raises NotFound: there is no such job, or it does not wait in a queue."""
    job = (await get_job(router, job_id)).value
    if not job.is_waiting:
        raise NotFound("queue position of the job", job_id)
    queue_id = job.own_queue_id
    ahead, is_next, queue = await asyncio.gather(
        router.store.jobs.count_waiting(queue_id, job),
        _can_be_offered(router, job),
        _snapshot(router, queue_id),
    )
    standing = job.is_expedited, job.priority
    return JobPosition(
        job_id=job_id,
        queue_id=queue_id,
        position=ahead + 1,
        queue_length=max(ahead + 1, _length(queue.waiting)),
        expected_wait=queue.answer_time if is_next else queue.wait(standing, ahead),
    )


async def _snapshot(router: Router, queue_id: str, idle: int = 0) -> QueueSnapshot:
    """``idle``: workers that could take another job at once."""
    jobs, now = router.store.jobs, router.clock()
    seen, waiting, in_service = await asyncio.gather(
        router.recent_services.of(queue_id, jobs, now),
        jobs.waiting_by_priority(queue_id),
        jobs.count_in_service(queue_id),
    )
    return QueueSnapshot(
        now=now,
        seen_at=seen.at,
        services=seen.services,
        waiting=waiting,
        in_service=in_service,
        idle=idle,
    )


async def _can_be_offered(router: Router, job: Job) -> bool:
    """Whether the job has an open offer, or a worker is available who is about to get one."""
    if job.offers:
        return True
    policy = await router.definitions.policy_of(job.own_queue_id)
    if policy is None:
        return False
    selectors = () if policy.mode.bypass_selectors else job.selectors
    query = WorkerQuery(queue_id=job.own_queue_id, channel_id=job.channel_id, selectors=selectors)
    page = await router.store.workers.available(query, FIRST_WORKERS)

    def suits(worker: Worker) -> bool:
        return job.may_be_offered_to(worker.id, worker.registration) and all_accept(
            selectors, worker.profile.labels
        )

    return any(suits(stored.value) for stored in page.items)


def _not_after(standing: Standing, waiting: Iterable[WaitingGroup]) -> int:
    """How many of the waiting jobs are served before one that joins now."""
    return sum(g.count for g in waiting if (g.expedited, g.priority) >= standing)


def _length(waiting: Sequence[WaitingGroup]) -> int:
    return sum(group.count for group in waiting)
