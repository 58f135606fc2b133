"""The sweeps: what timers do. Each is idempotent and may run anywhere, any number of times at once.

They are the authority: whatever a request left undone, because it crashed or lost a race, a sweep
finds in the store and finishes.
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import RouterError
from shared.domain.jobs import Job
from shared.domain.limits import IDLE_WORKER_LIFETIME
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.domain.workers import Worker
from shared.ports import (
    AggregateStore,
    ConcurrencyConflict,
    MatchSubject,
    Page,
    Stored,
    StoreError,
    Sweep,
    WorkerQuery,
)
from shared.services.candidates import available_pages
from shared.services.changed_conditions import SETTLED_AFTER, is_settled, tell
from shared.services.jobs import advance_job
from shared.services.offering import resolve_reservation
from shared.services.outbox import Pending
from shared.services.planned_offers import offer_planned
from shared.services.repairs import by_age, repair
from shared.services.router import Router, TooMuchContention
from shared.services.routing import conditions_around
from shared.services.settlement import settle
from shared.services.workers import deregister_idle_worker

BATCH = 100
AT_ONCE = 8
"""How many aggregates a sweep works on at the same time."""

OUTBOX_GRACE = timedelta(seconds=10)
"""A record this young is still being dealt with by the request that wrote it."""

PATIENCE = timedelta(seconds=60)
"""A record that this process has been settling for so long is taken up again."""

MOST_BATCHES = 50
"""A sweep ends after this many batches; the next one goes on."""

WAITING_PAGE = 2000

log = logging.getLogger(__name__)

type _Run[T] = Callable[[Router], Coroutine[Any, Any, T]]


def _timed[T](sweep: Sweep) -> Callable[[_Run[T]], _Run[T]]:
    def timed(run: _Run[T]) -> _Run[T]:
        @functools.wraps(run)
        async def run_timed(router: Router) -> T:
            with router.telemetry.sweep_run(sweep):
                return await run(router)

        return run_timed

    return timed


@_timed(Sweep.MATCH)
async def match(router: Router) -> None:
    """Plan every queue that has waiting jobs and available workers."""
    async for queue_ids in _pages_of_queues(router):
        await match_queues(router, queue_ids)


@_timed(Sweep.MATCH)
async def queues_to_match(router: Router) -> list[str]:
    """Ids of the queues that have waiting jobs and available workers, in no order."""
    found: list[str] = []

    async def find(queue_id: str) -> None:
        if await _is_promising(router, queue_id):
            found.append(queue_id)

    async for queue_ids in _pages_of_queues(router):
        await _for_each(queue_ids, find)
    return found


async def match_queues(router: Router, queue_ids: Iterable[str]) -> None:
    """Plan these queues; what cannot be done is logged and left to the next sweep."""
    await _for_each(queue_ids, lambda queue_id: match_queue(router, queue_id))


async def match_queue(router: Router, queue_id: str) -> None:
    """Plan one queue whole: its waiting jobs, best first, against its available workers."""
    policy = await router.definitions.policy_of(queue_id)
    if policy is None:
        log.info("a queue to be matched is gone", extra={"queue_id": queue_id})
        return
    if await _is_promising(router, queue_id):
        with router.telemetry.matching(MatchSubject.QUEUE, queue_id):
            await _match_pages(router, queue_id, policy)


async def _match_pages(router: Router, queue_id: str, policy: DistributionPolicy) -> None:
    continuation: str | None = None
    while True:
        page = await router.store.jobs.waiting([queue_id], None, WAITING_PAGE, continuation)
        router.backlog.notice_new(page.items)
        if not await _match_page(router, queue_id, policy, page.items):
            return
        continuation = page.continuation
        if continuation is None:
            return


@_timed(Sweep.EXPIRE)
async def expire(router: Router) -> None:
    """Do what is due: offers, selectors, schedules, closings, lifetimes, reservations."""
    await _drain(
        router,
        _Work(
            sweep=Sweep.EXPIRE,
            fetch=lambda: _due(router.store.jobs, router),
            due_at=lambda stored: stored.value.due_at,
            act=lambda stored: advance_job(router, stored),
        ),
    )
    await _drain(
        router,
        _Work(
            sweep=Sweep.EXPIRE,
            fetch=lambda: _due(router.store.workers, router),
            due_at=lambda stored: stored.value.due_at,
            act=lambda stored: _check_reservations(router, stored.value),
        ),
    )


@_timed(Sweep.DEREGISTER_IDLE_WORKERS)
async def deregister_idle_workers(router: Router) -> None:
    """Deregister the workers that have been idle too long."""
    await _drain(
        router,
        _Work(
            sweep=Sweep.DEREGISTER_IDLE_WORKERS,
            fetch=lambda: router.store.workers.idle(router.clock() - IDLE_WORKER_LIFETIME, BATCH),
            due_at=lambda stored: _after(stored.value.idle_since, IDLE_WORKER_LIFETIME),
            act=lambda stored: deregister_idle_worker(router, stored.value.id),
        ),
    )


@_timed(Sweep.TELL_CHANGED_CONDITIONS)
async def tell_changed_conditions(router: Router) -> None:
    """Tell waiting jobs of changed exception policies, a few seconds after the change."""
    await _drain(
        router,
        _Work(
            sweep=Sweep.TELL_CHANGED_CONDITIONS,
            fetch=lambda: _settled_changes(router),
            due_at=lambda change: change.modified_at + SETTLED_AFTER,
            act=lambda change: _tell_queue(router, change),
        ),
    )


@_timed(Sweep.PUBLISH_OUTBOX)
async def publish_outbox(router: Router) -> None:
    """Finish what commits left to do: follow-ups first, then their events."""
    for _ in range(MOST_BATCHES):
        pending = await _old_records(router)
        router.telemetry.outbox_age(_age_of_oldest(router, pending))
        if not pending:
            return
        with router.telemetry.sweep_batch(Sweep.PUBLISH_OUTBOX):
            if not await repair(router, pending, AT_ONCE):
                return


@_timed(Sweep.OBSERVE_QUEUES)
async def observe_queues(router: Router) -> None:
    """Look how many jobs wait in each queue, and for how long; nothing unless somebody is told."""
    if not router.telemetry.is_on:
        return
    async for queue_ids in _pages_of_queues(router):
        await _for_each(queue_ids, lambda queue_id: _observe_queue(router, queue_id))


async def _observe_queue(router: Router, queue_id: str) -> None:
    waiting = await router.store.jobs.waiting_by_priority(queue_id)
    now = router.clock()
    longest = max((now - group.oldest for group in waiting), default=timedelta())
    length = sum(group.count for group in waiting)
    router.telemetry.queue_seen(queue_id, length, max(longest, timedelta()))


async def _pages_of_queues(router: Router) -> AsyncIterator[list[str]]:
    continuation: str | None = None
    while True:
        page: Page[Stored[Queue]] = await router.store.queues.list(BATCH, continuation)
        yield [stored.value.id for stored in page.items]
        continuation = page.continuation
        if continuation is None:
            return


async def _is_promising(router: Router, queue_id: str) -> bool:
    """Whether somebody waits and somebody is available; keeps quiet queues cheap."""
    waiting = await router.store.jobs.waiting([queue_id], None, 1)
    if not waiting.items:
        return False
    available = await router.store.workers.available(WorkerQuery(queue_id=queue_id), 1)
    return bool(available.items)


async def _match_page(
    router: Router, queue_id: str, policy: DistributionPolicy, jobs: Sequence[Stored[Job]]
) -> bool:
    """Whether workers, and time, are left for the next page."""
    unserved = [job for job in jobs if len(job.value.offers) < policy.mode.max_concurrent_offers]
    if not unserved:
        return bool(jobs)
    workers = await _available(router, queue_id)
    if not workers:
        return False
    issued = await offer_planned(router, unserved, workers)
    await settle(router, issued.pending)
    return issued.plan_is_whole


async def _available(router: Router, queue_id: str) -> list[Stored[Worker]]:
    """As last seen: one that gets an offer meanwhile moves behind, and is on a later page again."""
    pages = available_pages(router, WorkerQuery(queue_id=queue_id))
    return list({worker.value.id: worker async for page in pages for worker in page}.values())


async def _due[A](store: AggregateStore[A], router: Router) -> Sequence[Stored[A]]:
    return await store.due(router.clock(), BATCH)


async def _settled_changes(router: Router) -> Sequence[Stored[ChangedConditions]]:
    page = await router.store.changed_conditions.list(BATCH)
    return [change for change in page.items if is_settled(change, router.clock())]


async def _tell_queue(router: Router, change: Stored[ChangedConditions]) -> None:
    queue_id = change.value.id
    conditions = await conditions_around(router, queue_id)
    continuation: str | None = None
    while True:
        page = await router.store.jobs.waiting([queue_id], None, BATCH, continuation)
        told = await _for_each(
            page.items, lambda job: tell(router, job.value.id, queue_id, conditions)
        )
        continuation = page.continuation
        if not told:
            return
        if continuation is None:
            break
    with suppress(ConcurrencyConflict):  # Changed again: the next sweep tells that.
        await router.store.changed_conditions.delete(change)


async def _check_reservations(router: Router, worker: Worker) -> None:
    now = router.clock()
    for held in worker.open_offers:
        if held.check_at <= now:
            await resolve_reservation(router, worker.id, held.offer_id, held.job_id)
    await settle(router, worker=await router.store.workers.get(worker.id))


def _age_of_oldest(router: Router, pending: Sequence[Pending]) -> timedelta:
    """``pending``: the oldest first."""
    return router.clock() - pending[0].record.created_at if pending else timedelta()


async def _old_records(router: Router) -> list[Pending]:
    """Without those that a request of this process still settles, because a rule is slow.

    Other processes do not know of that: they may ask the rule once more, which does no harm.
    """
    now = router.clock()
    found: list[Pending] = []
    for store in (router.store.jobs, router.store.workers):
        records = await store.outbox(now - OUTBOX_GRACE, BATCH + len(router.settling))
        found += [Pending(store, record) for record in records]
    return by_age(
        item
        for item in found
        if item.record.id not in router.settling or item.record.created_at < now - PATIENCE
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work[T]:
    """``fetch``: what is due now, the first first. ``due_at``: since when."""

    sweep: Sweep
    fetch: Callable[[], Awaitable[Sequence[T]]]
    due_at: Callable[[T], datetime | None]
    act: Callable[[T], Awaitable[None]]


async def _drain[T](router: Router, work: _Work[T]) -> None:
    """Fetch and act until nothing is left, as long as every action succeeds."""
    for _ in range(MOST_BATCHES):
        items = await work.fetch()
        router.telemetry.sweep_lag(work.sweep, _lag(router, work, items))
        if not items:
            return
        with router.telemetry.sweep_batch(work.sweep):
            succeeded = await _for_each(items, work.act)
        if not succeeded or len(items) < BATCH:
            return


def _lag[T](router: Router, work: _Work[T], items: Sequence[T]) -> timedelta:
    due_at = work.due_at(items[0]) if items else None
    return timedelta() if due_at is None else max(router.clock() - due_at, timedelta())


def _after(since: datetime | None, duration: timedelta) -> datetime | None:
    return None if since is None else since + duration


async def _for_each[T](items: Iterable[T], act: Callable[[T], Awaitable[None]]) -> bool:
    """Act on all items, some at once; one that fails is logged and left to the next sweep."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def guarded(item: T) -> bool:
        async with slots:
            try:
                await act(item)
            except (StoreError, RouterError, TooMuchContention):
                log.warning("left to the next sweep", exc_info=True)
                return False
            return True

    return all(await asyncio.gather(*map(guarded, items)))
