"""The rules of matching by example; that they hold in any combination is for the plain scan."""

from collections.abc import Mapping, Sequence

import pytest

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.offers import Decline
from shared.domain.selectors import SelectorStatus
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker
from shared.matching.planner import Match, plan
from shared.matching.scoring import condition, term_points
from tests.factories import (
    NOW,
    make_channel,
    make_job,
    make_offer,
    make_reservation,
    make_selector,
    make_worker,
    seconds,
)

ROUND_ROBIN = DistributionMode(kind=DistributionModeKind.ROUND_ROBIN)
BEST_WORKER = DistributionMode(kind=DistributionModeKind.BEST_WORKER)


def offers(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    mode: DistributionMode | None = None,
    last_offered: str | None = None,
) -> list[tuple[str, str]]:
    modes = {"queue-1": mode or DistributionMode()}
    matches = plan(jobs, workers, modes, {"queue-1": last_offered})
    return [(match.job.id, match.worker.id) for match in matches]


def served(jobs: Sequence[Job]) -> list[str]:
    """The ids of jobs in the order in which they are offered to workers enough for all."""
    return [job for job, _ in offers(jobs, [make_worker(capacity=100)])]


def chosen(workers: Sequence[Worker], mode: DistributionMode, job: Job, count: int) -> list[str]:
    """The ids of the workers that are offered the job, one after the other."""
    every = DistributionMode(kind=mode.kind, max_concurrent_offers=count)
    return [worker for _, worker in offers([job], workers, every)]


def is_offered(worker: Worker, job: Job) -> bool:
    return bool(offers([job], [worker]))


def test_a_match_holds_the_given_values() -> None:
    job, worker = make_job(), make_worker()

    (match,) = plan([job], [worker], {"queue-1": DistributionMode()}, {})
    assert match == Match(job, worker)
    assert match.job is job
    assert match.worker is worker


def test_nothing_to_plan() -> None:
    assert offers([], [make_worker()]) == []
    assert offers([make_job()], []) == []


# -- who is eligible --------------------------------------------------------------------------


def test_only_waiting_jobs_are_offered() -> None:
    assert not is_offered(make_worker(), make_job(status=JobStatus.ASSIGNED))


def test_jobs_of_a_queue_without_a_mode_are_left_out() -> None:
    assert plan([make_job()], [make_worker()], {}, {}) == []


@pytest.mark.parametrize(
    "worker",
    [
        make_worker(available_for_offers=False),
        make_worker(queues=("queue-2",)),
        make_worker(channels=(make_channel("voice"),)),
        make_worker(capacity=0),
        make_worker(channels=(make_channel(at_most=0),)),
        make_worker(max_concurrent_offers=0),
        make_worker(capacity=1, reservations=(make_reservation(job_id="other"),)),
    ],
    ids=["gone", "queue", "channel", "capacity", "channel limit", "offer limit", "busy"],
)
def test_a_worker_needs_registration_queue_channel_and_room(worker: Worker) -> None:
    assert not is_offered(worker, make_job())


def test_capacity_is_shared_by_the_channels() -> None:
    """Capacity 2: two chats or one call, never more (voice costs 2, chat 1)."""
    both = (make_channel("chat"), make_channel("voice", cost=2))
    worker = make_worker(capacity=2, channels=both)
    call = make_job("call", channel_id="voice")
    chats = [make_job(f"chat-{n}", enqueued_at=NOW + seconds(n + 1)) for n in range(3)]

    assert [job for job, _ in offers([call, *chats], [worker])] == ["call"]
    assert [job for job, _ in offers([*chats], [worker])] == ["chat-0", "chat-1"]
    late_call = make_job("call", channel_id="voice", enqueued_at=NOW + seconds(9))
    assert [job for job, _ in offers([chats[0], late_call], [worker])] == ["chat-0"]


def test_a_channel_may_cap_its_jobs() -> None:
    worker = make_worker(capacity=9, channels=(make_channel(at_most=2),))

    assert len(offers([make_job(f"job-{n}") for n in range(4)], [worker])) == 2


