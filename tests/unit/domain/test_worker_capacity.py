"""Capacity: one reservation per open offer or assignment, never more than there is room for."""

from typing import Any

import pytest

from shared.domain.channels import Channel
from shared.domain.errors import Conflict
from shared.domain.limits import RESERVATION_LEASE
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from tests.unit.domain.builders import (
    OFFER_LIFE,
    START,
    VOICE,
    a_worker,
    busy_worker,
    held_offers,
    later,
    names,
    offered_worker,
    outcome,
    reservation,
    reserve,
    revocation,
)

NOW = later(hours=1)

CALL = Channel(channel_id="call", capacity_cost_per_job=100)
CHAT = Channel(channel_id="chat", capacity_cost_per_job=20)


def agent(**profile: Any) -> Worker:
    """Takes one call or five chats."""
    return a_worker(**{"capacity": 100, "channels": (CALL, CHAT)} | profile)


def with_chats(worker: Worker, count: int) -> Worker:
    for number in range(1, count + 1):
        worker = outcome(reserve(worker, number, channel_id="chat"))
    return worker


# -- room -------------------------------------------------------------------------------------


def test_an_agent_takes_five_chats() -> None:
    worker = with_chats(agent(), 5)
    assert (worker.consumed_capacity, worker.load_ratio) == (100, 1.0)
    assert not worker.has_capacity_for("chat")
    assert not worker.has_capacity_for("call")


def test_an_agent_takes_a_call_and_no_chat() -> None:
    worker = outcome(reserve(agent(), channel_id="call"))
    assert not worker.has_capacity_for("chat")


def test_an_agent_in_a_chat_takes_no_call() -> None:
    worker = with_chats(agent(), 1)
    assert worker.has_capacity_for("chat")
    assert not worker.has_capacity_for("call")


def test_a_channel_may_cap_its_jobs() -> None:
    capped = Channel(channel_id="chat", capacity_cost_per_job=20, max_number_of_jobs=2)
    worker = with_chats(agent(channels=(CALL, capped)), 2)
    assert worker.consumed_capacity == 40
    assert not worker.has_capacity_for("chat")


def test_a_cap_counts_the_jobs_of_its_own_channel() -> None:
    capped = Channel(channel_id="mail", capacity_cost_per_job=1, max_number_of_jobs=1)
    worker = with_chats(agent(channels=(CHAT, capped)), 1)
    assert worker.has_capacity_for("mail")


def test_assignments_count_as_well_as_offers() -> None:
    assert not busy_worker(1).has_capacity_for("voice")
    assert not offered_worker(1).has_capacity_for("voice")


def test_there_is_no_room_in_a_channel_that_the_worker_does_not_have() -> None:
    assert a_worker().channel("fax") is None
    assert not a_worker().has_capacity_for("fax")


@pytest.mark.parametrize(("held", "ratio"), [((), 0.0), ((1,), 0.25), ((1, 2, 3), 0.75)])
def test_load_is_the_consumed_part_of_the_capacity(held: tuple[int, ...], ratio: float) -> None:
    assert offered_worker(*held, capacity=4).load_ratio == ratio


def test_a_worker_without_capacity_is_fully_loaded() -> None:
    assert a_worker(capacity=0).load_ratio == 1.0


# -- availability -----------------------------------------------------------------------------


def test_a_registered_worker_is_available_in_its_queues_and_channels() -> None:
    assert a_worker().is_available("support", "voice")


@pytest.mark.parametrize(
    ("worker", "queue_id", "channel_id"),
    [
        (a_worker(available_for_offers=False), "support", "voice"),
        (a_worker(), "sales", "voice"),
        (a_worker(), "support", "fax"),
        (a_worker(capacity=0), "support", "voice"),
        (offered_worker(1), "support", "voice"),
        (offered_worker(1, capacity=9, max_concurrent_offers=1), "support", "voice"),
    ],
    ids=[
        "not registered",
        "other queue",
        "other channel",
        "no capacity",
        "capacity taken",
        "too many offers",
    ],
)
def test_a_worker_is_not_available(worker: Worker, queue_id: str, channel_id: str) -> None:
    assert not worker.is_available(queue_id, channel_id)
    with pytest.raises(Conflict) as refused:
        reserve(worker, 2, queue_id=queue_id, channel_id=channel_id)
    assert refused.value.code == "WorkerNotAvailable"


def test_assigned_jobs_do_not_count_as_concurrent_offers() -> None:
    assert busy_worker(1, capacity=2, max_concurrent_offers=1).may_get_offers


def test_a_worker_is_offered_a_job_once_at_a_time() -> None:
    with pytest.raises(Conflict):
        reserve(offered_worker(1, capacity=9), 2, job_id="job-1")


# -- reserve ----------------------------------------------------------------------------------


def test_reserving_holds_the_cost_of_the_channel() -> None:
    reserved = reserve(agent(), channel_id="chat", now=NOW, expires_at=later(hours=2))
    worker = outcome(reserved)
    held = reservation(worker)
    assert (held.job_id, held.queue_id, held.channel_id) == ("job-1", "support", "chat")
    assert (held.capacity_cost, held.registration) == (20, agent().registration)
    assert (held.offered_at, held.expires_at) == (NOW, later(hours=2))
    assert held.is_offer
    assert worker.open_offers == (held,)
    assert worker.last_offered_at == NOW


def test_a_reservation_is_not_announced() -> None:
    reserved = reserve(a_worker())
    assert (reserved.events, reserved.follow_ups) == ((), ())


