"""The job: its life cycle, its open offers and how each ends, its assignments.

``Job`` is immutable. A method named for an action checks the rule and returns the transition, or
raises and nothing happened.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.domain import events as e
from shared.domain.classification import Classification
from shared.domain.errors import Conflict, NotFound
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionAction,
    ExceptionRule,
    ManualReclassifyAction,
    ReclassifyAction,
)
from shared.domain.follow_ups import AssignReservation, FollowUp, ReleaseReservation, RouteJob
from shared.domain.job_definition import (
    JobDefinition,
    asks_anew,
    following_status,
    fresh,
    in_order,
    received_status,
    routing,
    with_note,
)
from shared.domain.job_facts import job_facts, offer_description, offer_facts
from shared.domain.labels import Labels
from shared.domain.limits import JOB_LIFETIME, MAX_UNASSIGNMENTS
from shared.domain.matching_modes import (
    MatchingMode,
    QueueAndMatch,
    ScheduleAndSuspend,
    Suspend,
)
from shared.domain.offers import Decline, Offer
from shared.domain.queue_conditions import NO_CONDITIONS, QueueConditions, QueueStay
from shared.domain.queues import QueueDetails
from shared.domain.selectors import WorkerSelector, keep_state
from shared.domain.statuses import TERMINAL, JobStatus
from shared.domain.transitions import Transition

EXPIRED_DISPOSITION = "Expired"
CANCELLED_DISPOSITION = "Cancelled"
CLOSED_DISPOSITION = "Closed"


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
class Job:
    """``sequence`` counts the events recorded for this job so far.

    ``classified_at``: when its policy last classified it, unless it is to do so again.
    ``queue_is_classified``: the queue is the policy's choice, so the next classification may choose
    another. ``fired_on_joining``: exception rules that fired because a queue was full, each once in
    a job's life, or else it might never get in anywhere.
    """

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
    attached_worker_selectors: tuple[WorkerSelector, ...] = ()
    classified_at: datetime | None = None
    queue_is_classified: bool = False
    stay: QueueStay | None = None
    fired_on_joining: tuple[str, ...] = ()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def channel_id(self) -> str:
        return self.definition.channel_id

    @property
    def queue_id(self) -> str | None:
        return self.definition.queue_id

    @property
    def own_queue_id(self) -> str:
        """Of a job that is in a queue, or was when it was assigned."""
        assert self.definition.queue_id is not None, "the job has a queue"
        return self.definition.queue_id

    @property
    def priority(self) -> int:
        return self.definition.priority

    @property
    def selectors(self) -> tuple[WorkerSelector, ...]:
        """All that are demanded of a worker: those requested, then those attached."""
        return self.definition.requested_worker_selectors + self.attached_worker_selectors

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_waiting(self) -> bool:
        """Whether the job waits in its queue for a worker, perhaps with offers open."""
        return self.status is JobStatus.QUEUED

    @property
    def is_expedited(self) -> bool:
        requested = self.definition.requested_worker_selectors
        return _expedites(requested) or _expedites(self.attached_worker_selectors)

    @property
    def is_to_be_routed(self) -> bool:
        """Whether the job waits to be classified, or to be let into its queue."""
        return self.status in {JobStatus.PENDING_CLASSIFICATION, JobStatus.CREATED}

    @property
    def needs_classification(self) -> bool:
        return self.definition.classification_policy_id is not None and self.classified_at is None

    def _has_due_exception(self, now: datetime) -> bool:
        if not self.is_waiting or self.stay is None or self.stay.exception_at is None:
            return False
        return self.stay.exception_at <= now

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
        status = received_status(definition)
        job = cls(id=id, definition=fresh(definition), status=status, created_at=now)
        return Transition(job, (job._received_event(),))

    def admit(
        self, now: datetime, conditions: QueueConditions = NO_CONDITIONS
    ) -> "Transition[Job]":
        """What follows a submission, a new matching mode or the end of a suspension.

        ``conditions``: those in the job's queue; they do not matter if it is still to be found.
        """
        match self.definition.matching_mode:
            case QueueAndMatch() if self.needs_classification:
                return self._route_as(JobStatus.PENDING_CLASSIFICATION)
            case QueueAndMatch():
                return self._join(conditions, now)
            case ScheduleAndSuspend(schedule_at=at):
                return replace(self, stay=None)._schedule(at)
            case Suspend():
                suspended = replace(self, status=JobStatus.WAITING_FOR_ACTIVATION, stay=None)
                return Transition(suspended)

    # -- classification -----------------------------------------------------------------------

    def reclassify(self) -> "Transition[Job]":
        """Have the job classified again: now, or as soon as it is to be queued.

        :raises Conflict: it has no policy, or is past its queue.
        """
        if self.definition.classification_policy_id is None:
            raise Conflict("JobHasNoClassificationPolicy", "The job has no classification policy.")
        self._require_before_assignment("it can no longer be classified")
        return self._classify_again()

    def queue_after(self, classification: Classification) -> str | None:
        """The queue in which the classified job will be; ``None``: there is none for it."""
        if self.queue_id is not None and not self.queue_is_classified:
            return self.queue_id
        return classification.queue_id or self.queue_id

    def classify(
        self,
        classification: Classification,
        queue: QueueDetails,
        now: datetime,
        conditions: QueueConditions = NO_CONDITIONS,
    ) -> "Transition[Job]":
        """Take over what the policy says, and join the queue; nothing unless that is awaited.

        ``queue``: the one of ``queue_after``, and ``conditions`` those in it.
        """
        if not self._awaits(classification.policy_id):
            return Transition(self)
        job = self._classified(classification, queue.id, now)
        facts = job_facts(job.id, job.definition) | {
            "queue_id": queue.id if job.queue_is_classified else None
        }
        event = e.JobClassified(
            **facts,
            queue=queue,
            classification_policy_id=classification.policy_id,
            priority=classification.priority,
            attached_worker_selectors=job.attached_worker_selectors,
        )
        return Transition(job, (event,)).then(lambda job: job._join(conditions, now))

    def fail_classification(
        self, policy_id: str, errors: tuple[e.ClassificationError, ...]
    ) -> "Transition[Job]":
        """The policy has no answer; nothing unless one is awaited."""
        if not self._awaits(policy_id):
            return Transition(self)
        event = e.JobClassificationFailed(
            **job_facts(self.id, self.definition), classification_policy_id=policy_id, errors=errors
        )
        return Transition(replace(self, status=JobStatus.CLASSIFICATION_FAILED), (event,))

    def _awaits(self, policy_id: str) -> bool:
        pending = self.status is JobStatus.PENDING_CLASSIFICATION
        return pending and self.definition.classification_policy_id == policy_id

    def _classified(self, classification: Classification, queue_id: str, now: datetime) -> "Job":
        kept = queue_id == self.queue_id and not self.queue_is_classified
        given = classification.priority
        priority = self.priority if given is None else given
        return replace(
            self,
            definition=replace(self.definition, queue_id=queue_id, priority=priority),
            attached_worker_selectors=keep_state(
                classification.worker_selectors, self.attached_worker_selectors
            ),
            classified_at=now,
            queue_is_classified=not kept,
        )

    def _classify_again(self) -> "Transition[Job]":
        job = replace(self, classified_at=None)
        if self.status not in _IN_PLAY or self.status is JobStatus.PENDING_CLASSIFICATION:
            return Transition(job)
        return job._revoke_offers().then(
            lambda job: job._route_as(JobStatus.PENDING_CLASSIFICATION)
        )

    # -- changes by the application -----------------------------------------------------------

    def update(
        self,
        definition: JobDefinition,
        now: datetime,
        conditions: QueueConditions = NO_CONDITIONS,
    ) -> "Transition[Job]":
        """Take over a changed definition. ``conditions``: those in the queue that it names.

        A new queue ends the open offers and queues the job again; a new channel or new selectors
        end the open offers; a new matching mode queues, suspends or schedules the job; another
        classification policy, or other labels for it, have the job classified again.
        :raises Conflict: the job is past its queue and the change would alter its matching.
        """
        definition = replace(
            definition,
            requested_worker_selectors=keep_state(
                definition.requested_worker_selectors, self.definition.requested_worker_selectors
            ),
            notes=in_order(definition.notes),
        )
        if routing(definition) != routing(self.definition):
            self._require_before_assignment(
                "its queue, channel, worker selectors, classification policy and matching mode "
                "can no longer change"
            )
        return self._with_definition(definition)._resume(self, conditions, now)

    def _with_definition(self, definition: JobDefinition) -> "Job":
        """With what stands of the last classification under the new definition."""
        job = replace(self, definition=definition)
        if definition.classification_policy_id is None:
            job = job._without_classification(self.definition.classification_policy_id)
        elif definition.queue_id is None or asks_anew(self.definition, definition):
            job = replace(job, classified_at=None)
        if definition.queue_id != self.queue_id:
            job = replace(job, queue_is_classified=False)
        return job

    def _without_classification(self, former_policy_id: str | None) -> "Job":
        """What a policy attached goes with it; what an exception policy attached stays."""
        if former_policy_id is None:
            return self
        return replace(self, attached_worker_selectors=(), classified_at=None)

    def _resume(
        self, before: "Job", conditions: QueueConditions, now: datetime
    ) -> "Transition[Job]":
        """Go on where ``before`` was, under the definition that has been taken over."""
        old, new = before.definition, self.definition
        # The offers end as what they were: for the queue and channel of before.
        revoked = before._revoke_offers().then(lambda _: Transition(replace(self, offers=())))
        if old.matching_mode != new.matching_mode or self._is_to_be_admitted_again(before):
            return revoked.then(lambda job: job.admit(now, conditions))
        if self.is_waiting and routing(old) != routing(new):
            return revoked.then(lambda job: Transition(job._with_running_selectors(now)))
        return Transition(self)

    def _is_to_be_admitted_again(self, before: "Job") -> bool:
        if before.status not in _IN_PLAY:
            return False
        old, new = before.definition, self.definition
        moved = old.queue_id != new.queue_id
        other_policy = old.classification_policy_id != new.classification_policy_id
        return moved or asks_anew(old, new) or (other_policy and not before.is_waiting)

    def _require_before_assignment(self, consequence: str) -> None:
        if self.open_assignment or self.is_terminal:
            raise Conflict("JobNotInQueue", f"The job is {self.status}: {consequence}.")

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
                (
                    e.JobCancelled(
                        **job_facts(job.id, job.definition), note=note, disposition_code=disposition
                    ),
                ),
                freed,
            )
        )

    def delete(self) -> "Transition[Job]":
        """:raises Conflict: the job has not ended yet."""
        if not self.is_terminal:
            raise Conflict("JobIsActive", f"The job is {self.status}; cancel or close it first.")
        return Transition(None, (e.JobDeleted(**job_facts(self.id, self.definition)),))

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
            **offer_description(self.id, self.definition, offer, worker_labels, worker_tags),
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
            stay=None,
            offers=tuple(other for other in self.offers if other is not offer),
            assignments=(*self.assignments, assignment),
        )
        accepted = e.OfferAccepted(
            **offer_description(self.id, self.definition, offer, worker_labels, worker_tags),
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
            definition=with_note(self.definition, note, now),
        )
        event = e.JobCompleted(
            **job_facts(self.id, self.definition),
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
        noted = replace(self, definition=with_note(self.definition, note, now))
        if close_at is None or close_at <= now:
            return noted._close(disposition, now)
        closing = Closing(close_at=close_at, disposition_code=disposition)
        return Transition(replace(noted, closing=closing))

    def unassign(
        self,
        assignment_id: str,
        suspend_matching: bool,
        now: datetime,
        conditions: QueueConditions = NO_CONDITIONS,
    ) -> "Transition[Job]":
        """Take the job back from its worker and, unless suspended, queue it again.

        However long its queue is: it was in there before.

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
            **job_facts(self.id, self.definition),
            assignment_id=assignment_id,
            worker_id=assignment.worker_id,
        )
        return Transition(unassigned, (event,), (_release(assignment),)).then(
            lambda job: job.admit(now, replace(conditions, length=0))
        )

    # -- time ---------------------------------------------------------------------------------

    def advance(
        self, now: datetime, conditions: QueueConditions = NO_CONDITIONS
    ) -> "Transition[Job]":
        """Do everything that is due; the same job, without events, if nothing is.

        ``conditions``: those in the job's queue.
        """
        return (
            self._activate(now)
            .then(lambda job: job._expire_offers(now))
            .then(lambda job: job._expire_selectors(now))
            .then(lambda job: job._forget_declines(now))
            .then(lambda job: job._wait_exceptions(conditions, now))
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
            if self.stay is not None and self.stay.exception_at is not None:
                yield self.stay.exception_at

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
            **job_facts(job.id, job.definition),
            priority=self.priority,
            requested_worker_selectors=self.definition.requested_worker_selectors,
            attached_worker_selectors=self.attached_worker_selectors,
            scheduled_at=now,
        )
        return Transition(job, (event,))

    def _expire_offers(self, now: datetime) -> "Transition[Job]":
        due = tuple(offer for offer in self.offers if offer.expires_at <= now)
        return self._end_offers(due, e.OfferExpired) if due else Transition(self)

    def _expire_selectors(self, now: datetime) -> "Transition[Job]":
        requested, attached = (
            self.definition.requested_worker_selectors,
            self.attached_worker_selectors,
        )
        if not self.is_waiting or not any(s.is_due(now) for s in self.selectors):
            return Transition(self)
        event = e.JobWorkerSelectorsExpired(
            **job_facts(self.id, self.definition),
            expired_requested_selectors=tuple(s.expired() for s in requested if s.is_due(now)),
            expired_attached_selectors=tuple(s.expired() for s in attached if s.is_due(now)),
        )
        return Transition(
            self._with_each_selector(lambda s: s.expired() if s.is_due(now) else s), (event,)
        )

    def _forget_declines(self, now: datetime) -> "Transition[Job]":
        kept = tuple(d for d in self.declines if d.retry_at is None or d.retry_at > now)
        if len(kept) == len(self.declines):
            return Transition(self)
        return Transition(replace(self, declines=kept))

    def _close_on_time(self, now: datetime) -> "Transition[Job]":
        if self.closing is None or self.closing.close_at > now:
            return Transition(self)
        return self._close(self.closing.disposition_code, now)

    # -- exceptions ---------------------------------------------------------------------------

    def learn(self, queue_id: str, conditions: QueueConditions) -> "Transition[Job]":
        """Learn of new conditions in the queue; nothing if the job does not wait there."""
        if not self.is_waiting or self.own_queue_id != queue_id:
            return Transition(self)
        stay = self.stay or QueueStay(queue_id=queue_id, since=self.enqueued_at or self.created_at)
        return Transition(replace(self, stay=conditions.scheduled(stay)))

    def _wait_exceptions(self, conditions: QueueConditions, now: datetime) -> "Transition[Job]":
        if not self._has_due_exception(now) or self.stay is None:
            return Transition(self)
        firing = conditions.on_waiting(self.stay, now)
        stay = replace(self.stay, fired=self.stay.fired + conditions.keys(firing))
        return replace(self, stay=conditions.scheduled(stay))._follow(firing, conditions, now)

    def _follow(
        self, rules: Iterable[ExceptionRule], conditions: QueueConditions, now: datetime
    ) -> "Transition[Job]":
        """Trigger the rules in their order, until the job has ended."""
        outcome: Transition[Job] = Transition(self)
        for rule in rules:
            outcome = outcome.then(partial(Job._trigger, rule=rule, conditions=conditions, now=now))
        return outcome

    def _trigger(
        self, rule: ExceptionRule, conditions: QueueConditions, now: datetime
    ) -> "Transition[Job]":
        if self.is_terminal or conditions.policy is None:
            return Transition(self)
        event = e.JobExceptionTriggered(
            **job_facts(self.id, self.definition),
            exception_policy_id=conditions.policy.id,
            exception_rule_id=rule.id,
        )
        outcome = Transition(self, (event,))
        for action in rule.actions:
            outcome = outcome.then(partial(Job._act, action=action, now=now))
        return outcome

    def _act(self, action: ExceptionAction, now: datetime) -> "Transition[Job]":
        if self.is_terminal:
            return Transition(self)
        match action:
            case CancelAction():
                return self.cancel(action.note, action.disposition_code, now)
            case ReclassifyAction():
                return self._reclassify_for(action)
            case ManualReclassifyAction():
                return self._reclassify_by_hand(action, now)

    def _reclassify_for(self, action: ReclassifyAction) -> "Transition[Job]":
        """Unlike when the application asks, the policy may choose another queue in any case:
        to leave the queue is what this action is for."""
        policy_id = action.classification_policy_id or self.definition.classification_policy_id
        definition = replace(
            self.definition,
            classification_policy_id=policy_id,
            labels={**self.definition.labels, **action.labels_to_upsert},
        )
        job = replace(self, definition=definition, queue_is_classified=True)
        return job._classify_again() if policy_id is not None else Transition(job)

    def _reclassify_by_hand(
        self, action: ManualReclassifyAction, now: datetime
    ) -> "Transition[Job]":
        return self._revoke_offers().then(
            lambda job: job._set_by_hand(action, now)._route_as(JobStatus.CREATED)
        )

    def _set_by_hand(self, action: ManualReclassifyAction, now: datetime) -> "Job":
        priority = self.priority if action.priority is None else action.priority
        queue_id = action.queue_id or self.queue_id
        return replace(
            self,
            definition=replace(self.definition, queue_id=queue_id, priority=priority),
            attached_worker_selectors=action.worker_selectors or self.attached_worker_selectors,
            classified_at=now,
            queue_is_classified=False,
        )

    # -- steps --------------------------------------------------------------------------------

    def _route_as(self, status: JobStatus) -> "Transition[Job]":
        return Transition(replace(self, status=status), (), (RouteJob(job_id=self.id),))

    def _schedule(self, at: datetime) -> "Transition[Job]":
        if at < self.created_at + JOB_LIFETIME:
            return Transition(replace(self, status=JobStatus.SCHEDULED, scheduled_at=at))
        event = e.JobSchedulingFailed(
            **job_facts(self.id, self.definition),
            priority=self.priority,
            requested_worker_selectors=self.definition.requested_worker_selectors,
            attached_worker_selectors=self.attached_worker_selectors,
            scheduled_at=at,
            reason=f"A job lives {JOB_LIFETIME.days} days at most; this one ends before that time.",
        )
        return Transition(replace(self, status=JobStatus.SCHEDULE_FAILED), (event,))

    def _join(self, conditions: QueueConditions, now: datetime) -> "Transition[Job]":
        """Enter the queue, unless its length is an exception that sends the job elsewhere."""
        firing = conditions.on_joining(self.fired_on_joining)
        fired = self.fired_on_joining + conditions.keys(firing)
        joining = replace(self, status=JobStatus.CREATED, fired_on_joining=fired)
        outcome = joining._follow(firing, conditions, now)
        if outcome.follow_ups or outcome.aggregate is None or outcome.aggregate.is_terminal:
            return outcome
        return outcome.then(lambda job: job._enqueue(conditions, now))

    def _enqueue(self, conditions: QueueConditions, now: datetime) -> "Transition[Job]":
        stay = self.stay
        if stay is None or stay.queue_id != self.own_queue_id:
            stay = QueueStay(queue_id=self.own_queue_id, since=now)
        job = replace(
            self,
            status=JobStatus.QUEUED,
            enqueued_at=self.enqueued_at or now,
            stay=conditions.scheduled(stay),
        )
        job = job._with_running_selectors(now)
        event = e.JobQueued(
            **job_facts(job.id, job.definition),
            priority=job.priority,
            requested_worker_selectors=job.definition.requested_worker_selectors,
            attached_worker_selectors=job.attached_worker_selectors,
        )
        return Transition(job, (event,))

    def _close(self, disposition: str | None, now: datetime) -> "Transition[Job]":
        disposition = disposition or CLOSED_DISPOSITION
        assignment = replace(self.assignments[-1], closed_at=now)
        closed = self._with_assignment(assignment)._ended(JobStatus.CLOSED, disposition, None, now)
        event = e.JobClosed(
            **job_facts(self.id, self.definition),
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
        ended = tuple(event(**offer_facts(self.id, self.definition, offer)) for offer in offers)
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
        definition = replace(with_note(self.definition, note, now), disposition_code=disposition)
        return replace(self, status=status, definition=definition, closing=None, declines=())

    def _with_running_selectors(self, now: datetime) -> "Job":
        return self._with_each_selector(lambda selector: selector.started(now))

    def _with_each_selector(self, change: Callable[[WorkerSelector], WorkerSelector]) -> "Job":
        requested = tuple(map(change, self.definition.requested_worker_selectors))
        return replace(
            self,
            definition=replace(self.definition, requested_worker_selectors=requested),
            attached_worker_selectors=tuple(map(change, self.attached_worker_selectors)),
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
            **job_facts(self.id, self.definition),
            status=following_status(self.definition),
            classification_policy_id=self.definition.classification_policy_id,
            priority=self.priority,
            requested_worker_selectors=self.definition.requested_worker_selectors,
            scheduled_at=mode.schedule_at if isinstance(mode, ScheduleAndSuspend) else None,
            unavailable_for_matching=not isinstance(mode, QueueAndMatch),
        )


_IN_PLAY = frozenset(
    {
        JobStatus.CREATED,
        JobStatus.PENDING_CLASSIFICATION,
        JobStatus.CLASSIFICATION_FAILED,
        JobStatus.QUEUED,
    }
)
"""The job is in its queue, or would be if somebody had the right answer."""


def _expedites(selectors: Iterable[WorkerSelector]) -> bool:
    # A loop, not any(): planning asks this of every waiting job.
    for selector in selectors:  # noqa: SIM110
        if selector.expedite and selector.is_active:
            return True
    return False


def _release(assignment: Assignment) -> ReleaseReservation:
    return ReleaseReservation(worker_id=assignment.worker_id, offer_id=assignment.offer_id)
