"""The worker: registration, changes of its profile, idleness, deletion."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.channels import Channel
from shared.domain.errors import Conflict
from shared.domain.events import (
    WorkerDeleted,
    WorkerDeregistered,
    WorkerRegistered,
    WorkerUpdated,
)
from shared.domain.limits import IDLE_WORKER_LIFETIME
from shared.domain.queues import QueueDetails
from shared.domain.statuses import WorkerState
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from tests.unit.domain.builders import (
    START,
    VOICE,
    a_profile,
    a_worker,
    busy_worker,
    described,
    event_of,
    held_offers,
    later,
    names,
    offered_worker,
    only,
    outcome,
    reserve,
    revocation,
)

NOW = later(hours=1)
CHAT = Channel(channel_id="chat", capacity_cost_per_job=1)


def update(worker: Worker, **changes: Any) -> Transition[Worker]:
    return worker.update(replace(worker.profile, **changes), described, NOW)


# -- registration -----------------------------------------------------------------------------


def test_a_worker_may_be_created_without_being_registered() -> None:
    created = Worker.create("ann", a_profile(available_for_offers=False), described, START)
    worker = outcome(created)
    assert created.events == ()
    assert (worker.state, worker.registration) == (WorkerState.INACTIVE, 0)
    assert (worker.available_since, worker.idle_since) == (None, None)


def test_a_worker_may_be_created_registered() -> None:
    created = Worker.create("ann", a_profile(), described, START)
    worker = outcome(created)
    assert names(created) == ["WorkerRegistered"]
    assert worker.state is WorkerState.ACTIVE
    assert worker.registration > 0
    assert (worker.available_since, worker.idle_since) == (START, START)
    assert worker.profile == a_profile()


def test_registration_is_announced_with_all_about_the_worker() -> None:
    profile = a_profile(labels={"language": "fr"}, tags={"team": "a"}, capacity=7)
    event = event_of(Worker.create("ann", profile, described, START))
    assert isinstance(event, WorkerRegistered)
    assert (event.worker_id, event.capacity, event.channels) == ("ann", 7, (VOICE,))
    assert event.queues == (QueueDetails(id="support", name="Support"),)
    assert (event.labels, event.tags) == ({"language": "fr"}, {"team": "a"})


def test_registering_again_is_another_registration() -> None:
    deregistered = outcome(a_worker().deregister())
    registered = update(deregistered, available_for_offers=True, labels={"a": 1})
    worker = outcome(registered)
    assert worker.registration > deregistered.registration
    assert only(registered, WorkerRegistered).labels == {"a": 1}
    assert names(registered) == ["WorkerRegistered"]
    assert worker.available_since == NOW


def test_registrations_at_the_same_moment_differ() -> None:
    worker = a_worker()
    again = outcome(outcome(worker.deregister()).update(worker.profile, described, START))
    assert again.registration > worker.registration


def test_a_worker_made_anew_does_not_repeat_a_registration() -> None:
    former = a_worker()
    anew = outcome(Worker.create("ann", a_profile(), described, NOW))
    assert anew.registration > former.registration


def test_deregistering_revokes_the_open_offers() -> None:
    deregistered = offered_worker(1, 2).deregister()
    event = event_of(deregistered)
    assert isinstance(event, WorkerDeregistered)
    assert event.worker_id == "ann"
    assert deregistered.follow_ups == (
        revocation("offer-1", "job-1"),
        revocation("offer-2", "job-2"),
    )
    assert held_offers(outcome(deregistered)) == ["offer-1", "offer-2"]


def test_deregistering_by_an_update_does_the_same() -> None:
    worker = offered_worker(1)
    assert update(worker, available_for_offers=False) == worker.deregister()


def test_deregistering_leaves_assignments_alone() -> None:
    assert busy_worker(1).deregister().follow_ups == ()


def test_deregistering_a_worker_that_is_not_registered_changes_nothing() -> None:
    gone = outcome(a_worker().deregister())
    assert gone.deregister() == Transition(gone)


def test_a_worker_drains_while_it_still_holds_work() -> None:
    worker = outcome(busy_worker(1).deregister())
    assert worker.state is WorkerState.DRAINING
    assert outcome(worker.release("offer-1", None, NOW)).state is WorkerState.INACTIVE


# -- profile ----------------------------------------------------------------------------------


def test_writing_back_what_was_read_changes_nothing() -> None:
    worker = offered_worker(1)
    assert update(worker) == Transition(worker)


def test_a_changed_profile_is_announced_with_what_changed() -> None:
    updated = update(a_worker(), labels={"language": "fr"}, capacity=5)
    event = event_of(updated)
    assert isinstance(event, WorkerUpdated)
    assert event.updated_properties == ("capacity", "labels")
    assert (event.capacity, event.labels) == (5, {"language": "fr"})
    assert event.available_for_offers
    assert outcome(updated).profile == a_profile(labels={"language": "fr"}, capacity=5)


def test_a_label_of_another_type_is_a_change() -> None:
    updated = update(a_worker(labels={"level": 1}), labels={"level": True})
    assert only(updated, WorkerUpdated).updated_properties == ("labels",)
    assert outcome(updated).profile.labels["level"] is True


def test_a_worker_that_is_not_registered_may_change() -> None:
    worker = outcome(a_worker().deregister())
    event = only(update(worker, capacity=5), WorkerUpdated)
    assert not event.available_for_offers


def test_a_change_does_not_renew_the_registration() -> None:
    before = a_worker()
    worker = outcome(update(before, capacity=5))
    assert (worker.registration, worker.available_since) == (before.registration, START)


@pytest.mark.parametrize(
    "change",
    [{"labels": {"language": "fr"}}, {"tags": {"a": 1}}, {"capacity": 9}],
    ids=["labels", "tags", "capacity"],
)
def test_offers_that_the_worker_can_still_take_stay_open(change: dict[str, Any]) -> None:
    assert update(offered_worker(1, 2), **change).follow_ups == ()


@pytest.mark.parametrize(
    "change",
    [
        {"queues": ("sales",)},
        {"channels": (CHAT,)},
        {"capacity": 0},
        {"max_concurrent_offers": 0},
        {"channels": (replace(VOICE, max_number_of_jobs=0),)},
    ],
    ids=["queue", "channel", "capacity", "concurrent offers", "channel cap"],
)
def test_offers_that_the_worker_can_no_longer_take_are_revoked(change: dict[str, Any]) -> None:
    assert update(offered_worker(1), **change).follow_ups == (revocation("offer-1", "job-1"),)


@pytest.mark.parametrize(
    "change",
    [
        {"capacity": 1},
        {"max_concurrent_offers": 1},
        {"channels": (replace(VOICE, max_number_of_jobs=1),)},
    ],
    ids=["capacity", "concurrent offers", "channel cap"],
)
def test_the_newest_offers_go_first(change: dict[str, Any]) -> None:
    updated = update(offered_worker(1, 2), **change)
    assert updated.follow_ups == (revocation("offer-2", "job-2"),)


def test_an_offer_weighs_what_was_reserved_for_it_although_its_channel_became_cheaper() -> None:
    dear, cheap = replace(VOICE, capacity_cost_per_job=2), VOICE
    worker = offered_worker(1, 2, capacity=4, channels=(dear,))
    updated = update(worker, capacity=3, channels=(cheap,))
    assert updated.follow_ups == (revocation("offer-2", "job-2"),)


def test_assignments_keep_their_capacity_when_it_shrinks() -> None:
    worker = outcome(reserve(busy_worker(1, 2, capacity=3), 3))
    updated = update(worker, capacity=1)
    assert updated.follow_ups == (revocation("offer-3", "job-3"),)
    assert outcome(updated).consumed_capacity == 3
    assert outcome(updated).load_ratio == 1.0


def test_a_change_after_deregistration_revokes_what_is_still_open_once_more() -> None:
    worker = outcome(offered_worker(1).deregister())
    assert update(worker, labels={"a": 1}).follow_ups == (revocation("offer-1", "job-1"),)


# -- idleness ---------------------------------------------------------------------------------


def test_a_worker_without_work_is_idle_since_it_registered() -> None:
    assert a_worker().idle_since == START


@pytest.mark.parametrize("worker", [offered_worker(1), busy_worker(1)], ids=["offered", "busy"])
def test_a_worker_with_work_is_not_idle(worker: Worker) -> None:
    assert worker.idle_since is None
    assert worker.deregister_if_idle(START + IDLE_WORKER_LIFETIME) == Transition(worker)


def test_a_worker_is_idle_since_its_last_work() -> None:
    assert outcome(busy_worker(1).release("offer-1", None, NOW)).idle_since == NOW


def test_a_worker_idle_for_seven_days_is_deregistered() -> None:
    deregistered = a_worker().deregister_if_idle(later(days=7))
    assert names(deregistered) == ["WorkerDeregistered"]
    assert outcome(deregistered).state is WorkerState.INACTIVE


def test_a_worker_idle_for_less_stays_registered() -> None:
    worker = a_worker()
    assert worker.deregister_if_idle(later(days=6, hours=23)) == Transition(worker)


def test_a_worker_that_is_not_registered_is_not_idle() -> None:
    worker = outcome(a_worker().deregister())
    assert worker.idle_since is None
    assert worker.deregister_if_idle(later(days=30)) == Transition(worker)


# -- deletion ---------------------------------------------------------------------------------


def test_deleting_a_registered_worker_deregisters_it_and_revokes_its_offers() -> None:
    deleted = offered_worker(1, labels={"a": 1}).delete(described)
    assert deleted.aggregate is None
    assert names(deleted) == ["WorkerDeregistered", "WorkerDeleted"]
    assert only(deleted, WorkerDeleted).labels == {"a": 1}
    assert deleted.follow_ups == (revocation("offer-1", "job-1"),)


def test_deleting_a_worker_that_is_not_registered() -> None:
    assert names(outcome(a_worker().deregister()).delete(described)) == ["WorkerDeleted"]


def test_a_worker_with_assigned_jobs_is_not_deleted() -> None:
    with pytest.raises(Conflict, match="close or unassign") as refused:
        busy_worker(1).delete(described)
    assert refused.value.code == "WorkerHasAssignedJobs"