def test_a_worker_may_limit_its_open_offers() -> None:
    assigned = make_reservation(job_id="other", assignment_id="assignment-1")
    worker = make_worker(capacity=9, max_concurrent_offers=2, reservations=(assigned,))

    assert len(offers([make_job(f"job-{n}") for n in range(4)], [worker])) == 2


def test_of_two_channels_with_one_id_the_first_counts() -> None:
    twice = (Channel(channel_id="chat", capacity_cost_per_job=2), make_channel("chat", cost=1))

    assert (
        len(offers([make_job("a"), make_job("b")], [make_worker(capacity=2, channels=twice)])) == 1
    )


def test_a_job_is_not_offered_twice_to_one_worker() -> None:
    three = DistributionMode(min_concurrent_offers=2, max_concurrent_offers=3)
    roomy = make_worker(capacity=9)

    assert offers([make_job()], [roomy], three) == [("job-1", "worker-1")]
    assert offers([make_job(offers=(make_offer(),))], [roomy], three) == []


def test_a_worker_that_holds_the_job_already_is_left_out() -> None:
    """A reservation that the job does not list (yet), and one of an earlier assignment."""
    reserved = make_worker(capacity=9, reservations=(make_reservation(),))
    assigned = make_worker(capacity=9, reservations=(make_reservation(assignment_id="a"),))

    assert not is_offered(reserved, make_job())
    assert not is_offered(assigned, make_job())


def test_a_declined_job_comes_back_with_the_next_registration() -> None:
    job = make_job(declines=(Decline(worker_id="worker-1", registration=1),))

    assert not is_offered(make_worker(registration=1), job)
    assert is_offered(make_worker(registration=2), job)


def test_a_decline_of_an_absent_worker_bars_nobody_else() -> None:
    job = make_job(declines=(Decline(worker_id="gone", registration=1),))

    assert is_offered(make_worker(), job)


@pytest.mark.parametrize(
    ("operator", "value", "passing"),
    [
        (LabelOperator.EQUAL, 5, {"five", "five.0"}),
        (LabelOperator.NOT_EQUAL, 5, {"one", "nine", "true", "text", "none"}),
        (LabelOperator.LESS_THAN, 5, {"one"}),
        (LabelOperator.LESS_THAN_OR_EQUAL, 5, {"one", "five", "five.0"}),
        (LabelOperator.GREATER_THAN, 5, {"nine"}),
        (LabelOperator.GREATER_THAN_OR_EQUAL, 5, {"five", "five.0", "nine"}),
        (LabelOperator.GREATER_THAN, "5", set()),
        (LabelOperator.GREATER_THAN, False, set()),
        (LabelOperator.EQUAL, True, {"true"}),
        (LabelOperator.EQUAL, 1, {"one"}),
    ],
)
def test_selectors(operator: LabelOperator, value: LabelValue, passing: set[str]) -> None:
    levels: Mapping[str, LabelValue] = {
        "one": 1, "five": 5, "five.0": 5.0, "nine": 9, "true": True, "text": "5",
    }  # fmt: skip
    workers = [make_worker(id, labels={"level": level}) for id, level in levels.items()]
    workers.append(make_worker("none"))
    job = make_job(requested_worker_selectors=(make_selector("level", operator, value),))

    assert set(chosen(workers, DistributionMode(), job, count=9)) == passing


def test_conditions_that_differ_by_type_only_are_told_apart_in_one_plan() -> None:
    true, one = make_selector("x", value=True), make_selector("x", value=1)
    jobs = [
        make_job("a", requested_worker_selectors=(true,)),
        make_job("b", requested_worker_selectors=(one,)),
    ]
    workers = [make_worker("one", labels={"x": 1}), make_worker("true", labels={"x": True})]

    assert offers(jobs, workers) == [("a", "true"), ("b", "one")]
    assert offers(jobs, workers, BEST_WORKER) == [("a", "true"), ("b", "one")]


