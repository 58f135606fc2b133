"""Ranking workers by a scoring rule, through the store and the offer protocol."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.domain.distribution import DistributionModeKind, ScoringOptions
from shared.domain.errors import InvalidRules
from shared.domain.labels import LabelOperator, Labels
from shared.domain.rules import ExpressionRule, Json, Rule, RuleUse, StaticRule
from shared.ports import RuleEngine, Scored, ScoringQuestion
from shared.services.known_scores import FAILED_FOR, KnownScores, Subject
from shared.services.offers import decline_offer
from shared.services.scoring import PLANNING_TIME, plan_offers
from shared.services.sweeps import match_queue
from tests.factories import NOW, make_job, make_selector, make_worker
from tests.rig import Rig

LEVEL = ExpressionRule(expression="worker.Level")
LOWEST_FIRST = ScoringOptions(descending_order=False)


async def ready(rule: Rule, options: ScoringOptions | None = None, **mode: object) -> Rig:
    return await Rig().ready(
        kind=DistributionModeKind.BEST_WORKER, scoring_rule=rule, scoring_options=options, **mode
    )


async def levels(rig: Rig, **levels: int) -> None:
    """Workers by their level, each available for a second longer than the next."""
    for id, level in levels.items():
        await rig.worker(id, labels={"Level": level})
        rig.clock.forward(seconds=1)


async def offered(rig: Rig, job_id: str = "job") -> list[str]:
    return sorted(offer.worker_id for offer in (await rig.read_job(job_id)).offers)


@dataclass
class ScriptedEngine:
    """Scores as ``say`` has it, and keeps what it was asked."""

    engine: RuleEngine
    say: Callable[[ScoringQuestion], Scored]
    asked: list[ScoringQuestion] = field(default_factory=list)

    def check(self, rule: Rule, use: RuleUse) -> None:
        self.engine.check(rule, use)

    def seal(self, rule: Rule) -> Rule:
        return self.engine.seal(rule)

    async def evaluate(self, rule: Rule, job_labels: Labels) -> Json:
        return await self.engine.evaluate(rule, job_labels)

    async def score(self, rule: Rule, question: ScoringQuestion) -> Scored:
        self.check(rule, RuleUse.SCORE)
        self.asked.append(question)
        await asyncio.sleep(0)  # Time for others to ask the same.
        return self.say(question)

    async def close(self) -> None:
        await self.engine.close()

    @property
    def asked_about(self) -> list[list[str]]:
        return [sorted(question.workers) for question in self.asked]


def scripted(rig: Rig, say: Callable[[ScoringQuestion], Scored]) -> ScriptedEngine:
    engine = ScriptedEngine(rig.router.rules, say)
    rig.router = replace(rig.router, rules=engine)
    return engine


def by_level(question: ScoringQuestion) -> Scored:
    scores = {id: labels["Level"] for id, labels in question.workers.items()}
    return Scored({id: float(score) for id, score in scores.items()}, {})


def all_fail(question: ScoringQuestion) -> Scored:
    return Scored({}, dict.fromkeys(question.workers, "It is broken."))


# -- who gets the offer -----------------------------------------------------------------------


@pytest.mark.parametrize(("options", "best"), [(None, "high"), (LOWEST_FIRST, "low")])
async def test_an_expression_ranks_the_workers(options: ScoringOptions | None, best: str) -> None:
    rig = await ready(LEVEL, options)
    await levels(rig, low=1, high=9, middle=5)
    await rig.job()
    assert await offered(rig) == [best]


async def test_a_static_score_leaves_it_to_the_tie() -> None:
    rig = await ready(StaticRule(value=1))
    await levels(rig, first=1, second=9)
    await rig.job(labels={"Level": 9})
    assert await offered(rig) == ["first"]


async def test_an_expression_sees_the_job_the_id_and_the_selectors() -> None:
    wanted = "worker.Id = job.Wanted And CountRows(selectors) = 1"
    rig = await ready(ExpressionRule(expression=f"If({wanted}, 1, 0)"))
    await levels(rig, a=1, b=1, c=1)
    at_least_1 = make_selector("Level", LabelOperator.GREATER_THAN_OR_EQUAL, 1)
    await rig.job(labels={"Wanted": "c"}, selectors=(at_least_1,))
    assert await offered(rig) == ["c"]


async def test_selectors_still_decide_who_is_qualified() -> None:
    rig = await ready(LEVEL)
    await rig.worker("unqualified", labels={"Level": 9})
    await rig.worker("low", labels={"Level": 1, "Trained": True})
    await rig.worker("high", labels={"Level": 2, "Trained": True})
    await rig.job(selectors=(make_selector("Trained"),))
    assert await offered(rig) == ["high"]


async def test_bypassed_selectors_do_not() -> None:
    rig = await ready(LEVEL, bypass_selectors=True)
    await rig.worker("unqualified", labels={"Level": 9})
    await rig.worker("qualified", labels={"Level": 1, "Trained": True})
    await rig.job(selectors=(make_selector("Trained"),))
    assert await offered(rig) == ["unqualified"]


async def test_all_workers_are_looked_at_and_several_offers_go_to_the_best() -> None:
    rig = await ready(LEVEL, max_concurrent_offers=3)
    for number in range(130):
        await rig.worker(f"worker-{number:03}", labels={"Level": number})
    engine = scripted(rig, by_level)
    await rig.job()
    assert await offered(rig) == ["worker-127", "worker-128", "worker-129"]
    assert [len(question.workers) for question in engine.asked] == [130]


async def test_the_sweep_ranks_too() -> None:
    rig = await ready(LEVEL)
    for name in ("one", "two"):
        await rig.job(name)
        rig.clock.forward(seconds=1)
    for id, level in {"low": 1, "high": 9, "middle": 5}.items():
        worker = make_worker(id, labels={"Level": level}, queues=("queue",))
        await rig.store.workers.create(worker, None, rig.clock())
    await match_queue(rig.router, "queue")
    assert await offered(rig, "one") == ["high"]
    assert await offered(rig, "two") == ["middle"]


async def test_a_rule_that_gives_no_score_is_refused() -> None:
    with pytest.raises(InvalidRules) as refused:
        await ready(ExpressionRule(expression="worker.Level > 1"))
    assert [problem.target for problem in refused.value.problems] == ["mode.scoringRule.expression"]


# -- who is asked about, and how often --------------------------------------------------------


async def test_what_a_rule_is_asked() -> None:
    rig = await ready(LEVEL, LOWEST_FIRST)
    engine = scripted(rig, by_level)
    await levels(rig, a=1, b=2)
    selector = make_selector("Level", LabelOperator.GREATER_THAN, 0)
    await rig.job(labels={"x": 1}, selectors=(selector,))
    (question,) = engine.asked
    assert question.job_labels == {"x": 1}
    assert [asked.key for asked in question.selectors] == ["Level"]
    assert question.options == LOWEST_FIRST
    assert list(question.workers.items()) == [
        ("a", {"Level": 1, "Id": "a"}),
        ("b", {"Level": 2, "Id": "b"}),
    ]


async def test_nobody_is_asked_about_a_single_worker() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    await rig.worker()
    await rig.job("one")
    await rig.job("two")
    await rig.finish(await rig.accept(job_id="one"))
    assert await offered(rig, "two") == ["worker"]
    assert engine.asked == []


async def test_each_pair_is_asked_about_once() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    await levels(rig, a=1, b=2, c=3)
    await rig.job()
    for best in ("c", "b"):
        assert await offered(rig) == [best]
        await decline_offer(rig.router, best, await rig.offer_id(best), None)
    assert await offered(rig) == ["a"]
    await rig.sweep()
    assert engine.asked_about == [["a", "b", "c"]]
    await rig.job("other")
    assert engine.asked_about == [["a", "b", "c"], ["b", "c"]]


async def test_who_asks_at_the_same_time_waits_for_the_answer() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    jobs = [make_job(queue_id="queue")]
    workers = [make_worker(id, labels={"Level": 1}, queues=("queue",)) for id in "ab"]
    policy = await rig.router.definitions.policy_of("queue")
    assert policy is not None
    modes = {"queue": policy.mode}
    plans = await asyncio.gather(
        *(plan_offers(rig.router, jobs, workers, modes, {}) for _ in range(3))
    )
    assert [[match.worker.id for match in plan.matches] for plan in plans] == [["a"]] * 3
    assert engine.asked_about == [["a", "b"]]


async def test_a_worker_that_changed_is_asked_about_again() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    await levels(rig, a=1, b=2, c=3)
    await rig.job()
    await rig.worker("b", labels={"Level": True})
    await rig.worker("a", labels={"Level": 1.0})
    await decline_offer(rig.router, "c", await rig.offer_id("c"), None)
    assert engine.asked_about == [["a", "b", "c"], ["a", "b"]]
    assert await offered(rig) == ["a"], "true is 1, and a is available for longer"


async def test_a_job_that_changed_is_asked_about_again() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    await levels(rig, a=1, b=2, c=3)
    await rig.job()
    await rig.patch_job(labels={"x": True})
    selector = make_selector("Level", LabelOperator.GREATER_THAN, 0)
    await rig.patch_job(requested_worker_selectors=(selector,))
    assert engine.asked_about == [["a", "b", "c"], ["a", "b", "c"]]
    assert [question.job_labels for question in engine.asked] == [{}, {"x": True}]


async def test_another_rule_is_asked_anew() -> None:
    rig = await ready(LEVEL)
    await levels(rig, a=1, b=2, c=3)
    await rig.job()
    assert await offered(rig) == ["c"]
    other = ExpressionRule(expression="-worker.Level")
    await rig.policy(kind=DistributionModeKind.BEST_WORKER, scoring_rule=other)
    await decline_offer(rig.router, "c", await rig.offer_id("c"), None)
    assert await offered(rig) == ["a"]


async def test_a_queue_in_which_nobody_is_free_asks_nothing() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, by_level)
    await levels(rig, a=1, b=2)
    for number in range(5):
        await rig.job(f"job-{number}")
    await rig.sweep()
    assert engine.asked_about == [["a", "b"]]


# -- when it fails ----------------------------------------------------------------------------


async def test_workers_without_a_score_come_last_and_that_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = await ready(ExpressionRule(expression="1 / worker.Level"), max_concurrent_offers=2)
    await levels(rig, broken=0, worst=9, best=1)
    with caplog.at_level(logging.WARNING):
        await rig.job()
    assert await offered(rig) == ["best", "worst"]
    (record,) = [r for r in caplog.records if "no score" in r.message]
    facts = record.__dict__
    assert (facts["job_id"], facts["queue_id"]) == ("job", "queue")
    assert facts["worker_ids"] == ["broken"]


async def test_a_rule_that_fails_for_all_delays_nothing() -> None:
    rig = await ready(LEVEL)
    scripted(rig, all_fail)
    await levels(rig, first=1, second=2)
    await rig.job("one")
    await rig.job("two")
    assert await offered(rig, "one") == ["first"]
    assert await offered(rig, "two") == ["second"]


async def test_a_failure_is_not_asked_for_again_for_a_while() -> None:
    rig = await ready(LEVEL)
    engine = scripted(rig, all_fail)
    await levels(rig, a=1, b=2, c=3, d=4)
    await rig.job()
    await decline_offer(rig.router, "a", await rig.offer_id("a"), None)
    assert engine.asked_about == [["a", "b", "c", "d"]]
    engine.say = by_level
    rig.clock.forward(seconds=FAILED_FOR.total_seconds())
    await decline_offer(rig.router, "b", await rig.offer_id("b"), None)
    assert engine.asked_about == [["a", "b", "c", "d"], ["c", "d"]]
    assert await offered(rig) == ["d"]


async def test_whom_there_was_no_time_to_ask_about_is_asked_about_next_time() -> None:
    rig = await ready(LEVEL)

    def only_the_first(question: ScoringQuestion) -> Scored:
        first = next(iter(question.workers))
        return Scored({first: 1.0}, {})

    engine = scripted(rig, only_the_first)
    await levels(rig, a=1, b=2, c=3)
    await rig.job()
    await decline_offer(rig.router, "a", await rig.offer_id("a"), None)
    assert engine.asked_about == [["a", "b", "c"], ["b", "c"]]
    assert await offered(rig) == ["b"]


async def test_a_slow_rule_leaves_jobs_to_the_next_sweep() -> None:
    rig = await ready(LEVEL)

    def slowly(question: ScoringQuestion) -> Scored:
        rig.clock.forward(seconds=PLANNING_TIME.total_seconds() / 2)
        return by_level(question)

    scripted(rig, slowly)
    for number in range(4):
        await rig.job(f"job-{number}")
        rig.clock.forward(seconds=1)
    for number in range(5):
        worker = make_worker(f"w{number}", labels={"Level": number}, queues=("queue",))
        await rig.store.workers.create(worker, None, rig.clock())

    async def served() -> list[list[str]]:
        return [await offered(rig, f"job-{number}") for number in range(4)]

    await match_queue(rig.router, "queue")
    assert await served() == [["w4"], ["w3"], [], []]
    await match_queue(rig.router, "queue")
    assert await served() == [["w4"], ["w3"], ["w2"], ["w1"]]


# -- what is known ----------------------------------------------------------------------------


def test_the_oldest_scores_are_forgotten() -> None:
    known = KnownScores(most_known=3)
    workers = [make_worker(id) for id in "ab"]
    scored = Scored({"a": 1, "b": 2}, {})
    for job_id in ("one", "two"):
        known.note(Subject(job_id, ""), workers, scored, NOW)
    assert len(known) == 3
    assert known.split(Subject("one", ""), workers, NOW) == ({"b": 2}, [workers[0]])
    assert known.split(Subject("two", ""), workers, NOW) == ({"a": 1, "b": 2}, [])


@pytest.mark.parametrize(
    ("labels", "is_known"),
    [({"x": 1}, True), ({"x": 1.0}, False), ({"x": True}, False), ({"x": 1, "y": 1}, False)],
)
def test_a_score_holds_for_the_very_same_labels(
    labels: Mapping[str, float], is_known: bool
) -> None:
    known, subject = KnownScores(), Subject("job", "facts")
    known.note(subject, [make_worker("a", labels={"x": 1})], Scored({"a": 1}, {}), NOW)
    scores, _ = known.split(subject, [make_worker("a", labels=labels)], NOW + timedelta(days=9))
    assert bool(scores) is is_known


def test_known_again_is_no_more_known() -> None:
    known, subject = KnownScores(most_known=2), Subject("job", "facts")
    workers = [make_worker(id) for id in "ab"]
    for _ in range(3):
        known.note(subject, workers, Scored({"a": 1, "b": 2}, {}), NOW)
    assert known.split(subject, workers, NOW) == ({"a": 1, "b": 2}, [])
