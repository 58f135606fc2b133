"""The job: its life cycle, its open offers and how each ends, its assignments.

``Job`` is immutable. A method named for an action checks the rule and returns the transition, or
raises and nothing happened.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict

from shared.domain import events as e
from shared.domain.errors import Conflict, NotFound
from shared.domain.follow_ups import AssignReservation, FollowUp, ReleaseReservation
from shared.domain.labels import Labels
from shared.domain.limits import DEFAULT_PRIORITY, JOB_LIFETIME, MAX_UNASSIGNMENTS
from shared.domain.matching_modes import (
    MatchingMode,
    QueueAndMatch,
    ScheduleAndSuspend,
    Suspend,
)
from shared.domain.offers import Decline, Offer
from shared.domain.selectors import WorkerSelector, identity, keep_state
from shared.domain.statuses import TERMINAL, JobStatus
from shared.domain.transitions import Transition

EXPIRED_DISPOSITION = "Expired"
CANCELLED_DISPOSITION = "Cancelled"
CLOSED_DISPOSITION = "Closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    message: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """``offer_id`` names the accepted offer, and with it the worker's reservation."""

    assignment_id: str
    worker_id: str
    offer_id: str
    assigned_at: datetime
    completed_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A completed job that closes at a later time."""

    close_at: datetime
    disposition_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """What the application decides about a job."""

    channel_id: str
    queue_id: str
    channel_reference: str | None = None
    priority: int = DEFAULT_PRIORITY
    disposition_code: str | None = None
    labels: Labels = field(default_factory=dict)
    tags: Labels = field(default_factory=dict)
    requested_worker_selectors: tuple[WorkerSelector, ...] = ()
    notes: tuple[Note, ...] = ()
    matching_mode: MatchingMode = field(default_factory=QueueAndMatch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``sequence`` counts the events recorded for this job so far."""

    id: str
    definition: JobDefinition
    status: JobStatus
    created_at: datetime
    enqueued_at: datetime | None = None
    scheduled_at: datetime | None = None
    offers: tuple[Offer, ...] = ()
    declines: tuple[Decline, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    unassignment_count: int = 0
    closing: Closing | None = None
    sequence: int = 0

    # -- what it is ---------------------------------------------------------------------------

    @property
    def channel_id(self) -> str:
        return self.definition.channel_id

    @property
    def queue_id(self) -> str:
        return self.definition.queue_id

    @property
    def priority(self) -> int:
        return self.definition.priority

    @property
    def selectors(self) -> tuple[WorkerSelector, ...]:
        return self.definition.requested_worker_selectors

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_waiting(self) -> bool:
        """Whether the job waits in its queue for a worker, perhaps with offers open."""
        return self.status is JobStatus.QUEUED

    @property
    def is_expedited(self) -> bool:
        # A loop, not any(): planning asks this of every waiting job.
        for selector in self.definition.requested_worker_selectors:
            if selector.expedite and selector.is_active:
                return True
        return False

    @property
    def open_assignment(self) -> Assignment | None:
        """The assignment that holds a worker's capacity now."""
        if self.status not in {JobStatus.ASSIGNED, JobStatus.COMPLETED}:
            return None
        return self.assignments[-1]

    @property
    def due_at(self) -> datetime:
        """When something happens to the job by itself; ``advance`` at that time does it."""
        return min(self._deadlines())

    def offer_of(self, offer_id: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.offer_id == offer_id), None)

    def may_be_offered_to(self, worker_id: str, registration: int) -> bool:
        """Whether the worker neither has an open offer for the job nor declined it."""
        if any(offer.worker_id == worker_id for offer in self.offers):
            return False
        return not any(
            decline.worker_id == worker_id and decline.registration == registration
            for decline in self.declines
        )

    # -- submission ---------------------------------------------------------------------------

    @classmethod
    def receive(cls, id: str, definition: JobDefinition, now: datetime) -> "Transition[Job]":
        """A submitted job, as the router answers it: accepted, not yet in its queue."""
        scheduled = isinstance(definition.matching_mode, ScheduleAndSuspend)
        status = JobStatus.PENDING_SCHEDULE if scheduled else JobStatus.CREATED
        job = cls(id=id, definition=_fresh(definition), status=status, created_at=now)
        return Transition(job, (job._received_event(),))

    def admit(self, now: datetime) -> "Transition[Job]":
        """What follows a submission, a new matching mode or the end of a suspension."""
        match self.definition.matching_mode:
            case QueueAndMatch():
                return self._enqueue(now)
            case ScheduleAndSuspend(schedule_at=at):
                scheduled = replace(self, status=JobStatus.SCHEDULED, scheduled_at=at)
                return Transition(scheduled)
            case Suspend():
                return Transition(replace(self, status=JobStatus.WAITING_FOR_ACTIVATION))

    # -- changes by the application -----------------------------------------------------------

    def update(self, definition: JobDefinition, now: datetime) -> "Transition[Job]":
        """Take over a changed definition.

        A new queue ends the open offers and queues the job again; a new channel or new selectors
        end the open offers; a new matching mode queues, suspends or schedules the job.
        :raises Conflict: the job is past its queue and the change would alter its matching.
        """
        definition = replace(
            definition,
            requested_worker_selectors=keep_state(
                definition.requested_worker_selectors, self.selectors
            ),
            notes=_sorted(definition.notes),
        )
        if _routing(definition) == _routing(self.definition):
            return Transition(replace(self, definition=definition))
        if self.open_assignment or self.is_terminal:
            raise Conflict(
                "JobNotInQueue",
                f"The job is {self.status}: its queue, channel, worker selectors and matching "
                "mode can no longer change.",
            )
        return self._reroute(definition, now)

    def _reroute(self, definition: JobDefinition, now: datetime) -> "Transition[Job]":
        revoked = self._revoke_offers().then(
            lambda job: Transition(replace(job, definition=definition))
        )
        same_mode = definition.matching_mode == self.definition.matching_mode
        same_queue = definition.queue_id == self.queue_id
        if not same_mode or (self.is_waiting and not same_queue):
            return revoked.then(lambda job: job.admit(now))
        if self.is_waiting:
            return revoked.then(lambda job: Transition(job._with_running_selectors(now)))
        return revoked

    def cancel(self, note: str | None, disposition: str | None, now: datetime) -> "Transition[Job]":
        """End the job wherever it is; its offers are revoked, its assignment is released.

        :raises Conflict: the job is closed or cancelled already.
        """
        if self.is_terminal:
            raise Conflict("JobAlreadyEnded", f"The job is {self.status} already.")
        disposition = disposition or CANCELLED_DISPOSITION
        held = self.open_assignment
        freed: tuple[FollowUp, ...] = (_release(held),) if held else ()
        return self._revoke_offers().then(
            lambda job: Transition(
                job._ended(JobStatus.CANCELLED, disposition, note, now),
                (e.JobCancelled(**_job_facts(job), note=note, disposition_code=disposition),),
                freed,
            )
        )

    def delete(self) -> "Transition[Job]":
        """:raises Conflict: the job has not ended yet."""
        if not self.is_terminal:
            raise Conflict("JobIsActive", f"The job is {self.status}; cancel or close it first.")
        return Transition(None, (e.JobDeleted(**_job_facts(self)),))

    # -- offers -------------------------------------------------------------------------------

    def issue_offer(
        self, offer: Offer, worker_labels: Labels, worker_tags: Labels, at_most: int
    ) -> "Transition[Job]":
        """Issue an offer for which the worker holds a reservation.

        :raises Conflict: the job cannot take the offer (any more).
        """
        offerable = self.may_be_offered_to(offer.worker_id, offer.registration)
        if not self.is_waiting or len(self.offers) >= at_most or not offerable:
            raise Conflict("OfferNotPossible", "The job takes no such offer now.")
        issued = e.OfferIssued(
            **_offer_description(self, offer, worker_labels, worker_tags),
            offered_at=offer.offered_at,
            expires_at=offer.expires_at,
        )
        return Transition(replace(self, offers=(*self.offers, offer)), (issued,))

    def accept(
        self,
        offer_id: str,
        assignment_id: str,
        worker_labels: Labels,
        worker_tags: Labels,
        now: datetime,
    ) -> "Transition[Job]":
        """The worker takes the job; every other offer of it is revoked.

        :raises NotFound: the offer ended. :raises Conflict: another worker has the job.
        """
        offer = self._open_offer(offer_id, now)
        assignment = Assignment(
            assignment_id=assignment_id,
            worker_id=offer.worker_id,
            offer_id=offer_id,
            assigned_at=now,
        )
        assigned = replace(
            self,
            status=JobStatus.ASSIGNED,
            offers=tuple(other for other in self.offers if other is not offer),
            assignments=(*self.assignments, assignment),
        )
        accepted = e.OfferAccepted(
            **_offer_description(self, offer, worker_labels, worker_tags),
            assignment_id=assignment_id,
        )
        taken = AssignReservation(
            worker_id=offer.worker_id,
            offer_id=offer_id,
            assignment_id=assignment_id,
            assigned_at=now,
        )
        return Transition(assigned, (accepted,), (taken,)).then(Job._revoke_offers)

    def decline(self, offer_id: str, retry_at: datetime | None, now: datetime) -> "Transition[Job]":
        """The worker does not want the job before ``retry_at``, or ever in this registration.

        :raises NotFound: the offer ended. :raises Conflict: another worker has the job.
        """
        offer = self._open_offer(offer_id, now)
        declined = self._end_offers((offer,), e.OfferDeclined)
        if retry_at is not None and retry_at <= now:
            return declined
        decline = Decline(
            worker_id=offer.worker_id,
            registration=offer.registration,
            retry_at=retry_at,
        )
        others = tuple(d for d in self.declines if d.worker_id != offer.worker_id)
        return declined.then(lambda job: Transition(replace(job, declines=(*others, decline))))

    def revoke(self, offer_id: str) -> "Transition[Job]":
        """End an offer that its worker can no longer take; nothing if it ended already."""
        offer = self.offer_of(offer_id)
        return self._end_offers((offer,), e.OfferRevoked) if offer else Transition(self)

    # -- assignments --------------------------------------------------------------------------

    def complete(self, assignment_id: str, note: str | None, now: datetime) -> "Transition[Job]":
        """The work is done and wrap-up begins; the capacity stays held.

        :raises NotFound: no such assignment. :raises Conflict: the job is not assigned (any more).
        """
        assignment = self._assignment(assignment_id)
        if self.status is not JobStatus.ASSIGNED or assignment is not self.open_assignment:
            raise Conflict("JobNotAssigned", f"The job is {self.status}, not assigned.")
        completed = replace(
            self._with_assignment(replace(assignment, completed_at=now)),
            status=JobStatus.COMPLETED,
            definition=_with_note(self.definition, note, now),
        )
        event = e.JobCompleted(
            **_job_facts(self),
            assignment_id=assignment_id,
            worker_id=assignment.worker_id,
        )
        return Transition(completed, (event,))

    def close(
        self,
        assignment_id: str,
        disposition: str | None,
        close_at: datetime | None,
        note: str | None,
        now: datetime,
    ) -> "Transition[Job]":
        """Wrap-up is over, or will be at ``close_at``: then the capacity is free again.

        :raises NotFound: no such assignment. :raises Conflict: the job is not completed, or closed.
        """
        assignment = self._assignment(assignment_id)
        if self.status is not JobStatus.COMPLETED or assignment is not self.open_assignment:
            raise Conflict("JobNotCompleted", f"The job is {self.status}, not completed.")
        noted = replace(self, definition=_with_note(self.definition, note, now))
        if close_at is None or close_at <= now:
            return noted._close(disposition, now)
        closing = Closing(close_at=close_at, disposition_code=disposition)
        return Transition(replace(noted, closing=closing))

    def unassign(
        self, assignment_id: str, suspend_matching: bool, now: datetime
    ) -> "Transition[Job]":
        """Take the job back from its worker and, unless suspended, queue it again.

        :raises NotFound: no such assignment.
        :raises Conflict: the job is not assigned, or was unassigned too often already.
        """
        assignment = self._assignment(assignment_id)
        if self.status is not JobStatus.ASSIGNED or assignment is not self.open_assignment:
            raise Conflict("JobNotAssigned", f"The job is {self.status}, not assigned.")
        if self.unassignment_count >= MAX_UNASSIGNMENTS:
            raise Conflict(
                "UnassignmentLimitReached",
                f"The job was unassigned {MAX_UNASSIGNMENTS} times already.",
            )
        mode: MatchingMode = Suspend() if suspend_matching else QueueAndMatch()
        unassigned = replace(
            self,
            definition=replace(self.definition, matching_mode=mode),
            assignments=tuple(a for a in self.assignments if a is not assignment),
            unassignment_count=self.unassignment_count + 1,
        )
        event = e.JobUnassigned(
            **_job_facts(self),
            assignment_id=assignment_id,
            worker_id=assignment.worker_id,
        )
        return Transition(unassigned, (event,), (_release(assignment),)).then(
            lambda job: job.admit(now)
        )

    # -- time ---------------------------------------------------------------------------------

    def advance(self, now: datetime) -> "Transition[Job]":
        """Do everything that is due; the same job, without events, if nothing is."""
        return (
            self._activate(now)
            .then(lambda job: job._expire_offers(now))
            .then(lambda job: job._expire_selectors(now))
            .then(lambda job: job._forget_declines(now))
            .then(lambda job: job._close_on_time(now))
            .then(lambda job: job._end_of_life(now))
        )

    def _deadlines(self) -> Iterable[datetime]:
        yield self.created_at + JOB_LIFETIME
        if self.status is JobStatus.SCHEDULED and self.scheduled_at is not None:
            yield self.scheduled_at
        if self.closing is not None:
            yield self.closing.close_at
        if self.is_waiting:
            yield from (offer.expires_at for offer in self.offers)
            yield from (s.expires_at for s in self.selectors if s.is_active and s.expires_at)
            yield from (d.retry_at for d in self.declines if d.retry_at)

    def _end_of_life(self, now: datetime) -> "Transition[Job]":
        if self.created_at + JOB_LIFETIME > now:
            return Transition(self)
        ended: Transition[Job] = Transition(self)
        if not self.is_terminal:
            ended = self.cancel(None, EXPIRED_DISPOSITION, now)
        return ended.then(Job.delete)

    def _activate(self, now: datetime) -> "Transition[Job]":
        due = self.scheduled_at is not None and self.scheduled_at <= now
        if self.status is not JobStatus.SCHEDULED or not due:
            return Transition(self)
        job = replace(self, status=JobStatus.WAITING_FOR_ACTIVATION, scheduled_at=now)
        event = e.JobWaitingForActivation(
            **_job_facts(job),
            priority=self.priority,
            requested_worker_selectors=self.selectors,
            scheduled_at=now,
        )
        return Transition(job, (event,))

    def _expire_offers(self, now: datetime) -> "Transition[Job]":
        due = tuple(offer for offer in self.offers if offer.expires_at <= now)
        return self._end_offers(due, e.OfferExpired) if due else Transition(self)

    def _expire_selectors(self, now: datetime) -> "Transition[Job]":
        due = tuple(s.expired() for s in self.selectors if s.is_due(now))
        if not self.is_waiting or not due:
            return Transition(self)
        after = tuple(s.expired() if s.is_due(now) else s for s in self.selectors)
        event = e.JobWorkerSelectorsExpired(**_job_facts(self), expired_requested_selectors=due)
        return Transition(self._with_selectors(after), (event,))

    def _forget_declines(self, now: datetime) -> "Transition[Job]":
        kept = tuple(d for d in self.declines if d.retry_at is None or d.retry_at > now)
        if len(kept) == len(self.declines):
            return Transition(self)
        return Transition(replace(self, declines=kept))

    def _close_on_time(self, now: datetime) -> "Transition[Job]":
        if self.closing is None or self.closing.close_at > now:
            return Transition(self)
        return self._close(self.closing.disposition_code, now)

    # -- steps --------------------------------------------------------------------------------

    def _enqueue(self, now: datetime) -> "Transition[Job]":
        job = replace(self, status=JobStatus.QUEUED, enqueued_at=self.enqueued_at or now)
        job = job._with_running_selectors(now)
        event = e.JobQueued(
            **_job_facts(job),
            priority=job.priority,
            requested_worker_selectors=job.selectors,
        )
        return Transition(job, (event,))

    def _close(self, disposition: str | None, now: datetime) -> "Transition[Job]":
        disposition = disposition or CLOSED_DISPOSITION
        assignment = replace(self.assignments[-1], closed_at=now)
        closed = self._with_assignment(assignment)._ended(JobStatus.CLOSED, disposition, None, now)
        event = e.JobClosed(
            **_job_facts(self),
            assignment_id=assignment.assignment_id,
            worker_id=assignment.worker_id,
            disposition_code=disposition,
        )
        return Transition(closed, (event,), (_release(assignment),))

    def _end_offers(
        self,
        offers: tuple[Offer, ...],
        event: type[e.OfferDeclined | e.OfferRevoked | e.OfferExpired],
    ) -> "Transition[Job]":
        expired = event is e.OfferExpired
        kept = tuple(offer for offer in self.offers if offer not in offers)
        ended = tuple(event(**_offer_facts(self, offer)) for offer in offers)
        released = tuple(
            ReleaseReservation(
                worker_id=offer.worker_id,
                offer_id=offer.offer_id,
                expired_registration=offer.registration if expired else None,
            )
            for offer in offers
        )
        return Transition(replace(self, offers=kept), ended, released)

    def _revoke_offers(self) -> "Transition[Job]":
        return self._end_offers(self.offers, e.OfferRevoked)

    def _ended(self, status: JobStatus, disposition: str, note: str | None, now: datetime) -> "Job":
        definition = replace(_with_note(self.definition, note, now), disposition_code=disposition)
        return replace(self, status=status, definition=definition, closing=None, declines=())

    def _with_running_selectors(self, now: datetime) -> "Job":
        return self._with_selectors(tuple(s.started(now) for s in self.selectors))

    def _with_selectors(self, selectors: tuple[WorkerSelector, ...]) -> "Job":
        return replace(
            self,
            definition=replace(self.definition, requested_worker_selectors=selectors),
        )

    def _with_assignment(self, assignment: Assignment) -> "Job":
        return replace(self, assignments=(*self.assignments[:-1], assignment))

    def _open_offer(self, offer_id: str, now: datetime) -> Offer:
        """An offer past its time is over, even before a sweep has said so."""
        offer = self.offer_of(offer_id)
        if offer is not None and offer.expires_at > now:
            return offer
        if offer is None and self.open_assignment is not None:
            raise Conflict("JobAlreadyAssigned", "The job was accepted by a worker already.")
        raise NotFound("offer", offer_id)

    def _assignment(self, assignment_id: str) -> Assignment:
        for assignment in self.assignments:
            if assignment.assignment_id == assignment_id:
                return assignment
        raise NotFound("assignment", assignment_id)

    def _received_event(self) -> e.JobReceived:
        mode = self.definition.matching_mode
        return e.JobReceived(
            **_job_facts(self),
            status=_following_status(mode),
            priority=self.priority,
            requested_worker_selectors=self.selectors,
            scheduled_at=mode.schedule_at if isinstance(mode, ScheduleAndSuspend) else None,
            unavailable_for_matching=not isinstance(mode, QueueAndMatch),
        )


