"""Matching at once, for one job or one worker; the sweep in ``sweeps.py`` plans whole queues.

The planner decides on what was read; the offer protocol makes sure that it is still true.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.domain.distribution import DistributionPolicy
from shared.domain.jobs import Job
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import ConcurrencyConflict, MatchSubject, Stored, StoreError, TooLarge
from shared.services.candidates import AvailableWorkers, WaitingJobs, free_channels
from shared.services.commits import Commit, commit_job
from shared.services.offering import Held, JobChanged, create_offered, issue, reserve
from shared.services.outbox import Pending
from shared.services.planned_offers import offer_planned, policies_of
from shared.services.router import Router, TooMuchContention

log = logging.getLogger(__name__)

ROUNDS = 5
"""How often matching looks again after it lost a race."""

JOB_PAGES = 6
"""How many pages of the best waiting jobs a freed worker looks through; the sweep sees all."""

BACKLOG_HINTS = 10
"""How many jobs behind those pages it may be pointed to."""


async def match_job(router: Router, job_id: str, seen: Stored[Job] | None = None) -> list[Pending]:
    """Offer a waiting job to its best workers, as many as its distribution policy allows.

    ``seen``: the job as it was a moment ago. Saves reading it, unless it has changed since.
    :raises TooMuchContention: the job or its workers kept changing; the sweep will look again.
    """
    with router.telemetry.matching(MatchSubject.JOB, job_id):
        async with router.job_turns.of(job_id):
            return await _match_job(router, job_id, seen)


async def _match_job(router: Router, job_id: str, seen: Stored[Job] | None) -> list[Pending]:
    for _ in range(ROUNDS):
        stored, seen = seen or await router.store.jobs.get(job_id), None
        if stored is None or not stored.value.is_waiting:
            return []
        policy = await router.definitions.policy_of(stored.value.own_queue_id)
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


@dataclass(frozen=True, slots=True)
class Created:
    """``is_matched``: the job has as many offers as its distribution policy allows."""

    commit: Commit[Job]
    is_matched: bool = False


async def create_matched(router: Router, new: Transition[Job]) -> Created:
    """Create a job. If it will wait it is matched before, and created with its first offers.

    A job that is not matched then is to be matched again: workers that came meanwhile did not see
    it.
    :raises AlreadyExists, ConcurrencyConflict: the race was lost; nothing was written.
    """
    job = new.aggregate
    if job is None or not job.is_waiting:
        return Created(await commit_job(router, None, new))
    with router.telemetry.matching(MatchSubject.JOB, job.id):
        async with router.job_turns.of(job.id):
            return await _create_matched(router, new, job)


async def _create_matched(router: Router, new: Transition[Job], job: Job) -> Created:
    policy: DistributionPolicy | None = None
    held: list[Held] = []
    try:
        policy = await router.definitions.policy_of(job.own_queue_id)
        if policy is not None:
            async for each in _hold_best(router, job, policy):
                held.append(each)  # noqa: PERF401 - what is held counts even if the next fails
    except (StoreError, TooMuchContention):
        log.warning("a job is created before it is matched", exc_info=True)
    if policy is None or not held:
        return Created(await commit_job(router, None, new))
    return await _create_offered(router, new, held, policy)


async def _create_offered(
    router: Router, new: Transition[Job], held: list[Held], policy: DistributionPolicy
) -> Created:
    try:
        commit = await create_offered(router, new, held, policy)
    except (ConcurrencyConflict, TooLarge):  # It may still be created without offers.
        return Created(await commit_job(router, None, new))
    return Created(commit, is_matched=len(held) == policy.mode.max_concurrent_offers)


async def match_worker(
    router: Router, worker_id: str, seen: Stored[Worker] | None = None
) -> list[Pending]:
    """Offer a worker with free capacity the best jobs that wait for one like it.

    ``seen``: as for :func:`match_job`.
    """
    with router.telemetry.matching(MatchSubject.WORKER, worker_id):
        return await _match_worker(router, worker_id, seen)


async def _match_worker(
    router: Router, worker_id: str, seen: Stored[Worker] | None
) -> list[Pending]:
    pending: list[Pending] = []
    waiting = WaitingJobs(router)
    for _ in range(JOB_PAGES):
        stored, seen = seen or await router.store.workers.get(worker_id), None
        if stored is None or not free_channels(stored.value):
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


async def _match_backlog(router: Router, worker_id: str) -> list[Pending]:
    """Look behind the pages that were read, as far as this process knows the jobs there."""
    stored = await router.store.workers.get(worker_id)
    if stored is None or not free_channels(stored.value):
        return []
    policies = await policies_of(router, stored.value.profile.queues)
    modes = {queue_id: policy.mode for queue_id, policy in policies.items()}
    jobs = await router.backlog.best_for(stored.value, modes, router.store.jobs, BACKLOG_HINTS)
    return (await offer_planned(router, jobs, [stored])).pending


async def _offer_to_best(
    router: Router, job: Stored[Job], policy: DistributionPolicy
) -> list[Pending]:
    held = [each async for each in _hold_best(router, job.value, policy)]
    if not held:
        return []
    return list((await issue(router, job, held, policy)).pending)


async def _hold_best(router: Router, job: Job, policy: DistributionPolicy) -> AsyncIterator[Held]:
    """Reservations by the best workers, for as many offers as the policy still allows."""
    missing = policy.mode.max_concurrent_offers - len(job.offers)
    candidates = AvailableWorkers(router, job, policy.mode)
    while missing > 0:
        chosen = await candidates.take_best(missing)
        are_last = len(chosen) < missing
        for worker in chosen:
            reserved = await reserve(router, job, worker, policy)
            if reserved is not None:
                missing -= 1
                yield reserved
        if are_last:
            return
