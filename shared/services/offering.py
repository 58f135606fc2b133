"""Issuing an offer: first the worker's capacity, then the job's list.

1. The worker commits a reservation; it refuses if it is not available any more.
2. The job commits the offer, provided it is still the version that matching saw.

If step 2 is lost, the reservation is given back and matching may look again. If this process dies
between the steps, the reservation outlives its lease and the ``expire`` sweep gives it back, after
it has made sure that a late step 2 must fail (:func:`resolve_reservation`).

A new job is offered in the same way: then step 2 is its creation, and it is not stored before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import Conflict, NotFound
from shared.domain.jobs import Job
from shared.domain.offers import Reservation
from shared.domain.selectors import all_accept
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import AlreadyExists, ConcurrencyConflict, Stored, TooLarge
from shared.services.commits import Commit, change_worker, commit_job
from shared.services.router import Router, until_committed


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation with the worker that holds it, as committed."""

    worker: Stored[Worker]
    reservation: Reservation


class JobChanged(Exception):
    """The job is not what matching saw any more: look again."""


async def reserve(
    router: Router, job: Job, worker: Stored[Worker], policy: DistributionPolicy
) -> Held | None:
    """Step 1. ``None``: the worker is not available for the job any more."""
    offer_id = router.new_id()
    async with router.worker_turns.of(worker.value.id) as had_to_wait:
        try:
            commit = await change_worker(
                router,
                worker.value.id,
                lambda current: _reservation(router, job, current, policy, offer_id),
                seen=None if had_to_wait else worker,
            )
        except (Conflict, NotFound):
            return None
    stored = commit.stored
    assert stored is not None, "a reservation does not delete the worker"
    reservation = stored.value.reservation(offer_id)
    assert reservation is not None, "it was just committed"
    return Held(stored, reservation)


async def issue(
    router: Router, job: Stored[Job], held: list[Held], policy: DistributionPolicy
) -> Commit[Job]:
    """Step 2, for all reservations at once.

    :raises JobChanged: the race for the job was lost; the reservations are given back.
    """
    try:
        return await _commit_listing(router, job, Transition(job.value), held, policy)
    except (Conflict, ConcurrencyConflict, AlreadyExists) as lost:
        raise JobChanged from lost


async def create_offered(
    router: Router, new: Transition[Job], held: list[Held], policy: DistributionPolicy
) -> Commit[Job]:
    """Step 2 for a job that is not stored yet: it is created with its offers, in one commit.

    :raises AlreadyExists, ConcurrencyConflict, TooLarge: the job was not created, in the second
        case since its offers are barred; the reservations are given back.
    """
    return await _commit_listing(router, None, new, held, policy)


async def _commit_listing(
    router: Router,
    expected: Stored[Job] | None,
    transition: Transition[Job],
    held: list[Held],
    policy: DistributionPolicy,
) -> Commit[Job]:
    try:
        listing = transition.then(lambda job: _listing(job, held, policy))
        commit = await commit_job(router, expected, listing)
    except (Conflict, ConcurrencyConflict, AlreadyExists, TooLarge):
        for each in held:
            await _withdraw(router, each.worker.value.id, each.reservation.offer_id)
        raise
    router.backlog.forget(held[0].reservation.job_id)
    return commit


async def resolve_reservation(router: Router, worker_id: str, offer_id: str, job_id: str) -> None:
    """Give a reservation back, unless its job knows the offer. Nothing if it is gone already.

    The job is touched first, or its offers are barred if there is none (yet): whoever is still
    about to list the offer loses that race.
    """
    if await _job_disowns(router, job_id, offer_id):
        await _withdraw(router, worker_id, offer_id)
    else:
        await _if_present(router, worker_id, lambda worker: worker.postpone_check(offer_id))


async def _job_disowns(router: Router, job_id: str, offer_id: str) -> bool:
    async def attempt() -> bool:
        stored = await router.store.jobs.get(job_id)
        if stored is None:
            await router.store.jobs.bar_offers(job_id, router.clock())
            return True
        if stored.value.is_terminal:
            return True
        if knows_offer(stored.value, offer_id):
            return False
        await router.store.jobs.replace(stored, stored.value, None, router.clock())
        return True

    return await until_committed(attempt)


def knows_offer(job: Job, offer_id: str) -> bool:
    """Whether the offer is open or was accepted."""
    accepted = any(assignment.offer_id == offer_id for assignment in job.assignments)
    return accepted or job.offer_of(offer_id) is not None


def _reservation(
    router: Router, job: Job, worker: Worker, policy: DistributionPolicy, offer_id: str
) -> Transition[Worker]:
    bypass = policy.mode.bypass_selectors
    if not bypass and not all_accept(job.selectors, worker.profile.labels):
        raise Conflict("WorkerNotEligible", "The worker's labels changed.")
    if not job.may_be_offered_to(worker.id, worker.registration):
        raise Conflict("WorkerNotEligible", "The worker was offered the job already.")
    now = router.clock()
    return worker.reserve(
        offer_id=offer_id,
        job_id=job.id,
        queue_id=job.own_queue_id,
        channel_id=job.channel_id,
        expires_at=now + timedelta(seconds=policy.offer_expires_after_seconds),
        now=now,
    )


def _listing(job: Job, held: list[Held], policy: DistributionPolicy) -> Transition[Job]:
    listing: Transition[Job] = Transition(job)
    for each in held:
        listing = _listed(listing, each, policy.mode.max_concurrent_offers)
    return listing


def _listed(listing: Transition[Job], held: Held, at_most: int) -> Transition[Job]:
    worker = held.worker.value
    return listing.then(
        lambda job: job.issue_offer(
            held.reservation.as_offer(worker.id),
            worker.profile.labels,
            worker.profile.tags,
            at_most,
        )
    )


async def _withdraw(router: Router, worker_id: str, offer_id: str) -> None:
    await _if_present(router, worker_id, lambda worker: worker.withdraw(offer_id))


async def _if_present(
    router: Router, worker_id: str, rule: Callable[[Worker], Transition[Worker]]
) -> None:
    try:
        await change_worker(router, worker_id, rule)
    except NotFound:
        return