def _following_status(mode: MatchingMode) -> JobStatus:
    """What a submitted job's status is going to be."""
    match mode:
        case QueueAndMatch():
            return JobStatus.QUEUED
        case ScheduleAndSuspend():
            return JobStatus.PENDING_SCHEDULE
        case Suspend():
            return JobStatus.WAITING_FOR_ACTIVATION


def _fresh(definition: JobDefinition) -> JobDefinition:
    return replace(
        definition,
        requested_worker_selectors=tuple(s.fresh() for s in definition.requested_worker_selectors),
        notes=_sorted(definition.notes),
    )


def _routing(definition: JobDefinition) -> tuple[object, ...]:
    """The part of a definition that decides where and to whom the job goes."""
    return (
        definition.queue_id,
        definition.channel_id,
        definition.matching_mode,
        frozenset(map(identity, definition.requested_worker_selectors)),
    )


def _sorted(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: note.added_at))


def _with_note(definition: JobDefinition, note: str | None, now: datetime) -> JobDefinition:
    if note is None:
        return definition
    return replace(definition, notes=_sorted((*definition.notes, Note(message=note, added_at=now))))


def _release(assignment: Assignment) -> ReleaseReservation:
    return ReleaseReservation(worker_id=assignment.worker_id, offer_id=assignment.offer_id)


