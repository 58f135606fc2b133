"""Planning by scores that a rule gives: for whom it asks, and what it makes of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.distribution import DistributionMode, DistributionModeKind, ScoringOptions
from shared.domain.rules import StaticRule
from shared.matching.planner import Candidates, plan, planning
from tests.factories import NOW, make_job, make_worker, seconds
from tests.oracles.plain_scan import scan
from tests.unit.matching.snapshots import LARGE, Snapshot, snapshot

RULE = StaticRule(value=1)
LOWEST_FIRST = ScoringOptions(descending_order=False)


def by_rule(**members: object) -> DistributionMode:
    kind = DistributionModeKind.BEST_WORKER
    return DistributionMode(kind=kind, scoring_rule=RULE, **members)  # type: ignore[arg-type]


@dataclass
class Answers:
    """``left_out``: the jobs that get ``None`` for an answer."""

    scores: Mapping[str, Mapping[str, float]]
    left_out: frozenset[str] = frozenset()
    asked: list[Candidates] = field(default_factory=list)

    def offers(self, snapshot: Snapshot) -> list[tuple[str, str]]:
        steps = planning(snapshot.jobs, snapshot.workers, snapshot.modes, snapshot.last_offered)
        try:
            candidates = next(steps)
            while True:
                self.asked.append(candidates)
                job_id = candidates.job.id
                left_out = job_id in self.left_out
                candidates = steps.send(None if left_out else self.scores.get(job_id, {}))
        except StopIteration as end:
            return [(match.job.id, match.worker.id) for match in end.value]

    @property
    def asked_about(self) -> list[tuple[str, list[str]]]:
        return [(asked.job.id, [worker.id for worker in asked.workers]) for asked in self.asked]


def one_queue(jobs: int, workers: int, mode: DistributionMode, capacity: int = 1) -> Snapshot:
    """Jobs ``j0``, ``j1``, ... in the order in which they are served, and workers ``w0``, ..."""
    return Snapshot(
        [make_job(f"j{n}", enqueued_at=NOW + seconds(n)) for n in range(jobs)],
        [make_worker(f"w{n}", capacity=capacity) for n in range(workers)],
        {"queue-1": mode},
        {},
    )


def scored_snapshot(random: Random, given: Snapshot) -> tuple[Snapshot, Answers]:
    """Most queues are scored by rule, and most pairs have one of few scores."""

    def mode(before: DistributionMode) -> DistributionMode:
        descending = random.random() < 0.5
        scored = by_rule(
            min_concurrent_offers=before.min_concurrent_offers,
            max_concurrent_offers=before.max_concurrent_offers,
            bypass_selectors=before.bypass_selectors,
            scoring_options=random.choice([None, ScoringOptions(descending_order=descending)]),
        )
        return scored if random.random() < 0.7 else before

    scores = {
        job.id: {
            worker.id: random.choice([-1, 0, -0.0, 0.5, 1, 1.0, 2, 1e308, 10**400])
            for worker in given.workers
            if random.random() < 0.8
        }
        for job in given.jobs
    }
    modes = {queue_id: mode(before) for queue_id, before in given.modes.items()}
    return replace(given, modes=modes), Answers(scores)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_same_offers_as_the_scan(random: Random) -> None:
    small, answers = scored_snapshot(random, snapshot(random))

    expected = scan(small.jobs, small.workers, small.modes, small.last_offered, answers.scores)
    assert answers.offers(small) == expected


@pytest.mark.parametrize("seed", range(300))
def test_same_offers_in_seeded_snapshots(seed: int) -> None:
    random = Random(seed)
    large, answers = scored_snapshot(random, snapshot(random, replace(LARGE, jobs=40, workers=30)))

    expected = scan(large.jobs, large.workers, large.modes, large.last_offered, answers.scores)
    assert answers.offers(large) == expected
    asked = [candidates.job.id for candidates in answers.asked]
    assert len(asked) == len(set(asked)), "each job is asked about once"
    assert all(len(candidates.workers) > 1 for candidates in answers.asked)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, ["w1", "w2", "w0"]),
        (ScoringOptions(), ["w1", "w2", "w0"]),
        (LOWEST_FIRST, ["w0", "w2", "w1"]),
    ],
)
def test_the_order_of_scores(options: ScoringOptions | None, expected: list[str]) -> None:
    three = one_queue(1, 3, by_rule(max_concurrent_offers=3, scoring_options=options))

    offers = Answers({"j0": {"w0": 1, "w1": 3, "w2": 2}}).offers(three)
    assert [worker for _, worker in offers] == expected


@pytest.mark.parametrize("options", [None, LOWEST_FIRST])
def test_workers_without_a_score_come_last(options: ScoringOptions | None) -> None:
    three = one_queue(1, 3, by_rule(max_concurrent_offers=3, scoring_options=options))

    offers = Answers({"j0": {"w2": -5}}).offers(three)
    assert [worker for _, worker in offers] == ["w2", "w0", "w1"]


def test_ties_go_to_the_one_available_for_longer() -> None:
    two = one_queue(1, 2, by_rule(max_concurrent_offers=2))
    two.workers[1] = replace(two.workers[1], available_since=NOW - seconds(1))

    assert Answers({"j0": {"w0": 7, "w1": 7.0}}).offers(two) == [("j0", "w1"), ("j0", "w0")]


def test_only_those_are_asked_about_who_may_be_offered_the_job_now() -> None:
    """The first job takes one of the three workers, so that two are left for the second."""
    answers = Answers({"j0": {"w1": 1}})

    answers.offers(one_queue(3, 3, by_rule()))
    assert answers.asked_about == [("j0", ["w0", "w1", "w2"]), ("j1", ["w0", "w2"])]


def test_nobody_is_asked_about_a_job_that_gets_no_offer() -> None:
    answers = Answers({})

    assert len(answers.offers(one_queue(50, 2, by_rule()))) == 2
    assert answers.asked_about == [("j0", ["w0", "w1"])]


def test_a_job_is_asked_about_once_for_both_rounds() -> None:
    answers = Answers({"j0": {"w2": 1}})

    offers = answers.offers(one_queue(1, 3, by_rule(max_concurrent_offers=3)))
    assert [worker for _, worker in offers] == ["w2", "w0", "w1"]
    assert len(answers.asked) == 1


def test_a_job_may_be_left_out() -> None:
    answers = Answers({"j1": {"w1": 1}}, left_out=frozenset({"j0"}))

    assert answers.offers(one_queue(2, 2, by_rule(max_concurrent_offers=2))) == [
        ("j1", "w1"),
        ("j1", "w0"),
    ]


def test_other_modes_ask_for_nothing() -> None:
    answers = Answers({})
    best_by_default = DistributionMode(kind=DistributionModeKind.BEST_WORKER)
    not_best = replace(by_rule(), kind=DistributionModeKind.ROUND_ROBIN)

    assert answers.offers(one_queue(1, 3, best_by_default)) == [("j0", "w0")]
    assert answers.offers(one_queue(1, 3, not_best)) == [("j0", "w0")]
    assert answers.asked == []


def test_a_plan_without_scores_is_refused_where_a_rule_gives_them() -> None:
    two = one_queue(1, 2, by_rule())

    with pytest.raises(ValueError, match="j0"):
        plan(two.jobs, two.workers, two.modes, two.last_offered)