def test_all_selectors_must_hold() -> None:
    both = (make_selector("a"), make_selector("b"))
    job = make_job(requested_worker_selectors=both)

    assert not is_offered(make_worker(labels={"a": True}), job)
    assert is_offered(make_worker(labels={"a": True, "b": True}), job)


def test_an_expired_selector_does_not_restrict() -> None:
    expired = make_selector("a", status=SelectorStatus.EXPIRED)

    assert is_offered(make_worker(), make_job(requested_worker_selectors=(expired,)))


def test_a_mode_may_bypass_selectors() -> None:
    job = make_job(requested_worker_selectors=(make_selector("a"),))

    assert offers([job], [make_worker()], DistributionMode(bypass_selectors=True))


# -- in which order jobs are served -----------------------------------------------------------


def test_jobs_are_served_expedited_first_then_by_priority_then_by_age_then_by_id() -> None:
    expedite = make_selector("none", LabelOperator.NOT_EQUAL, expedite=True)
    jobs = [
        make_job("young", enqueued_at=NOW + seconds(1)),
        make_job("b"),
        make_job("a"),
        make_job("urgent", priority=2, enqueued_at=NOW + seconds(2)),
        make_job("expedited", priority=-5, requested_worker_selectors=(expedite,)),
    ]

    assert served(jobs) == ["expedited", "urgent", "a", "b", "young"]


def test_an_expired_selector_does_not_expedite() -> None:
    over = make_selector("x", expedite=True, status=SelectorStatus.EXPIRED)

    assert served([make_job("b", requested_worker_selectors=(over,)), make_job("a")]) == ["a", "b"]


def test_all_jobs_get_the_minimum_of_offers_before_any_gets_more() -> None:
    mode = DistributionMode(min_concurrent_offers=1, max_concurrent_offers=2)
    workers = [make_worker(f"w{n}") for n in range(3)]

    planned = offers([make_job("first"), make_job("second")], workers, mode)
    assert planned == [("first", "w0"), ("second", "w1"), ("first", "w2")]


def test_open_offers_count() -> None:
    mode = DistributionMode(min_concurrent_offers=1, max_concurrent_offers=2)
    workers = [make_worker(f"w{n}") for n in range(3)]
    begun = make_job("first", offers=(make_offer(worker_id="elsewhere"),))

    planned = offers([begun, make_job("second")], workers, mode)
    assert planned == [("second", "w0"), ("first", "w1"), ("second", "w2")]


def test_the_maximum_of_offers_binds_a_larger_minimum() -> None:
    mode = DistributionMode(min_concurrent_offers=3, max_concurrent_offers=2)

    assert len(offers([make_job()], [make_worker(f"w{n}") for n in range(5)], mode)) == 2


# -- which worker gets the offer --------------------------------------------------------------


def loaded(id: str, capacity: int, load: int, minutes: int) -> Worker:
    return make_worker(
        id,
        capacity=capacity,
        available_since=NOW - seconds(60 * minutes),
        reservations=tuple(make_reservation(f"r{n}", job_id="other") for n in range(load)),
    )


def test_longest_idle_documented_example() -> None:
    workers = [
        loaded("a", 5, 3, 5),
        loaded("b", 4, 3, 3),
        loaded("c", 5, 3, 7),
        loaded("d", 1, 0, 2),
    ]

    assert chosen(workers, DistributionMode(), make_job(), count=4) == ["d", "c", "a", "b"]


def test_longest_idle_counts_the_offers_planned_before() -> None:
    workers = [loaded("a", 4, 0, 5), loaded("b", 2, 0, 3)]

    planned = offers([make_job(f"job-{n}") for n in range(4)], workers)
    assert [worker for _, worker in planned] == ["a", "b", "a", "a"]


def test_longest_idle_ties_go_to_the_lower_id() -> None:
    workers = [make_worker("b"), make_worker("a")]

    assert chosen(workers, DistributionMode(), make_job(), count=2) == ["a", "b"]


