"""What a change asks to be done next, to another aggregate or with other people's help.

A follow-up is committed with the change that causes it and applied afterwards, at least once:
applying it again changes nothing. Those between jobs and workers are keyed by the offer.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignReservation:
    """The offer was accepted: the worker's reservation becomes the assignment's."""

    worker_id: str
    offer_id: str
    assignment_id: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReservation:
    """The offer or the assignment ended: the capacity is free again.

    ``expired_registration``: the offer expired, so its worker, as far as it is still registered as
    it was then, no longer counts as available.
    """

    worker_id: str
    offer_id: str
    expired_registration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOffer:
    """The worker can no longer take the offer: the job ends it, unless it ended already."""

    job_id: str
    offer_id: str
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteJob:
    """The job is to be classified, or let into its queue, unless that was done already."""

    job_id: str


type WorkerFollowUp = AssignReservation | ReleaseReservation
type FollowUp = AssignReservation | ReleaseReservation | RevokeOffer | RouteJob
