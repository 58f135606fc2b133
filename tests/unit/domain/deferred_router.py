"""A router made of the domain alone, in which everything that may be late is late.

It plays the part of the services: a worker reserves, then the job lists the offer; what one
aggregate asks of another is kept until somebody applies it. Every commit is checked against what
may be announced and against the worker's limits.

Listing is freer here than in the services: unless a sweep has given the reservation away (then the
issuer is shut out), the domain itself has to refuse an offer that the job cannot take any more.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.classification import Classification
from shared.domain.errors import RouterError
from shared.domain.events import ClassificationError
from shared.domain.exception_policies import (
    ExceptionPolicy,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.follow_ups import (
    AssignReservation,
    FollowUp,
    ReleaseReservation,
    RevokeOffer,
    RouteJob,
)
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.offers import Offer
from shared.domain.queue_conditions import NO_CONDITIONS, QueueConditions
from shared.domain.queues import QueueDetails
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from shared.domain.workers import Worker, WorkerProfile
from tests.unit.domain.builders import START, described, selector
from tests.unit.domain.chronicles import JobChronicle, WorkerChronicle

QUEUES = ("support", "sales")
EXCEPTIONS = ExceptionPolicy(
    id="overflow",
    rules=(
        ExceptionRule(
            id="full",
            trigger=QueueLengthTrigger(threshold=1),
            actions=(ManualReclassifyAction(id="move", queue_id=QUEUES[0]),),
        ),
        ExceptionRule(
            id="late",
            trigger=WaitTimeTrigger(threshold_seconds=45),
            actions=(
                ReclassifyAction(
                    id="again",
                    classification_policy_id="by-wish",
                    labels_to_upsert={"wish": QUEUES[0]},
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True)
class Unlisted:
    """A reservation whose job does not list the offer yet.

    ``job_touches``: how often somebody had shut out the issuers of the job's offers before.
    """

    offer: Offer
    job_id: str
    job_touches: int


class DeferredRouter:
    """``follow_ups`` and ``unlisted``: what is still to be done. ``at_most``: offers per job."""

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most
        self.now: datetime = START
        self.jobs: dict[str, Job] = {}
        self.workers: dict[str, Worker] = {}
        self.follow_ups: list[FollowUp] = []
        self.unlisted: list[Unlisted] = []
        self._touches: Counter[str] = Counter()
        self._job_chronicles: dict[str, JobChronicle] = {}
        self._worker_chronicles: dict[str, WorkerChronicle] = {}
        self._ids = 0

    # -- what requests do ---------------------------------------------------------------------

    def submit(self, job_id: str, definition: JobDefinition) -> None:
        self._touches[job_id] += 1
        self._job_chronicles[job_id] = JobChronicle()
        received = Job.receive(job_id, definition, self.now)
        conditions = self.conditions_in(definition.queue_id)
        self._commit_job(job_id, received.then(lambda job: job.admit(self.now, conditions)))

    def hire(self, worker_id: str, profile: WorkerProfile) -> None:
        self._worker_chronicles[worker_id] = WorkerChronicle()
        self._commit_worker(worker_id, Worker.create(worker_id, profile, described, self.now))

    def change_job(self, job_id: str, act: Callable[[Job], Transition[Job]]) -> None:
        """It may be refused, and there may be no such job: then nothing happens."""
        job = self.jobs.get(job_id)
        if job is None:
            return
        try:
            transition = act(job)
        except RouterError:
            return
        self._commit_job(job_id, transition)

    def change_worker(self, worker_id: str, act: Callable[[Worker], Transition[Worker]]) -> None:
        worker = self.workers.get(worker_id)
        if worker is None:
            return
        try:
            transition = act(worker)
        except RouterError:
            return
        self._commit_worker(worker_id, transition)

    def new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"

    # -- offers -------------------------------------------------------------------------------

    def possible_pairs(self) -> list[tuple[str, str]]:
        """Jobs and workers that matching could put together now."""
        return [
            (job.id, worker.id)
            for job in self.jobs.values()
            for worker in self.workers.values()
            if job.is_waiting
            and len(job.offers) < self.at_most
            and job.may_be_offered_to(worker.id, worker.registration)
            and worker.is_available(job.own_queue_id, job.channel_id)
        ]

    def reserve(self, job_id: str, worker_id: str, life: timedelta) -> None:
        """The first step of an offer."""
        job, offer_id = self.jobs[job_id], self.new_id("offer")
        self.change_worker(
            worker_id,
            lambda worker: worker.reserve(
                offer_id=offer_id,
                job_id=job_id,
                queue_id=job.own_queue_id,
                channel_id=job.channel_id,
                expires_at=self.now + life,
                now=self.now,
            ),
        )
        held = self.workers[worker_id].reservation(offer_id)
        if held is not None:
            offer = held.as_offer(worker_id)
            self.unlisted.append(Unlisted(offer, job_id, self._touches[job_id]))

    def issue_offer(self, pending: Unlisted) -> None:
        """The second step: the job lists the offer, or the capacity is given back."""
        self.unlisted.remove(pending)
        offer, job_id = pending.offer, pending.job_id
        if self._touches[job_id] == pending.job_touches:
            self.change_job(job_id, lambda job: job.issue_offer(offer, {}, {}, self.at_most))
        if not self._lists(job_id, offer.offer_id):
            self.change_worker(offer.worker_id, lambda worker: worker.withdraw(offer.offer_id))

    # -- sweeps -------------------------------------------------------------------------------

    def sweep_jobs(self) -> None:
        for job_id in list(self.jobs):
            self.change_job(
                job_id, lambda job: job.advance(self.now, self.conditions_in(job.queue_id))
            )

    def sweep_workers(self) -> None:
        for worker_id in list(self.workers):
            self.change_worker(worker_id, lambda worker: worker.deregister_if_idle(self.now))
            self._check_reservations(worker_id)

    def _check_reservations(self, worker_id: str) -> None:
        worker = self.workers.get(worker_id)
        for held in worker.open_offers if worker else ():
            if held.check_at <= self.now:
                self._resolve(worker_id, held.offer_id, held.job_id)

    def _resolve(self, worker_id: str, offer_id: str, job_id: str) -> None:
        """Give the reservation back, unless its job knows the offer; nobody may list it then."""
        if self._knows(job_id, offer_id):
            self.change_worker(worker_id, lambda worker: worker.postpone_check(offer_id))
        else:
            self._touches[job_id] += 1
            self.change_worker(worker_id, lambda worker: worker.withdraw(offer_id))

    # -- follow-ups ---------------------------------------------------------------------------

    def apply(self, follow_up: FollowUp) -> None:
        """Apply it twice, and see that the second time tells nothing and asks nothing."""
        self._apply(follow_up)
        if isinstance(follow_up, RouteJob):
            return  # The second time may take the next step, as any time may.
        jobs, asked = dict(self.jobs), len(self.follow_ups)
        self._apply(follow_up)
        assert (jobs, asked) == (self.jobs, len(self.follow_ups))

    def come_to_rest(self) -> None:
        """Do all that is still to be done."""
        while self.unlisted:
            self.issue_offer(self.unlisted[0])
        while self.follow_ups:
            self.apply(self.follow_ups.pop(0))

    def _apply(self, follow_up: FollowUp) -> None:
        if isinstance(follow_up, RouteJob):
            self.change_job(follow_up.job_id, self._routed)
            return
        offer_id = follow_up.offer_id
        match follow_up:
            case AssignReservation(worker_id=worker_id, assignment_id=assignment_id):
                self.change_worker(
                    worker_id,
                    lambda worker: worker.assign(offer_id, assignment_id, follow_up.assigned_at),
                )
            case ReleaseReservation(worker_id=worker_id, expired_registration=expired):
                self.change_worker(
                    worker_id, lambda worker: worker.release(offer_id, expired, self.now)
                )
            case RevokeOffer(job_id=job_id) if self._lists(job_id, offer_id):
                self.change_job(job_id, lambda job: job.revoke(offer_id))
            case RevokeOffer(job_id=job_id) if not self._knows(job_id, offer_id):
                self._resolve(follow_up.worker_id, offer_id, job_id)

    def _routed(self, job: Job) -> Transition[Job]:
        if job.status is JobStatus.PENDING_CLASSIFICATION:
            return self._classified(job)
        if job.status is JobStatus.CREATED:
            return job.admit(self.now, self.conditions_in(job.queue_id))
        return Transition(job)

    def _classified(self, job: Job) -> Transition[Job]:
        """By its label ``wish``: a queue's id, or something that no queue has."""
        policy_id = job.definition.classification_policy_id
        assert policy_id is not None, "a policy's answer is awaited"
        wish = str(job.definition.labels.get("wish", QUEUES[0]))
        if wish not in QUEUES:
            error = ClassificationError(code="NoQueueFound", message=wish)
            return job.fail_classification(policy_id, (error,))
        answer = Classification(
            policy_id=policy_id, queue_id=wish, worker_selectors=(selector(value=wish),)
        )
        queue_id = job.queue_after(answer)
        assert queue_id is not None, "the policy named one"
        conditions = self.conditions_in(queue_id)
        return job.classify(answer, QueueDetails(id=queue_id), self.now, conditions)

    def conditions_in(self, queue_id: str | None) -> QueueConditions:
        """The second queue passes on what is too much or too late."""
        if queue_id != QUEUES[1]:
            return NO_CONDITIONS
        waiting = [job for job in self.jobs.values() if job.is_waiting and job.queue_id == queue_id]
        return QueueConditions(policy=EXCEPTIONS, length=len(waiting))

    def _lists(self, job_id: str, offer_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.offer_of(offer_id) is not None

    def _knows(self, job_id: str, offer_id: str) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.is_terminal:
            return False
        accepted = any(assignment.offer_id == offer_id for assignment in job.assignments)
        return accepted or job.offer_of(offer_id) is not None

    # -- commits ------------------------------------------------------------------------------

    def _commit_job(self, job_id: str, transition: Transition[Job]) -> None:
        before = self.jobs.pop(job_id, None)
        _check_that_only_changes_are_told(before, transition)
        self._job_chronicles[job_id].add(transition.events)
        self.follow_ups += transition.follow_ups
        if transition.aggregate is not None:
            self.jobs[job_id] = transition.aggregate

    def _commit_worker(self, worker_id: str, transition: Transition[Worker]) -> None:
        before = self.workers.pop(worker_id, None)
        _check_that_only_changes_are_told(before, transition)
        self._worker_chronicles[worker_id].add(transition.events)
        self.follow_ups += transition.follow_ups
        if transition.aggregate is not None:
            _check_that_nobody_gets_more_than_fits(before, transition.aggregate)
            self.workers[worker_id] = transition.aggregate


def _check_that_only_changes_are_told[A](before: A | None, transition: Transition[A]) -> None:
    if transition.aggregate == before:
        assert (transition.events, transition.follow_ups) == ((), ())


def _check_that_nobody_gets_more_than_fits(before: Worker | None, after: Worker) -> None:
    """A worker may lower its limits below what it holds, but gets nothing beyond them."""
    gained = [
        each
        for each in after.reservations
        if before is None or before.reservation(each.offer_id) is None
    ]
    for each in gained:
        channel = after.channel(each.channel_id)
        assert channel is not None, "a job of a channel that the worker does not have"
        in_channel = sum(other.channel_id == each.channel_id for other in after.reservations)
        assert channel.max_number_of_jobs is None or in_channel <= channel.max_number_of_jobs
    if gained:
        limit = after.profile.max_concurrent_offers
        assert after.consumed_capacity <= after.profile.capacity
        assert limit is None or len(after.open_offers) <= limit
        assert after.profile.available_for_offers