class JobFacts(TypedDict):
    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str | None
    labels: Labels
    tags: Labels


def _job_facts(job: Job) -> JobFacts:
    return JobFacts(
        job_id=job.id,
        channel_id=job.channel_id,
        channel_reference=job.definition.channel_reference,
        queue_id=job.queue_id,
        labels=job.definition.labels,
        tags=job.definition.tags,
    )


class OfferFacts(TypedDict):
    worker_id: str
    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str
    offer_id: str


def _offer_facts(job: Job, offer: Offer) -> OfferFacts:
    return OfferFacts(
        worker_id=offer.worker_id,
        job_id=job.id,
        channel_id=job.channel_id,
        channel_reference=job.definition.channel_reference,
        queue_id=job.queue_id,
        offer_id=offer.offer_id,
    )


class OfferDescription(OfferFacts):
    job_priority: int
    job_labels: Labels
    job_tags: Labels
    worker_labels: Labels
    worker_tags: Labels


def _offer_description(
    job: Job, offer: Offer, worker_labels: Labels, worker_tags: Labels
) -> OfferDescription:
    return OfferDescription(
        **_offer_facts(job, offer),
        job_priority=job.priority,
        job_labels=job.definition.labels,
        job_tags=job.definition.tags,
        worker_labels=worker_labels,
        worker_tags=worker_tags,
    )
