"""Matching at once, for one job or one worker; the sweep in ``sweeps.py`` plans whole queues.

The planner decides on what was read; the offer protocol makes sure that it is still true.
"""

from shared.domain.distribution import DistributionPolicy
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import MatchSubject, Stored
from shared.services.candidates import AvailableWorkers, WaitingJobs, free_channels
from shared.services.offering import Held, JobChanged, issue, reserve
from shared.services.outbox import Pending
from shared.services.planned_offers import offer_planned, policies_of
from shared.services.router import Router, TooMuchContention

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
    held: list[Held] = []
    wanted = policy.mode.max_concurrent_offers - len(job.value.offers)
    candidates = AvailableWorkers(router, job.value, policy.mode)
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
