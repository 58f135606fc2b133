"""Matching at once, for one job or one worker; the sweep in ``sweeps.py`` plans whole queues.

The planner decides on what was read; the offer protocol makes sure that it is still true.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.domain.distribution import (
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
)
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.planner import Match, plan
from shared.ports import Page, Stored, WorkerOrder, WorkerQuery
from shared.services.offering import Held, JobChanged, issue, reserve
from shared.services.outbox import Pending
from shared.services.router import Router, TooMuchContention

ROUNDS = 5
"""How often matching looks again after it lost a race."""

FIRST_WORKER_PAGE = 8
"""Usually one of the first is it, even if other requests are just reserving some of them."""

WORKER_PAGE = 50
FIRST_JOB_PAGE = 10
JOB_PAGE = 100
JOB_PAGES = 6
"""How many pages of the best waiting jobs a freed worker looks through; the sweep sees all."""

BACKLOG_HINTS = 10
"""How many jobs behind those pages it may be pointed to."""


async def match_job(router: Router, job_id: str, seen: Stored[Job] | None = None) -> list[Pending]:
    """Offer a waiting job to its best workers, as many as its distribution policy allows.

    ``seen``: the job as it was a moment ago. Saves reading it, unless it has changed since.
    :raises TooMuchContention: the job or its workers kept changing; the sweep will look again.
    """
    async with router.job_turns.of(job_id):
        return await _match_job(router, job_id, seen)


async def _match_job(router: Router, job_id: str, seen: Stored[Job] | None) -> list[Pending]:
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
    waiting = _WaitingJobs(router)
    for _ in range(JOB_PAGES):
        stored, seen = seen or await router.store.workers.get(worker_id), None
        if stored is None or not _free_channels(stored.value):
            return pending
        page = await waiting.read_for(stored.value)
        issued = await offer_planned(router, page.items, [stored])
        pending += issued.pending
        if issued.lost_races:
            continue
        if page.continuation is None:
            return pending
        waiting.turn(page)
    return pending + await _match_backlog(router, worker_id)


class _WaitingJobs:
    """Pages of the jobs that wait for a worker. It may change from one page to the next."""

    def __init__(self, router: Router) -> None:
        self._jobs = router.store.jobs
        self._places: tuple[Sequence[str], Sequence[str]] | None = None
        self._continuation: str | None = None
        self._limit = FIRST_JOB_PAGE

    async def read_for(self, worker: Worker) -> Page[Stored[Job]]:
        """The page that is open; the first one, if the worker can take other jobs than before."""
        places = worker.profile.queues, _free_channels(worker)
        if places != self._places:
            self._places, self._continuation = places, None
        return await self._jobs.waiting(*places, self._limit, self._continuation)

    def turn(self, page: Page[Stored[Job]]) -> None:
        self._continuation, self._limit = page.continuation, JOB_PAGE


async def _match_backlog(router: Router, worker_id: str) -> list[Pending]:
    """Look behind the pages that were read, as far as this process knows the jobs there."""
    stored = await router.store.workers.get(worker_id)
    if stored is None or not _free_channels(stored.value):
        return []
    policies = await _policies(router, stored.value.profile.queues)
    modes = {queue_id: policy.mode for queue_id, policy in policies.items()}
    jobs = await router.backlog.best_for(stored.value, modes, router.store.jobs, BACKLOG_HINTS)
    return (await offer_planned(router, jobs, [stored])).pending


@dataclass(slots=True)
class Issued:
    """What came of a plan. ``lost_races``: matches dropped since their job changed meanwhile."""

    pending: list[Pending] = field(default_factory=list)
    lost_races: int = 0


async def offer_planned(
    router: Router, jobs: Sequence[Stored[Job]], workers: Sequence[Stored[Worker]]
) -> Issued:
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
    for match in matches:
        await snapshot.issue(match)
    return snapshot.issued


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
        self.issued = Issued()

    async def issue(self, match: Match) -> None:
        job_id = match.job.id
        async with self._router.job_turns.of(job_id) as had_to_wait:
            job = self._jobs.get(job_id)
            if job is None:
                return
            if had_to_wait and await self._has_changed(job):
                self._lose(job)
            else:
                await self._offer(job, self._workers[match.worker.id])

    async def _offer(self, job: Stored[Job], worker: Stored[Worker]) -> None:
        policy = self._policies[job.value.queue_id]
        held = await reserve(self._router, job.value, worker, policy)
        if held is None:
            return
        self._workers[worker.value.id] = held.worker
        try:
            commit = await issue(self._router, job, [held], policy)
        except JobChanged:
            self._lose(job)
            return
        assert commit.stored is not None, "an offer does not delete the job"
        self._jobs[job.value.id] = commit.stored
        self.issued.pending += commit.pending

    async def _has_changed(self, job: Stored[Job]) -> bool:
        current = await self._router.store.jobs.get(job.value.id)
        return current is None or current.etag != job.etag

    def _lose(self, job: Stored[Job]) -> None:
        del self._jobs[job.value.id]
        self.issued.lost_races += 1


async def _offer_to_best(
    router: Router, job: Stored[Job], policy: DistributionPolicy
) -> list[Pending]:
    held: list[Held] = []
    wanted = policy.mode.max_concurrent_offers - len(job.value.offers)
    candidates = _Candidates(router, job.value, policy.mode)
    while len(held) < wanted:
        missing = wanted - len(held)
        chosen = await candidates.take_best(missing)
        for worker in chosen:
            reserved = await reserve(router, job.value, worker, policy)
            if reserved is not None:
                held.append(reserved)
        if len(chosen) < missing:
            break
    if not held:
        return []
    return list((await issue(router, job, held, policy)).pending)


class _Candidates:
    """The available workers for a job, read as far as they are needed."""

    def __init__(self, router: Router, job: Job, mode: DistributionMode) -> None:
        self._router = router
        self._job = job
        self._mode = mode
        self._last_offered: str | None = None
        self._pages: AsyncIterator[Sequence[Stored[Worker]]] | None = None
        self._known: dict[str, Stored[Worker]] = {}

    async def take_best(self, count: int) -> list[Stored[Worker]]:
        """The ``count`` best eligible workers (fewer if there are no more); each only once."""
        if self._pages is None:
            self._pages = await self._query()
        best = self._best(count, self._unhurried())
        while len(best) < count or not _pages_are_ranked(self._mode):
            page = await anext(self._pages, None)
            if page is None:
                break
            self._known |= {stored.value.id: stored for stored in page}
            best = self._best(count, self._unhurried())
        if len(best) < count:
            best = self._best(count, self._known.values())
        return [self._known.pop(worker_id) for worker_id in best]

    async def _query(self) -> AsyncIterator[Sequence[Stored[Worker]]]:
        if _circular(self._mode):
            self._last_offered = await self._router.store.workers.last_offered(self._job.queue_id)
        return _candidate_pages(self._router, self._job, self._mode, self._last_offered)

    def _unhurried(self) -> Iterable[Stored[Worker]]:
        """Without those that are being offered another job just now: they go to the end of the
        ranking, so to wait for them would be in vain. Unless they are ranked by score."""
        if not _pages_are_ranked(self._mode):
            return self._known.values()
        taken = self._router.worker_turns.is_taken
        return [stored for id, stored in self._known.items() if not taken(id)]

    def _best(self, count: int, workers: Iterable[Stored[Worker]]) -> list[str]:
        queue_id = self._job.queue_id
        wish = replace(self._mode, max_concurrent_offers=len(self._job.offers) + count)
        matches = plan(
            [self._job],
            [stored.value for stored in workers],
            {queue_id: wish},
            {queue_id: self._last_offered},
        )
        return [match.worker.id for match in matches]


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
    limit = FIRST_WORKER_PAGE
    while True:
        page = await router.store.workers.available(query, limit, continuation)
        if page.items:
            yield page.items
        continuation = page.continuation
        if continuation is None:
            return
        limit = min(2 * limit, WORKER_PAGE)


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
