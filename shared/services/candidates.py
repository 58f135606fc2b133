"""Whom to match with: available workers and waiting jobs, read from the store page by page."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import Page, Stored, WorkerOrder, WorkerQuery
from shared.services.router import Router
from shared.services.scoring import plan_offers

FIRST_WORKER_PAGE = 8
"""Usually one of the first is it, even if other requests are just reserving some of them."""

WORKER_PAGE = 50
FIRST_JOB_PAGE = 10
JOB_PAGE = 100


class AvailableWorkers:
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
            self._pages = await self._query(count)
        if not _pages_are_ranked(self._mode):
            while await self._read_page(self._pages):
                pass
        best = await self._best(count, self._unhurried())
        while len(best) < count and await self._read_page(self._pages):
            best = await self._best(count, self._unhurried())
        if len(best) < count:
            best = await self._best(count, self._known.values())
        return [self._known.pop(worker_id) for worker_id in best]

    async def _read_page(self, pages: AsyncIterator[Sequence[Stored[Worker]]]) -> bool:
        """Whether there was one more."""
        page = await anext(pages, None)
        if page is None:
            return False
        self._known |= {stored.value.id: stored for stored in page}
        return True

    async def _query(self, wanted: int) -> AsyncIterator[Sequence[Stored[Worker]]]:
        """Pages of candidates. Of ranked ones the first page need not be long: those that are
        wanted, and those that other requests may be about to take."""
        first = FIRST_WORKER_PAGE
        if _pages_are_ranked(self._mode):
            # Among what is busy is this very job: that makes one to spare.
            first = min(first, wanted + _busy(self._router))
        if _circular(self._mode):
            self._last_offered = await self._router.store.workers.last_offered(
                self._job.own_queue_id
            )
        return _candidate_pages(self._router, self._job, self._mode, self._last_offered, first)

    def _unhurried(self) -> Iterable[Stored[Worker]]:
        """Without those that are being offered another job just now: they go to the end of the
        ranking, so to wait for them would be in vain. Unless they are ranked by score."""
        if not _pages_are_ranked(self._mode):
            return self._known.values()
        taken = self._router.worker_turns.is_taken
        return [stored for id, stored in self._known.items() if not taken(id)]

    async def _best(self, count: int, workers: Iterable[Stored[Worker]]) -> list[str]:
        queue_id = self._job.own_queue_id
        wish = replace(self._mode, max_concurrent_offers=len(self._job.offers) + count)
        plan = await plan_offers(
            self._router,
            [self._job],
            [stored.value for stored in workers],
            {queue_id: wish},
            {queue_id: self._last_offered},
        )
        return [match.worker.id for match in plan.matches]


async def _candidate_pages(
    router: Router, job: Job, mode: DistributionMode, last: str | None, first: int
) -> AsyncIterator[Sequence[Stored[Worker]]]:
    """Available workers, best first where the store can rank them."""
    query = WorkerQuery(
        queue_id=job.own_queue_id,
        channel_id=job.channel_id,
        selectors=() if mode.bypass_selectors else job.selectors,
        order=WorkerOrder.ID if _circular(mode) else WorkerOrder.LONGEST_IDLE,
        after_id=last,
    )
    async for page in available_pages(router, query, first):
        yield page
    if last is not None:
        async for page in available_pages(router, replace(query, after_id=None), first):
            yield page


async def available_pages(
    router: Router, query: WorkerQuery, first: int = FIRST_WORKER_PAGE
) -> AsyncIterator[Sequence[Stored[Worker]]]:
    """Pages that become longer; ``first``: how long the first one is."""
    continuation: str | None = None
    limit = first
    while True:
        page = await router.store.workers.available(query, limit, continuation)
        if page.items:
            yield page.items
        continuation = page.continuation
        if continuation is None:
            return
        limit = min(max(2 * limit, FIRST_WORKER_PAGE), WORKER_PAGE)


class WaitingJobs:
    """Pages of the jobs that wait for a worker. It may change from one page to the next."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._places: tuple[Sequence[str], Sequence[str]] | None = None
        self._continuation: str | None = None
        self._limit: int | None = None

    async def read_for(self, worker: Worker) -> Page[Stored[Job]]:
        """The page that is open; the first one, if the worker can take other jobs than before."""
        places = worker.profile.queues, free_channels(worker)
        if places != self._places:
            self._places, self._continuation = places, None
        limit = self._limit or self._first_limit(worker)
        return await self._router.store.jobs.waiting(*places, limit, self._continuation)

    def _first_limit(self, worker: Worker) -> int:
        """What the worker may have room for, and what other requests may be about to offer."""
        room = worker.profile.capacity - worker.consumed_capacity
        return min(room + _busy(self._router) + 1, FIRST_JOB_PAGE)

    def turn(self, page: Page[Stored[Job]]) -> None:
        self._continuation, self._limit = page.continuation, JOB_PAGE


def _busy(router: Router) -> int:
    """How much is being matched in this process now: others may take what is read next."""
    return len(router.job_turns) + len(router.worker_turns)


def free_channels(worker: Worker) -> list[str]:
    """The channels of which the worker can be offered one more job."""
    if not worker.may_get_offers:
        return []
    channels = (channel.channel_id for channel in worker.profile.channels)
    return [channel_id for channel_id in channels if worker.has_capacity_for(channel_id)]


def _circular(mode: DistributionMode) -> bool:
    return mode.kind is DistributionModeKind.ROUND_ROBIN


def _pages_are_ranked(mode: DistributionMode) -> bool:
    """Whether no later page can hold a better worker than an earlier one."""
    return mode.kind is not DistributionModeKind.BEST_WORKER
