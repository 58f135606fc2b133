"""The worker: its registration, and the capacity it holds for offers and assignments.

``Worker`` is immutable. A method named for an action checks the rule and returns the transition, or
raises and nothing happened.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from shared.domain import events as e
from shared.domain.channels import Channel
from shared.domain.errors import Conflict
from shared.domain.follow_ups import RevokeOffer
from shared.domain.labels import Labels, identical
from shared.domain.limits import IDLE_WORKER_LIFETIME, RESERVATION_LEASE
from shared.domain.offers import Reservation
from shared.domain.queues import QueueDetails
from shared.domain.statuses import WorkerState
from shared.domain.transitions import Transition

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type QueueDirectory = Callable[[Sequence[str]], tuple[QueueDetails, ...]]
"""Describes queues by id, for the events that tell about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProfile:
    """What the application decides about a worker."""

    capacity: int
    queues: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    labels: Labels = field(default_factory=dict)
    tags: Labels = field(default_factory=dict)
    available_for_offers: bool = False
    max_concurrent_offers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """``registration`` identifies the worker's present or latest registration; it only grows.

    ``available_since``: since when it is registered without having got capacity back; ties in
    distribution go to the earliest. ``last_offered_at``: when it last got an offer, for round
    robin. ``sequence`` counts the events recorded for this worker so far.
    """

    id: str
    profile: WorkerProfile
    registration: int = 0
    available_since: datetime | None = None
    last_offered_at: datetime | None = None
    reservations: tuple[Reservation, ...] = ()
    sequence: int = 0

    # -- what it is ---------------------------------------------------------------------------

    @property
    def state(self) -> WorkerState:
        """``draining``: no longer available, but still holding work."""
        if self.profile.available_for_offers:
            return WorkerState.ACTIVE
        return WorkerState.DRAINING if self.reservations else WorkerState.INACTIVE

    @property
    def consumed_capacity(self) -> int:
        return sum(held.capacity_cost for held in self.reservations)

    @property
    def load_ratio(self) -> float:
        """Consumed by total capacity; offers count as well as assignments. 0 to 1."""
        if self.profile.capacity <= 0:
            return 1.0
        return min(1.0, self.consumed_capacity / self.profile.capacity)

    @property
    def open_offers(self) -> tuple[Reservation, ...]:
        return tuple(held for held in self.reservations if held.is_offer)

    @property
    def assignments(self) -> tuple[Reservation, ...]:
        return tuple(held for held in self.reservations if not held.is_offer)

    @property
    def due_at(self) -> datetime | None:
        """When a sweep should check an offer's reservation against its job."""
        return min((held.check_at for held in self.open_offers), default=None)

    @property
    def idle_since(self) -> datetime | None:
        """Since when the worker is registered without any work; ``None`` if it is not idle."""
        idle = self.profile.available_for_offers and not self.reservations
        return self.available_since if idle else None

    def channel(self, channel_id: str) -> Channel | None:
        return next((c for c in self.profile.channels if c.channel_id == channel_id), None)

    def reservation(self, offer_id: str) -> Reservation | None:
        return next((held for held in self.reservations if held.offer_id == offer_id), None)

    def has_capacity_for(self, channel_id: str) -> bool:
        """Whether one more job of the channel fits, by capacity and by the channel's cap."""
        channel = self.channel(channel_id)
        if channel is None:
            return False
        if self.consumed_capacity + channel.capacity_cost_per_job > self.profile.capacity:
            return False
        held = sum(1 for held in self.reservations if held.channel_id == channel_id)
        return channel.max_number_of_jobs is None or held < channel.max_number_of_jobs

    @property
    def may_get_offers(self) -> bool:
        """Whether it is registered and below its own limit of concurrent offers."""
        limit = self.profile.max_concurrent_offers
        return self.profile.available_for_offers and (
            limit is None or len(self.open_offers) < limit
        )

    def is_available(self, queue_id: str, channel_id: str) -> bool:
        """Whether a job of the queue and channel may be offered, selectors aside."""
        return (
            self.may_get_offers
            and queue_id in self.profile.queues
            and self.has_capacity_for(channel_id)
        )

    # -- changes by the application -----------------------------------------------------------

    @classmethod
    def create(
        cls, id: str, profile: WorkerProfile, directory: QueueDirectory, now: datetime
    ) -> "Transition[Worker]":
        worker = cls(id=id, profile=replace(profile, available_for_offers=False))
        if profile.available_for_offers:
            return replace(worker, profile=profile)._registered(directory, now)
        return Transition(worker)

    def update(
        self, profile: WorkerProfile, directory: QueueDirectory, now: datetime
    ) -> "Transition[Worker]":
        """Take over a changed profile; offers the worker could no longer take are revoked."""
        changed = replace(self, profile=profile)
        if identical(profile, self.profile):
            return Transition(self)
        if profile.available_for_offers and not self.profile.available_for_offers:
            return changed._registered(directory, now)
        if self.profile.available_for_offers and not profile.available_for_offers:
            return changed._deregistered()
        event = e.WorkerUpdated(
            **_description(changed, directory),
            available_for_offers=profile.available_for_offers,
            updated_properties=tuple(_differences(self.profile, profile)),
        )
        return Transition(changed, (event,), changed._revocations(changed._untenable_offers()))

    def deregister(self) -> "Transition[Worker]":
        """No more offers; the open ones are revoked. Nothing if it is not registered."""
        if not self.profile.available_for_offers:
            return Transition(self)
        return self._unavailable()._deregistered()

    def delete(
        self, directory: QueueDirectory, *, even_if_busy: bool = False
    ) -> "Transition[Worker]":
        """:raises Conflict: the worker has assigned jobs, and that matters."""
        if self.assignments and not even_if_busy:
            raise Conflict("WorkerHasAssignedJobs", "The worker has jobs; close or unassign them.")
        deregistered = (
            (e.WorkerDeregistered(worker_id=self.id),) if self.profile.available_for_offers else ()
        )
        deleted = e.WorkerDeleted(**_description(self, directory))
        return Transition(None, (*deregistered, deleted), self._revocations(self.open_offers))

    # -- capacity -----------------------------------------------------------------------------

    def reserve(
        self,
        *,
        offer_id: str,
        job_id: str,
        queue_id: str,
        channel_id: str,
        expires_at: datetime,
        now: datetime,
    ) -> "Transition[Worker]":
        """Hold capacity for an offer that is about to be issued.

        :raises Conflict: the worker cannot take such an offer now, or holds one for this job.
        """
        channel = self.channel(channel_id)
        taken = any(held.job_id == job_id for held in self.reservations)
        if channel is None or taken or not self.is_available(queue_id, channel_id):
            raise Conflict("WorkerNotAvailable", "The worker takes no such offer now.")
        reservation = Reservation(
            offer_id=offer_id,
            job_id=job_id,
            channel_id=channel_id,
            queue_id=queue_id,
            registration=self.registration,
            capacity_cost=channel.capacity_cost_per_job,
            offered_at=now,
            expires_at=expires_at,
            check_at=now + RESERVATION_LEASE,
        )
        return Transition(
            replace(
                self,
                reservations=(*self.reservations, reservation),
                last_offered_at=now,
            )
        )

    def assign(self, offer_id: str, assignment_id: str, at: datetime) -> "Transition[Worker]":
        """The reservation becomes the assignment's; nothing if it did already or is gone."""
        held = self.reservation(offer_id)
        if held is None or not held.is_offer:
            return Transition(self)
        return Transition(self._replacing(held, held.assigned(assignment_id, at)))

    def release(
        self, offer_id: str, expired_registration: int | None, now: datetime
    ) -> "Transition[Worker]":
        """Free what the offer or its assignment held, if that has not happened already.

        ``expired_registration``: an offer of that registration expired. The worker is deregistered,
        unless it has registered again since.
        """
        freed = self._freed(offer_id, now)
        expired = expired_registration == self.registration
        return freed.deregister() if expired else Transition(freed)

    def withdraw(self, offer_id: str) -> "Transition[Worker]":
        """Give back what was held for an offer that was never issued."""
        held = self.reservation(offer_id)
        return Transition(self._dropping(held)) if held else Transition(self)

    def postpone_check(self, offer_id: str) -> "Transition[Worker]":
        """The job does list the offer: look again only if the offer outlives its expiry."""
        held = self.reservation(offer_id)
        if held is None or not held.is_offer:
            return Transition(self)
        later = max(held.check_at, held.expires_at) + RESERVATION_LEASE
        return Transition(self._replacing(held, replace(held, check_at=later)))

    def deregister_if_idle(self, now: datetime) -> "Transition[Worker]":
        """Deregister a worker that had no work for the longest time the router allows."""
        if self.idle_since is None or self.idle_since + IDLE_WORKER_LIFETIME > now:
            return Transition(self)
        return self.deregister()

    # -- steps --------------------------------------------------------------------------------

    def _registered(self, directory: QueueDirectory, now: datetime) -> "Transition[Worker]":
        worker = replace(self, registration=self._next_registration(now), available_since=now)
        return Transition(worker, (e.WorkerRegistered(**_description(worker, directory)),))

    def _next_registration(self, now: datetime) -> int:
        """By the clock, so that a worker deleted and made anew does not repeat one."""
        microseconds = (now - EPOCH) // timedelta(microseconds=1)
        return max(self.registration + 1, microseconds)

    def _deregistered(self) -> "Transition[Worker]":
        event = e.WorkerDeregistered(worker_id=self.id)
        return Transition(self, (event,), self._revocations(self.open_offers))

    def _unavailable(self) -> "Worker":
        return replace(self, profile=replace(self.profile, available_for_offers=False))

    def _freed(self, offer_id: str, now: datetime) -> "Worker":
        held = self.reservation(offer_id)
        if held is None:
            return self
        available = self.profile.available_for_offers
        since = now if available else self.available_since
        return replace(self._dropping(held), available_since=since)

    def _dropping(self, dropped: Reservation) -> "Worker":
        kept = tuple(held for held in self.reservations if held is not dropped)
        return replace(self, reservations=kept)

    def _replacing(self, old: Reservation, new: Reservation) -> "Worker":
        held = tuple(new if other is old else other for other in self.reservations)
        return replace(self, reservations=held)

    def _revocations(self, offers: Iterable[Reservation]) -> tuple[RevokeOffer, ...]:
        return tuple(
            RevokeOffer(job_id=held.job_id, offer_id=held.offer_id, worker_id=self.id)
            for held in offers
        )

    def _untenable_offers(self) -> Iterable[Reservation]:
        """Open offers that the profile no longer has room for, the newest going first."""
        kept = replace(self, reservations=self.assignments)
        for held in self.open_offers:
            with_it = replace(kept, reservations=(*kept.reservations, held))
            fits = with_it.consumed_capacity <= self.profile.capacity
            if fits and kept.is_available(held.queue_id, held.channel_id):
                kept = with_it
            else:
                yield held


def _differences(old: WorkerProfile, new: WorkerProfile) -> Iterable[str]:
    names = (f.name for f in fields(WorkerProfile))
    return (name for name in names if not identical(getattr(old, name), getattr(new, name)))


class WorkerFacts(TypedDict):
    worker_id: str
    capacity: int
    queues: tuple[QueueDetails, ...]
    channels: tuple[Channel, ...]
    labels: Labels
    tags: Labels


def _description(worker: Worker, directory: QueueDirectory) -> WorkerFacts:
    return WorkerFacts(
        worker_id=worker.id,
        capacity=worker.profile.capacity,
        queues=directory(worker.profile.queues),
        channels=worker.profile.channels,
        labels=worker.profile.labels,
        tags=worker.profile.tags,
    )
