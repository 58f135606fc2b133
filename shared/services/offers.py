"""Use cases of offers: the worker's answer."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.domain.errors import Conflict, NotFound, RouterError
from shared.domain.jobs import Job
from shared.domain.offers import Reservation
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import Stored
from shared.services.commits import change_job
from shared.services.router import Router
from shared.services.settlement import settle
from shared.services.workers import get_worker

LISTING_PATIENCE = 10
LISTING_PAUSE_SECONDS = 0.05
"""A worker shows an offer moments before its job lists it; an answer in between waits for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedOffer:
    assignment_id: str
    job_id: str
    worker_id: str


async def accept_offer(router: Router, worker_id: str, offer_id: str) -> AcceptedOffer:
    """The worker takes the job.

    The event tells the worker's labels. No write proves those, so the worker is always read: a
    change of them that was answered, by whatever process, is told.
    :raises NotFound: no such worker, or the offer ended.
    :raises Conflict: this worker accepted already, or another worker has the job.
    """
    assignment_id = router.new_id()

    def accept(worker: Worker, job: Job) -> Transition[Job]:
        profile = worker.profile
        return job.accept(offer_id, assignment_id, profile.labels, profile.tags, router.clock())

    job = await _answer(router, worker_id, offer_id, accept)
    return AcceptedOffer(assignment_id=assignment_id, job_id=job.id, worker_id=worker_id)


async def decline_offer(
    router: Router, worker_id: str, offer_id: str, retry_offer_at: datetime | None
) -> None:
    """The worker does not want the job, at least not before ``retry_offer_at``.

    :raises NotFound: no such worker, or the offer ended.
    :raises Conflict: this worker accepted already, or another worker has the job.
    """
    await _answer(
        router,
        worker_id,
        offer_id,
        lambda _, job: job.decline(offer_id, retry_offer_at, router.clock()),
        guess=router.recent_workers.take(worker_id),
    )


async def _answer(
    router: Router,
    worker_id: str,
    offer_id: str,
    rule: Callable[[Worker, Job], Transition[Job]],
    guess: Stored[Worker] | None = None,
) -> Job:
    """``guess``: the worker as it may be, if it only serves to find the job, which decides."""
    if guess is not None:
        with suppress(RouterError):  # Decided again, on the worker as it is.
            return await _decide(router, guess, _held(router, guess.value, offer_id), rule)
    for _ in range(LISTING_PATIENCE):
        worker = await get_worker(router, worker_id)
        held = _held(router, worker.value, offer_id)
        try:
            job = await _decide(router, worker, held, rule)
        except NotFound:
            await asyncio.sleep(LISTING_PAUSE_SECONDS)
        else:
            return job
    raise NotFound("offer", offer_id)


def _held(router: Router, worker: Worker, offer_id: str) -> Reservation:
    held = worker.reservation(offer_id)
    if held is None:
        raise NotFound("offer", offer_id)
    if not held.is_offer:
        raise Conflict("OfferAlreadyAccepted", "The worker accepted this offer already.")
    if held.expires_at <= router.clock():
        raise NotFound("offer", offer_id)
    return held


async def _decide(
    router: Router,
    worker: Stored[Worker],
    held: Reservation,
    rule: Callable[[Worker, Job], Transition[Job]],
) -> Job:
    commit = await change_job(router, held.job_id, lambda job: rule(worker.value, job))
    assert commit.stored is not None, "answering an offer does not delete the job"
    await settle(router, commit.pending, job=commit.stored, worker=worker)
    return commit.stored.value