@pytest.mark.parametrize(
    ("last_offered", "expected"),
    [
        (None, ["a", "c", "e", "a"]),
        ("a", ["c", "e", "a", "c"]),
        ("b", ["c", "e", "a", "c"]),
        ("e", ["a", "c", "e", "a"]),
        ("z", ["a", "c", "e", "a"]),
    ],
)
def test_round_robin_goes_on_after_the_last_offered(
    last_offered: str | None, expected: list[str]
) -> None:
    workers = [make_worker(id, capacity=9) for id in "eca"]

    planned = offers([make_job(f"job-{n}") for n in range(4)], workers, ROUND_ROBIN, last_offered)
    assert [worker for _, worker in planned] == expected


def test_round_robin_has_a_pointer_for_each_queue() -> None:
    workers = [make_worker(id, capacity=9, queues=("queue-1", "queue-2")) for id in "ab"]
    jobs = [make_job("1"), make_job("2", queue_id="queue-2"), make_job("3")]
    matches = plan(jobs, workers, {"queue-1": ROUND_ROBIN, "queue-2": ROUND_ROBIN}, {})

    assert [(match.job.id, match.worker.id) for match in matches] == [
        ("1", "a"),
        ("2", "a"),
        ("3", "b"),
    ]


def test_best_worker_has_the_highest_score() -> None:
    job = make_job(
        requested_worker_selectors=(make_selector("level", LabelOperator.GREATER_THAN, 1),)
    )
    workers = [make_worker(f"level-{level}", labels={"level": level}) for level in (2, 9, 5)]

    assert chosen(workers, BEST_WORKER, job, count=3) == ["level-9", "level-5", "level-2"]


def test_best_worker_ties_go_to_the_one_available_for_longer() -> None:
    workers = [make_worker("a"), make_worker("b", available_since=NOW - seconds(1))]

    assert chosen(workers, BEST_WORKER, make_job(), count=2) == ["b", "a"]


def test_best_worker_scores_that_rounding_makes_equal_are_ties() -> None:
    level = make_selector("level", LabelOperator.GREATER_THAN_OR_EQUAL, 1)
    job = make_job(
        requested_worker_selectors=(level, make_selector("a"), make_selector("b")),
    )
    lower, higher = (
        make_worker(f"level-{n}", labels={"level": n, "a": True, "b": True}) for n in (37, 41)
    )

    assert term_points(37, condition(level)) < term_points(41, condition(level))
    assert chosen([higher, lower], BEST_WORKER, job, count=2) == ["level-37", "level-41"]


def test_best_worker_does_not_mind_load() -> None:
    workers = [
        loaded("busy", 5, 4, 9),
        make_worker("idle", available_since=NOW),
    ]

    assert chosen(workers, BEST_WORKER, make_job(), count=1) == ["busy"]


def test_best_worker_ranks_by_labels_when_selectors_are_bypassed() -> None:
    mode = DistributionMode(
        kind=DistributionModeKind.BEST_WORKER, max_concurrent_offers=2, bypass_selectors=True
    )
    job = make_job(requested_worker_selectors=(make_selector("skilled"),))
    workers = [make_worker("a"), make_worker("b", labels={"skilled": True})]

    assert [worker for _, worker in offers([job], workers, mode)] == ["b", "a"]


def test_queues_of_different_modes_share_their_workers() -> None:
    shared = ("queue-1", "queue-2")
    workers = [make_worker(id, queues=shared, capacity=1) for id in "abc"]
    jobs = [
        make_job("1", queue_id="queue-1"),
        make_job("2", queue_id="queue-2"),
        make_job("3", queue_id="queue-1"),
        make_job("4", queue_id="queue-2"),
    ]
    modes = {"queue-1": ROUND_ROBIN, "queue-2": DistributionMode()}

    matches = plan(jobs, workers, modes, {"queue-1": "b"})
    assert [(match.job.id, match.worker.id) for match in matches] == [
        ("1", "c"),
        ("2", "a"),
        ("3", "b"),
    ]
