"""Offers, and how a job and a worker each remember them.

The job decides how an offer ends; the worker holds the capacity for it. See the offer protocol in
docs/adr.
"""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An open offer, listed by its job. ``registration``: see :class:`Reservation`."""

    offer_id: str
    worker_id: str
    registration: int
    capacity_cost: int
    offered_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A worker does not want the job, for as long as its registration lasts or until a time."""

    worker_id: str
    registration: int
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Capacity that a worker holds for one open offer or, once accepted, one assignment.

    ``registration``: which of the worker's registrations the offer was made in.
    ``check_at``: when a sweep should make sure that the job still lists the offer.
    """

    offer_id: str
    job_id: str
    channel_id: str
    queue_id: str
    registration: int
    capacity_cost: int
    offered_at: datetime
    expires_at: datetime
    check_at: datetime
    assignment_id: str | None = None
    assigned_at: datetime | None = None

    @property
    def is_offer(self) -> bool:
        return self.assignment_id is None

    def assigned(self, assignment_id: str, at: datetime) -> "Reservation":
        return replace(self, assignment_id=assignment_id, assigned_at=at)

    def as_offer(self, worker_id: str) -> Offer:
        """What the job lists for this reservation."""
        return Offer(
            offer_id=self.offer_id,
            worker_id=worker_id,
            registration=self.registration,
            capacity_cost=self.capacity_cost,
            offered_at=self.offered_at,
            expires_at=self.expires_at,
        )
