"""Jobs and workers under any order of actions, with follow-ups late, twice and out of order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from shared.domain.channels import Channel
from shared.domain.jobs import Job
from shared.domain.limits import MAX_UNASSIGNMENTS
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from shared.domain.workers import Worker, WorkerProfile
from tests.unit.domain.builders import define_job, described, later, selector
from tests.unit.domain.deferred_router import QUEUES, DeferredRouter

JOB_IDS = ("job-1", "job-2")
WORKER_IDS = ("ann", "bob", "eve")
CHANNELS = ("voice", "chat")
OFFER_LIVES = (timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=10))
ANSWERS = ("accept", "decline", "not now", "not yet")
SERVICES = ("complete", "close", "close later", "unassign", "suspend")
MOVES = (
    *("offer", "offer", "reserve", "reserve", "list"),
    *("accept", "accept", *ANSWERS),
    *("complete", *SERVICES),
    *("follow up", "follow up", "follow up and again", "wait"),
)
ENDED = (*("ended job",) * 6, "job", "job", "worker")

job_ids = st.sampled_from(JOB_IDS)
worker_ids = st.sampled_from(WORKER_IDS)
positions = st.integers(0, 11)
durations = st.sampled_from(
    [timedelta(seconds=61), timedelta(seconds=20), timedelta(hours=3), timedelta(days=8)]
)

channels = st.tuples(
    *(
        st.builds(
            Channel,
            channel_id=st.just(channel_id),
            capacity_cost_per_job=st.integers(1, 2),
            max_number_of_jobs=st.sampled_from([None, None, 1, 2]),
        )
        for channel_id in CHANNELS
    )
)
profiles = st.builds(
    WorkerProfile,
    capacity=st.integers(1, 5),
    queues=st.sampled_from([QUEUES, QUEUES, QUEUES[:1]]),
    channels=channels,
    available_for_offers=st.just(True),
    max_concurrent_offers=st.sampled_from([None, None, None, 1]),
)
profile_changes = st.one_of(
    st.fixed_dictionaries({"available_for_offers": st.booleans()}),
    st.just({"available_for_offers": True}),
    st.fixed_dictionaries({"capacity": st.integers(0, 4)}),
    st.fixed_dictionaries({"queues": st.sampled_from([QUEUES, QUEUES[:1]])}),
    st.fixed_dictionaries({"channels": channels}),
    st.fixed_dictionaries({"max_concurrent_offers": st.sampled_from([None, 0, 1, 2])}),
    st.fixed_dictionaries({"capacity": st.integers(1, 3), "channels": channels}),
)
demands = st.builds(
    selector,
    key=st.sampled_from(["language", "level"]),
    expires_after_seconds=st.sampled_from([30.0, 3600.0]),
)
modes = st.sampled_from(
    [QueueAndMatch(), Suspend(), ScheduleAndSuspend(schedule_at=later(hours=1))]
)
job_changes = st.one_of(
    st.just({"matching_mode": QueueAndMatch()}),
    st.fixed_dictionaries({"matching_mode": modes}),
    st.fixed_dictionaries({"requested_worker_selectors": st.lists(demands, max_size=2).map(tuple)}),
    st.fixed_dictionaries({"queue_id": st.sampled_from(QUEUES)}),
    st.fixed_dictionaries({"channel_id": st.sampled_from(CHANNELS)}),
    st.fixed_dictionaries(
        {"classification_policy_id": st.sampled_from(["by-wish", "other", None])}
    ),
    st.fixed_dictionaries({"classification_policy_id": st.just("by-wish"), "queue_id": st.none()}),
    st.fixed_dictionaries({"labels": st.builds(dict, wish=st.sampled_from([*QUEUES, "none"]))}),
)


type Moves = list[tuple[str, int]]

moves = st.lists(st.tuples(st.sampled_from(MOVES), positions), min_size=1, max_size=6)
"""How business goes on after an intervention."""


class OfferProtocol(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.router = DeferredRouter(at_most=1)

    @initialize(
        at_most=st.sampled_from([2, 1, 3]),
        chosen=st.tuples(*(profiles for _ in WORKER_IDS)),
    )
    def open_the_shop(self, at_most: int, chosen: Sequence[WorkerProfile]) -> None:
        self.router = DeferredRouter(at_most)
        for worker_id, profile in zip(WORKER_IDS, chosen, strict=True):
            self.router.hire(worker_id, profile)
        for job_id in JOB_IDS:
            self.router.submit(job_id, define_job())

    # -- the daily business -------------------------------------------------------------------

    def go_on(self, moves: Moves) -> None:
        """Some moves in a row; those that are not possible now are left out."""
        for move, position in moves:
            if move in ("offer", "reserve"):
                self.begin_an_offer(position, listed=move == "offer")
            elif move == "list":
                self.list_an_offer(position)
            elif move in ANSWERS:
                self.answer_an_offer(position, move)
            elif move in SERVICES:
                self.serve_a_job(position, move)
            elif move == "wait":
                self.pass_time(timedelta(seconds=61), jobs_are_swept=True)
            else:
                self.follow_up(position, again=move == "follow up and again")

    def begin_an_offer(self, position: int, listed: bool) -> None:
        """If it is not listed at once, anything may happen in between."""
        before = len(self.router.unlisted)
        for job_id, worker_id in _pick(self.router.possible_pairs(), position):
            self.router.reserve(job_id, worker_id, OFFER_LIVES[position % len(OFFER_LIVES)])
        if listed and len(self.router.unlisted) > before:
            self.router.issue_offer(self.router.unlisted[-1])

    def list_an_offer(self, position: int) -> None:
        for pending in _pick(self.router.unlisted, position):
            self.router.issue_offer(pending)

    def answer_an_offer(self, position: int, answer: str) -> None:
        now = self.router.now
        offers = [(job.id, o.offer_id) for job in self.router.jobs.values() for o in job.offers]
        retry_at = {"not now": now, "not yet": now + timedelta(minutes=5)}.get(answer)
        assignment_id = self.router.new_id("assignment")

        def act(job: Job, offer_id: str) -> Transition[Job]:
            if answer == "accept":
                return job.accept(offer_id, assignment_id, {}, {}, now)
            return job.decline(offer_id, retry_at, now)

        for job_id, offer_id in _pick(offers, position):
            self.router.change_job(job_id, partial(act, offer_id=offer_id))

    def serve_a_job(self, position: int, service: str) -> None:
        now = self.router.now
        taken = [job.id for job in self.router.jobs.values() if job.open_assignment]
        close_at = now + timedelta(hours=2) if service == "close later" else None

        def act(job: Job) -> Transition[Job]:
            assignment_id = job.assignments[-1].assignment_id
            if service == "complete":
                return job.complete(assignment_id, "well done", now)
            if service in ("unassign", "suspend"):
                conditions = self.router.conditions_in(job.queue_id)
                return job.unassign(assignment_id, service == "suspend", now, conditions)
            return job.close(assignment_id, None, close_at, None, now)

        for job_id in _pick(taken, position):
            self.router.change_job(job_id, act)

    def follow_up(self, position: int, again: bool) -> None:
        for follow_up in _pick(self.router.follow_ups, position):
            if not again:
                self.router.follow_ups.remove(follow_up)
            self.router.apply(follow_up)

    # -- the application's actions ------------------------------------------------------------

    @rule(job_id=job_ids, change=job_changes, then=moves)
    def change_a_job(self, job_id: str, change: dict[str, Any], then: Moves) -> None:
        self.router.change_job(job_id, partial(self.changed, change=change))
        self.go_on(then)

    def changed(self, job: Job, change: dict[str, Any]) -> Transition[Job]:
        definition = replace(job.definition, **change)
        if definition.queue_id is None and definition.classification_policy_id is None:
            return Transition(job)
        conditions = self.router.conditions_in(definition.queue_id)
        return job.update(definition, self.router.now, conditions)

    @rule(job_id=job_ids, then=moves)
    def reclassify(self, job_id: str, then: Moves) -> None:
        self.router.change_job(job_id, Job.reclassify)
        self.go_on(then)

    @rule(worker_id=worker_ids, change=profile_changes, then=moves)
    def change_a_worker(self, worker_id: str, change: dict[str, Any], then: Moves) -> None:
        self.router.change_worker(
            worker_id,
            lambda worker: worker.update(
                replace(worker.profile, **change), described, self.router.now
            ),
        )
        self.go_on(then)

    @rule(job_id=job_ids, worker_id=worker_ids, ended=st.sampled_from(ENDED), then=moves)
    def end(self, job_id: str, worker_id: str, ended: str, then: Moves) -> None:
        """Cancel a job, replace those that have ended by others of their name, delete a worker."""
        if ended == "job":
            self.cancel(job_id)
        if ended == "ended job":
            self.replace_ended_jobs()
        if ended == "worker":
            self.router.change_worker(worker_id, lambda worker: worker.delete(described))
        self.go_on(then)

    def replace_ended_jobs(self) -> None:
        for job in list(self.router.jobs.values()):
            self.router.change_job(job.id, Job.delete)
            if job.id not in self.router.jobs:
                self.router.submit(job.id, define_job())

    def cancel(self, job_id: str) -> None:
        self.router.change_job(job_id, lambda job: job.cancel(None, None, self.router.now))

    @rule(
        passed=durations, jobs_are_swept=st.booleans(), workers_are_swept=st.booleans(), then=moves
    )
    def let_time_pass(
        self, passed: timedelta, jobs_are_swept: bool, workers_are_swept: bool, then: Moves
    ) -> None:
        self.pass_time(passed, jobs_are_swept)
        if workers_are_swept:
            self.router.sweep_workers()
        self.go_on(then)

    def pass_time(self, passed: timedelta, jobs_are_swept: bool) -> None:
        self.router.now += passed
        if jobs_are_swept:
            self.router.sweep_jobs()

    # -- what always holds --------------------------------------------------------------------

    @invariant()
    def a_job_has_no_more_offers_than_allowed_and_only_while_it_is_queued(self) -> None:
        for job in self.router.jobs.values():
            assert len(job.offers) <= self.router.at_most
            assert not job.offers or job.status is JobStatus.QUEUED
            assert len({offer.worker_id for offer in job.offers}) == len(job.offers)

    @invariant()
    def a_job_has_at_most_one_open_assignment(self) -> None:
        for job in self.router.jobs.values():
            taken = job.status in {JobStatus.ASSIGNED, JobStatus.COMPLETED}
            assert (job.open_assignment is not None) is taken
            assert len(job.assignments) <= 1
            assert job.unassignment_count <= MAX_UNASSIGNMENTS

    @invariant()
    def every_open_offer_and_assignment_has_its_capacity(self) -> None:
        for job in self.router.jobs.values():
            for worker_id, offer_id in _taken_by(job):
                worker = self.router.workers.get(worker_id)
                assert worker is None or worker.reservation(offer_id) is not None

    @invariant()
    def a_worker_holds_a_job_once(self) -> None:
        for worker in self.router.workers.values():
            held = [reservation.job_id for reservation in worker.reservations]
            assert len(held) == len(set(held))

    # -- at rest ------------------------------------------------------------------------------

    def teardown(self) -> None:
        self.router.come_to_rest()
        assert not any(job.is_to_be_routed for job in self.router.jobs.values())
        self.check_that_workers_hold_what_the_jobs_say()
        for job_id in list(self.router.jobs):
            self.cancel(job_id)
        self.router.come_to_rest()
        assert not any(worker.reservations for worker in self.router.workers.values())

    def check_that_workers_hold_what_the_jobs_say(self) -> None:
        jobs = self.router.jobs.values()
        taken = [job.open_assignment for job in jobs if job.open_assignment]
        for worker_id, worker in self.router.workers.items():
            assert not worker.open_offers or _could_take_what_it_holds(worker)
            assert {held.offer_id for held in worker.open_offers} == {
                offer.offer_id
                for job in jobs
                for offer in job.offers
                if offer.worker_id == worker_id
            }
            assert {held.assignment_id for held in worker.assignments} == {
                assignment.assignment_id
                for assignment in taken
                if assignment.worker_id == worker_id
            }


def _pick[T](items: Sequence[T], position: int) -> list[T]:
    """The item at the position, modulo their number; nothing if there are none."""
    return [items[position % len(items)]] if items else []


def _could_take_what_it_holds(worker: Worker) -> bool:
    limit = worker.profile.max_concurrent_offers
    return (
        worker.profile.available_for_offers
        and worker.consumed_capacity <= worker.profile.capacity
        and (limit is None or len(worker.open_offers) <= limit)
        and {held.queue_id for held in worker.open_offers} <= set(worker.profile.queues)
    )


def _taken_by(job: Job) -> list[tuple[str, str]]:
    """Which workers the job takes capacity of, by which offer."""
    taken = [(offer.worker_id, offer.offer_id) for offer in job.offers]
    if job.open_assignment is not None:
        taken.append((job.open_assignment.worker_id, job.open_assignment.offer_id))
    return taken


TestOfferProtocol = OfferProtocol.TestCase
TestOfferProtocol.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
