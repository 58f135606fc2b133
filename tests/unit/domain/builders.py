"""Jobs, workers and offers for the domain's tests, in the states that the rules are about.

Every state is reached through the domain's own methods, never by writing it into the aggregate.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.channels import Channel
from shared.domain.events import Event
from shared.domain.follow_ups import ReleaseReservation, RevokeOffer
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.offers import Offer, Reservation
from shared.domain.queues import QueueDetails
from shared.domain.selectors import WorkerSelector
from shared.domain.transitions import Transition
from shared.domain.workers import Worker, WorkerProfile

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
OFFER_LIFE = timedelta(seconds=60)


def later(**duration: float) -> datetime:
    """The time so long after the start of the test."""
    return START + timedelta(**duration)


# -- transitions ------------------------------------------------------------------------------


def outcome[A](transition: Transition[A]) -> A:
    """The aggregate after the transition."""
    assert transition.aggregate is not None, "the aggregate ended here"
    return transition.aggregate


def names(transition: Transition[Job] | Transition[Worker]) -> list[str]:
    """What was announced, in order."""
    return [type(event).__name__ for event in transition.events]


def only[E](transition: Transition[Job] | Transition[Worker], kind: type[E]) -> E:
    """The one event of this kind."""
    (event,) = (event for event in transition.events if isinstance(event, kind))
    return event


def event_of(transition: Transition[Job] | Transition[Worker]) -> Event:
    """The event, if there is exactly one."""
    (event,) = transition.events
    return event


def released(
    worker_id: str, offer_id: str, *, expired_registration: int | None = None
) -> ReleaseReservation:
    return ReleaseReservation(
        worker_id=worker_id, offer_id=offer_id, expired_registration=expired_registration
    )


def revocation(offer_id: str, job_id: str, worker_id: str = "ann") -> RevokeOffer:
    return RevokeOffer(job_id=job_id, offer_id=offer_id, worker_id=worker_id)


# -- jobs -------------------------------------------------------------------------------------


def selector(
    key: str = "language",
    value: LabelValue = "fr",
    operator: LabelOperator = LabelOperator.EQUAL,
    **state: Any,
) -> WorkerSelector:
    return WorkerSelector(key=key, operator=operator, value=value, **state)


def define_job(**changes: Any) -> JobDefinition:
    """A voice job for the queue ``support``, unless told otherwise."""
    return JobDefinition(**{"channel_id": "voice", "queue_id": "support"} | changes)


def submit(definition: JobDefinition, now: datetime = START) -> Transition[Job]:
    """What the router does with a new job: received, and what follows at once."""
    return Job.receive("job-1", definition, now).then(lambda job: job.admit(now))


def queued_job(**definition: Any) -> Job:
    return outcome(submit(define_job(**definition)))


def an_offer(number: int = 1, worker_id: str = "ann", **changes: Any) -> Offer:
    """``offer-<number>``, made at the start of the test for a minute."""
    facts: dict[str, Any] = {
        "offer_id": f"offer-{number}",
        "worker_id": worker_id,
        "registration": 1,
        "capacity_cost": 1,
        "offered_at": START,
        "expires_at": START + OFFER_LIFE,
    }
    return Offer(**facts | changes)


def offer_to(job: Job, *offers: Offer, at_most: int = 9) -> Job:
    for offer in offers:
        job = outcome(job.issue_offer(offer, {}, {}, at_most))
    return job


def offered_job(*offers: Offer, **definition: Any) -> Job:
    """A queued job with these open offers (without any: one to Ann)."""
    return offer_to(queued_job(**definition), *(offers or (an_offer(),)))


def accept(
    job: Job, offer_id: str = "offer-1", assignment_id: str = "assignment-1", now: datetime = START
) -> Transition[Job]:
    return job.accept(offer_id, assignment_id, {}, {}, now)


def assigned_job(**definition: Any) -> Job:
    """Ann accepted ``offer-1``: ``assignment-1``."""
    return outcome(accept(offered_job(**definition)))


def completed_job(**definition: Any) -> Job:
    return outcome(assigned_job(**definition).complete("assignment-1", None, later(minutes=1)))


def closing_job(close_at: datetime, **definition: Any) -> Job:
    job = completed_job(**definition)
    return outcome(job.close("assignment-1", "Solved", close_at, None, later(minutes=2)))


def closed_job(**definition: Any) -> Job:
    job = completed_job(**definition)
    return outcome(job.close("assignment-1", None, None, None, later(minutes=2)))


def cancelled_job(**definition: Any) -> Job:
    return outcome(queued_job(**definition).cancel(None, None, later(minutes=1)))


# -- workers ----------------------------------------------------------------------------------


def described(queue_ids: Sequence[str]) -> tuple[QueueDetails, ...]:
    """A directory of queues which knows a name for every queue."""
    return tuple(QueueDetails(id=id, name=id.title()) for id in queue_ids)


VOICE = Channel(channel_id="voice", capacity_cost_per_job=1)


def a_profile(**changes: Any) -> WorkerProfile:
    """A worker with a capacity of 1 for voice jobs in the queue ``support``, registered."""
    profile = WorkerProfile(
        capacity=1, queues=("support",), channels=(VOICE,), available_for_offers=True
    )
    return replace(profile, **changes)


def a_worker(**profile: Any) -> Worker:
    return outcome(Worker.create("ann", a_profile(**profile), described, START))


def reserve(worker: Worker, number: int = 1, **changes: Any) -> Transition[Worker]:
    """Hold capacity for ``offer-<number>`` of ``job-<number>``."""
    facts: dict[str, Any] = {
        "offer_id": f"offer-{number}",
        "job_id": f"job-{number}",
        "queue_id": "support",
        "channel_id": "voice",
        "expires_at": START + OFFER_LIFE,
        "now": START,
    }
    return worker.reserve(**facts | changes)


def offered_worker(*numbers: int, **profile: Any) -> Worker:
    """A worker with these offers open; as much capacity as that takes, unless told otherwise."""
    worker = a_worker(**{"capacity": len(numbers)} | profile)
    for number in numbers:
        worker = outcome(reserve(worker, number))
    return worker


def busy_worker(*numbers: int, **profile: Any) -> Worker:
    """A worker that accepted these offers."""
    worker = offered_worker(*numbers, **profile)
    for number in numbers:
        worker = outcome(worker.assign(f"offer-{number}", f"assignment-{number}", START))
    return worker


def held_offers(worker: Worker) -> list[str]:
    """Ids of the offers for which the worker holds capacity, accepted or not."""
    return [held.offer_id for held in worker.reservations]


def reservation(worker: Worker, offer_id: str = "offer-1") -> Reservation:
    held = worker.reservation(offer_id)
    assert held is not None, "nothing is held for the offer"
    return held
