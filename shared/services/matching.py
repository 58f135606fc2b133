"""Matching at once, for one job or one worker; the sweep in ``sweeps.py`` plans whole queues.

The planner decides on what was read; the offer protocol makes sure that it is still true.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

from shared.domain.distribution import (
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
)
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.planner import Match, plan
from shared.ports import Stored, WorkerOrder, WorkerQuery
from shared.services.offering import Held, JobChanged, issue, reserve
from shared.services.outbox import Pending
from shared.services.router import Router, TooMuchContention

ROUNDS = 5
"""How often matching looks again after it lost a race."""

WORKER_PAGE = 50
JOB_PAGE = 100
JOB_PAGES = 5
"""How many pages of the best waiting jobs a freed worker looks through; the sweep sees all."""

BACKLOG_HINTS = 10
"""How many jobs behind those pages it may be pointed to."""


async def match_job(router: Router, job_id: str, seen: Stored[Job] | None = None) -> list[Pending]:
    """Offer a waiting job to its best workers, as many as its distribution policy allows.

    ``seen``: the job as it was a moment ago. Saves reading it, unless it has changed since.
    :raises TooMuchContention: the job or its workers kept changing; the sweep will look again.
    """
    for _ in range(ROUNDS):
        stored, seen = seen or await router.store.jobs.get(job_id), None
        if stored is None or not stored.value.is_waiting:
            return []
        policy = await router.definitions.policy_of(stored.value.queue_id)
        if policy is None:
            return []
        try:
            pending = await _offer_to_best(router, stored, policy)
        except JobChanged:
            continue
        if not pending:
            router.backlog.notice(stored.value)
        return pending
    raise TooMuchContention(f"The job '{job_id}' keeps changing.")


async def match_worker(
    router: Router, worker_id: str, seen: Stored[Worker] | None = None
) -> list[Pending]:
    """Offer a worker with free capacity the best jobs that wait for one like it.

    ``seen``: as for :func:`match_job`.
    """
    pending: list[Pending] = []
    continuation: str | None = None
    for _ in range(JOB_PAGES):
        stored, seen = seen or await router.store.workers.get(worker_id), None
        channels = _free_channels(stored.value) if stored else []
        if stored is None or not channels:
            return pending
        page = await router.store.jobs.waiting(
            stored.value.profile.queues, channels, JOB_PAGE, continuation
        )
        pending += await offer_planned(router, page.items, [stored])
        continuation = page.continuation
        if continuation is None:
            return pending
    return pending + await _match_backlog(router, worker_id)


async def _match_backlog(router: Router, worker_id: str) -> list[Pending]:
    """Look behind the pages that were read, as far as this process knows the jobs there."""
    stored = await router.store.workers.get(worker_id)
    if stored is None or not _free_channels(stored.value):
        return []
    policies = await _policies(router, stored.value.profile.queues)
    modes = {queue_id: policy.mode for queue_id, policy in policies.items()}
    jobs = await router.backlog.best_for(stored.value, modes, router.store.jobs, BACKLOG_HINTS)
    return await offer_planned(router, jobs, [stored])


async def offer_planned(
    router: Router, jobs: Sequence[Stored[Job]], workers: Sequence[Stored[Worker]]
) -> list[Pending]:
    """Plan the jobs and workers against each other and issue what was planned.

    A match whose job or worker changed meanwhile is dropped: whoever changed it looks again.
    """
    policies = await _policies(router, (stored.value.queue_id for stored in jobs))
    matches = plan(
        [stored.value for stored in jobs],
        [stored.value for stored in workers],
        {queue_id: policy.mode for queue_id, policy in policies.items()},
        await _last_offered(router, policies),
    )
    snapshot = _Snapshot(router, policies, jobs, workers)
    return [pending for match in matches for pending in await snapshot.issue(match)]


class _Snapshot:
    """The jobs and workers of a plan, kept up with the offers that are issued from it."""

    def __init__(
        self,
        router: Router,
        policies: Mapping[str, DistributionPolicy],
        jobs: Sequence[Stored[Job]],
        workers: Sequence[Stored[Worker]],
    ) -> None:
        self._router = router
        self._policies = policies
        self._jobs = {stored.value.id: stored for stored in jobs}
        self._workers = {stored.value.id: stored for stored in workers}

    async def issue(self, match: Match) -> tuple[Pending, ...]:
        job = self._jobs.get(match.job.id)
        if job is None:
            return ()
        policy = self._policies[match.job.queue_id]
        worker = self._workers[match.worker.id]
        held = await reserve(self._router, job.value, worker, policy)
        if held is None:
            return ()
        self._workers[match.worker.id] = held.worker
        return await self._list(job, held, policy)

    async def _list(
        self, job: Stored[Job], held: Held, policy: DistributionPolicy
    ) -> tuple[Pending, ...]:
        try:
            commit = await issue(self._router, job, [held], policy)
        except JobChanged:
            del self._jobs[job.value.id]
            return ()
        assert commit.stored is not None, "an offer does not delete the job"
        self._jobs[job.value.id] = commit.stored
        return commit.pending


async def _offer_to_best(
    router: Router, job: Stored[Job], policy: DistributionPolicy
) -> list[Pending]:
    held: list[Held] = []
    refused: set[str] = set()
    wanted = policy.mode.max_concurrent_offers - len(job.value.offers)
    while len(held) < wanted:
        taken = refused | {each.worker.value.id for each in held}
        missing = wanted - len(held)
        chosen = await _best_workers(router, job.value, policy.mode, missing, taken)
        for worker in chosen:
            reserved = await reserve(router, job.value, worker, policy)
            if reserved is None:
                refused.add(worker.value.id)
            else:
                held.append(reserved)
        if len(chosen) < missing:
            break
    if not held:
        return []
    return list((await issue(router, job, held, policy)).pending)


async def _best_workers(
    router: Router, job: Job, mode: DistributionMode, count: int, excluded: set[str]
) -> list[Stored[Worker]]:
    """The ``count`` best eligible workers (fewer if there are no more)."""
    wish = replace(mode, max_concurrent_offers=len(job.offers) + count)
    last = await router.store.workers.last_offered(job.queue_id) if _circular(mode) else None
    candidates: dict[str, Stored[Worker]] = {}
    best: list[Stored[Worker]] = []
    async for page in _candidate_pages(router, job, mode, last):
        candidates |= {s.value.id: s for s in page if s.value.id not in excluded}
        matches = plan(
            [job],
            [stored.value for stored in candidates.values()],
            {job.queue_id: wish},
            {job.queue_id: last},
        )
        best = [candidates[match.worker.id] for match in matches]
        if len(best) >= count and _pages_are_ranked(mode):
            break
    return best


async def _candidate_pages(
    router: Router, job: Job, mode: DistributionMode, last: str | None
) -> AsyncIterator[Sequence[Stored[Worker]]]:
    """Available workers, best first where the store can rank them."""
    query = WorkerQuery(
        queue_id=job.queue_id,
        channel_id=job.channel_id,
        selectors=() if mode.bypass_selectors else job.selectors,
        order=WorkerOrder.ID if _circular(mode) else WorkerOrder.LONGEST_IDLE,
        after_id=last,
    )
    async for page in available_pages(router, query):
        yield page
    if last is not None:
        async for page in available_pages(router, replace(query, after_id=None)):
            yield page


async def available_pages(
    router: Router, query: WorkerQuery
) -> AsyncIterator[Sequence[Stored[Worker]]]:
    continuation: str | None = None
    while True:
        page = await router.store.workers.available(query, WORKER_PAGE, continuation)
        if page.items:
            yield page.items
        continuation = page.continuation
        if continuation is None:
            return


def _circular(mode: DistributionMode) -> bool:
    return mode.kind is DistributionModeKind.ROUND_ROBIN


def _pages_are_ranked(mode: DistributionMode) -> bool:
    """Whether no later page can hold a better worker than an earlier one."""
    return mode.kind is not DistributionModeKind.BEST_WORKER


def _free_channels(worker: Worker) -> list[str]:
    if not worker.may_get_offers:
        return []
    channels = (channel.channel_id for channel in worker.profile.channels)
    return [channel_id for channel_id in channels if worker.has_capacity_for(channel_id)]


async def _policies(router: Router, queue_ids: Iterable[str]) -> dict[str, DistributionPolicy]:
    policies = {id: await router.definitions.policy_of(id) for id in set(queue_ids)}
    return {id: policy for id, policy in policies.items() if policy is not None}


async def _last_offered(
    router: Router, policies: dict[str, DistributionPolicy]
) -> dict[str, str | None]:
    return {
        queue_id: await router.store.workers.last_offered(queue_id)
        for queue_id, policy in policies.items()
        if _circular(policy.mode)
    }
