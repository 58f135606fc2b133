"""Changing a job: what that does to its queue, its offers and its matching."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import Conflict
from shared.domain.events import JobQueued, OfferRevoked
from shared.domain.job_definition import Note
from shared.domain.jobs import Job
from shared.domain.matching_modes import MatchingMode, QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from tests.unit.domain.builders import (
    START,
    an_offer,
    assigned_job,
    cancelled_job,
    closed_job,
    completed_job,
    later,
    names,
    offered_job,
    only,
    outcome,
    queued_job,
    released,
    selector,
)

NOW = later(minutes=10)
TOMORROW = ScheduleAndSuspend(schedule_at=later(days=1))


def update(job: Job, **changes: Any) -> Transition[Job]:
    return job.update(replace(job.definition, **changes), NOW)


def test_writing_back_what_was_read_changes_nothing() -> None:
    job = offered_job(requested_worker_selectors=(selector(expires_after_seconds=3600),))
    assert update(job) == Transition(job)


def test_labels_tags_notes_and_priority_change_without_a_word() -> None:
    note = Note(message="called twice", added_at=START)
    job = offered_job()
    changed = update(job, labels={"vip": True}, tags={"a": 1}, notes=(note,), priority=9)
    definition = outcome(changed).definition
    assert (definition.labels, definition.tags) == ({"vip": True}, {"a": 1})
    assert (definition.notes, outcome(changed).priority) == ((note,), 9)
    assert not changed.events
    assert outcome(changed).offers == job.offers


@pytest.mark.parametrize(
    "job",
    [assigned_job(), completed_job(), closed_job(), cancelled_job()],
    ids=lambda job: job.status,
)
def test_a_job_past_its_queue_can_still_be_described(job: Job) -> None:
    changed = update(job, labels={"vip": True}, disposition_code="Solved")
    assert not changed.events
    assert outcome(changed).definition.labels == {"vip": True}
    assert outcome(changed).definition.disposition_code == "Solved"


def test_notes_stay_in_the_order_of_time() -> None:
    early, late = Note(message="early", added_at=START), Note(message="late", added_at=NOW)
    assert outcome(update(queued_job(), notes=(late, early))).definition.notes == (early, late)


def test_a_new_queue_ends_the_offers_and_queues_the_job_again() -> None:
    job = offered_job(an_offer(1, "ann"), an_offer(2, "bob"))
    moved = update(job, queue_id="sales")
    assert names(moved) == ["OfferRevoked", "OfferRevoked", "JobQueued"]
    assert moved.follow_ups == (released("ann", "offer-1"), released("bob", "offer-2"))
    assert (outcome(moved).queue_id, outcome(moved).offers) == ("sales", ())
    assert only(moved, JobQueued).queue_id == "sales"


def test_a_moved_job_keeps_its_place_in_time() -> None:
    assert outcome(update(queued_job(), queue_id="sales")).enqueued_at == START


def test_a_revoked_offer_tells_the_queue_and_channel_it_was_made_for() -> None:
    moved = update(offered_job(), queue_id="sales", channel_id="chat")
    event = only(moved, OfferRevoked)
    assert (event.queue_id, event.channel_id) == ("support", "voice")


def test_a_new_channel_ends_the_offers() -> None:
    changed = update(offered_job(), channel_id="chat")
    assert names(changed) == ["OfferRevoked"]
    assert changed.follow_ups == (released("ann", "offer-1"),)
    assert outcome(changed).channel_id == "chat"
    assert outcome(changed).status is JobStatus.QUEUED


def test_new_selectors_end_the_offers_and_start_running() -> None:
    job = offered_job()
    changed = update(job, requested_worker_selectors=(selector(expires_after_seconds=30),))
    assert names(changed) == ["OfferRevoked"]
    assert outcome(changed).selectors[0].expires_at == later(minutes=10, seconds=30)


def test_a_boolean_in_place_of_a_number_is_a_new_selector() -> None:
    job = offered_job(requested_worker_selectors=(selector("level", 1, expires_after_seconds=60),))
    timed = selector("level", value=True, expires_after_seconds=60)
    changed = update(job, requested_worker_selectors=(timed,))
    assert names(changed) == ["OfferRevoked"]
    assert outcome(changed).selectors == (timed.started(NOW),)


def test_known_selectors_keep_running() -> None:
    timed = selector(expires_after_seconds=3600)
    job = queued_job(requested_worker_selectors=(timed,))
    changed = outcome(update(job, requested_worker_selectors=(timed, selector("level", 3))))
    assert changed.selectors[0].expires_at == later(seconds=3600)


def test_selectors_of_a_suspended_job_wait_for_its_queue() -> None:
    job = queued_job(matching_mode=Suspend())
    changed = update(job, requested_worker_selectors=(selector(expires_after_seconds=30),))
    assert not changed.events
    assert outcome(changed).selectors[0].expires_at is None


def test_a_suspended_job_moves_without_being_queued() -> None:
    moved = update(queued_job(matching_mode=Suspend()), queue_id="sales")
    assert not moved.events
    assert outcome(moved).queue_id == "sales"
    assert outcome(moved).status is JobStatus.WAITING_FOR_ACTIVATION


def test_a_job_whose_time_has_come_moves_without_being_scheduled_again() -> None:
    job = outcome(queued_job(matching_mode=TOMORROW).advance(later(days=1)))
    moved = update(job, queue_id="sales")
    assert not moved.events
    assert outcome(moved).status is JobStatus.WAITING_FOR_ACTIVATION


def test_suspending_a_job_ends_its_offers() -> None:
    suspended = update(offered_job(), matching_mode=Suspend())
    assert names(suspended) == ["OfferRevoked"]
    assert suspended.follow_ups == (released("ann", "offer-1"),)
    assert outcome(suspended).status is JobStatus.WAITING_FOR_ACTIVATION


@pytest.mark.parametrize("mode", [Suspend(), TOMORROW], ids=["suspended", "scheduled"])
def test_asking_for_matching_queues_the_job(mode: MatchingMode) -> None:
    job = queued_job(
        matching_mode=mode, requested_worker_selectors=(selector(expires_after_seconds=30),)
    )
    activated = update(job, matching_mode=QueueAndMatch(), priority=100)
    queued = outcome(activated)
    assert names(activated) == ["JobQueued"]
    assert (queued.status, queued.enqueued_at) == (JobStatus.QUEUED, NOW)
    assert queued.selectors[0].expires_at == later(minutes=10, seconds=30)
    assert only(activated, JobQueued).priority == 100


def test_a_job_can_be_scheduled_anew() -> None:
    next_week = ScheduleAndSuspend(schedule_at=later(days=7))
    scheduled = outcome(update(queued_job(matching_mode=TOMORROW), matching_mode=next_week))
    assert (scheduled.status, scheduled.scheduled_at) == (JobStatus.SCHEDULED, later(days=7))


def test_a_job_is_moved_and_suspended_in_one_change() -> None:
    changed = update(offered_job(), queue_id="sales", matching_mode=Suspend())
    assert names(changed) == ["OfferRevoked"]
    assert outcome(changed).status is JobStatus.WAITING_FOR_ACTIVATION


ROUTING: list[dict[str, Any]] = [
    {"queue_id": "sales"},
    {"channel_id": "chat"},
    {"requested_worker_selectors": (selector(),)},
    {"matching_mode": Suspend()},
]


@pytest.mark.parametrize("change", ROUTING, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("past_the_queue", [assigned_job, completed_job, closed_job, cancelled_job])
def test_a_job_past_its_queue_is_not_routed_again(
    past_the_queue: Callable[[], Job], change: dict[str, Any]
) -> None:
    with pytest.raises(Conflict, match="can no longer change") as refused:
        update(past_the_queue(), **change)
    assert refused.value.code == "JobNotInQueue"