def test_a_reservation_is_what_its_job_lists() -> None:
    worker = offered_worker(1)
    offer = reservation(worker).as_offer("ann")
    assert (offer.offer_id, offer.worker_id) == ("offer-1", "ann")
    assert offer.registration == worker.registration
    assert (offer.capacity_cost, offer.offered_at) == (1, START)
    assert offer.expires_at == START + OFFER_LIFE


# -- assign -----------------------------------------------------------------------------------


def test_an_accepted_offer_keeps_its_capacity_as_an_assignment() -> None:
    assigned = offered_worker(1).assign("offer-1", "assignment-1", NOW)
    worker = outcome(assigned)
    (held,) = worker.assignments
    assert (held.assignment_id, held.assigned_at, held.is_offer) == ("assignment-1", NOW, False)
    assert (worker.open_offers, worker.consumed_capacity) == ((), 1)
    assert assigned.events == ()


def test_assigning_keeps_the_order_of_what_is_held() -> None:
    worker = outcome(offered_worker(1, 2, 3).assign("offer-2", "assignment-2", NOW))
    assert held_offers(worker) == ["offer-1", "offer-2", "offer-3"]


def test_assigning_again_changes_nothing() -> None:
    worker = busy_worker(1)
    assert worker.assign("offer-1", "assignment-9", NOW) == Transition(worker)


def test_assigning_what_was_released_before_changes_nothing() -> None:
    worker = outcome(busy_worker(1).release("offer-1", None, NOW))
    assert worker.assign("offer-1", "assignment-1", NOW) == Transition(worker)


# -- release ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "worker", [offered_worker(1, 2), busy_worker(1, 2)], ids=["offers", "assignments"]
)
def test_releasing_frees_the_capacity(worker: Worker) -> None:
    released = worker.release("offer-1", None, NOW)
    assert held_offers(outcome(released)) == ["offer-2"]
    assert outcome(released).available_since == NOW
    assert (released.events, released.follow_ups) == ((), ())


def test_releasing_again_changes_nothing() -> None:
    worker = outcome(offered_worker(1).release("offer-1", None, NOW))
    assert worker.release("offer-1", None, later(hours=2)) == Transition(worker)


def test_a_worker_that_is_not_registered_does_not_become_available() -> None:
    worker = outcome(busy_worker(1).deregister())
    assert outcome(worker.release("offer-1", None, NOW)).available_since == START


def test_an_expired_offer_deregisters_the_worker_and_revokes_its_others() -> None:
    worker = offered_worker(1, 2)
    released = worker.release("offer-1", worker.registration, NOW)
    assert names(released) == ["WorkerDeregistered"]
    assert released.follow_ups == (revocation("offer-2", "job-2"),)
    assert not outcome(released).profile.available_for_offers


def test_an_expired_offer_of_an_earlier_registration_does_not() -> None:
    worker = offered_worker(1)
    expired = worker.registration
    worker = outcome(worker.deregister())
    worker = outcome(worker.update(offered_worker(1).profile, lambda _: (), NOW))
    released = worker.release("offer-1", expired, NOW)
    assert released.events == ()
    assert outcome(released).may_get_offers


def test_an_expired_offer_of_a_worker_that_deregistered_just_frees_it() -> None:
    worker = outcome(offered_worker(1).deregister())
    released = worker.release("offer-1", worker.registration, NOW)
    assert (released.events, held_offers(outcome(released))) == ((), [])


def test_an_expired_offer_deregisters_even_if_its_capacity_was_given_back_before() -> None:
    worker = outcome(offered_worker(1).withdraw("offer-1"))
    assert names(worker.release("offer-1", worker.registration, NOW)) == ["WorkerDeregistered"]


# -- withdraw ---------------------------------------------------------------------------------


def test_an_offer_that_was_never_issued_is_given_back_without_a_trace() -> None:
    worker = outcome(offered_worker(1, 2).withdraw("offer-1"))
    assert held_offers(worker) == ["offer-2"]
    assert worker.available_since == START


def test_withdrawing_again_changes_nothing() -> None:
    worker = a_worker()
    assert worker.withdraw("offer-1") == Transition(worker)


# -- checks -----------------------------------------------------------------------------------


def test_a_reservation_is_checked_when_its_lease_is_over() -> None:
    assert offered_worker(1).due_at == START + RESERVATION_LEASE


def test_the_first_check_is_the_workers() -> None:
    worker = outcome(reserve(offered_worker(1, capacity=2), 2, now=NOW))
    assert worker.due_at == START + RESERVATION_LEASE


def test_a_confirmed_offer_is_checked_again_only_after_it_should_have_ended() -> None:
    worker = outcome(offered_worker(1).postpone_check("offer-1"))
    assert worker.due_at == START + OFFER_LIFE + RESERVATION_LEASE


def test_every_check_is_later_than_the_last() -> None:
    worker = offered_worker(1)
    checks = []
    for _ in range(4):
        worker = outcome(worker.postpone_check("offer-1"))
        checks.append(reservation(worker).check_at)
    assert checks == sorted(set(checks))


def test_assignments_are_not_checked() -> None:
    worker = busy_worker(1)
    assert worker.due_at is None
    assert worker.postpone_check("offer-1") == Transition(worker)


def test_nothing_is_checked_for_an_offer_that_is_gone() -> None:
    worker = a_worker()
    assert worker.due_at is None
    assert worker.postpone_check("offer-1") == Transition(worker)


def test_the_channel_of_a_worker() -> None:
    assert a_worker().channel("voice") == VOICE
