"""Scoring rules: what may be saved, who is asked how, and what becomes of the answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import web

from shared.domain.distribution import ScoringOptions, ScoringParameter
from shared.domain.labels import LabelOperator, Labels
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionRule,
    Json,
    Rule,
    RuleUse,
    StaticRule,
)
from shared.ports import InvalidRule, Scored, ScoringQuestion
from shared.rules.engine import Engine
from shared.rules.outbound.circuit_breaker import MOST_FAILURES
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import Vault
from shared.rules.scoring import CALLS_AT_ONCE, EVALUATED_AT_ONCE, MOST_CALLS, SILENT, Scorer
from tests.factories import make_selector
from tests.rig import LOOPBACK, SetClock
from tests.unit.rules.outbound.servers import Server, running

JOB: Labels = {"ConsoleType": "X", "HighPriority": True}
SELECTORS = (
    make_selector("English", LabelOperator.GREATER_THAN_OR_EQUAL, 7),
    make_selector("Chat", LabelOperator.NOT_EQUAL, False, expires_after_seconds=60),
)
SENT_SELECTORS = [
    {"key": "English", "operator": "GreaterThanEqual", "value": 7, "expiresAfterSeconds": None},
    {"key": "Chat", "operator": "NotEqual", "value": False, "expiresAfterSeconds": 60},
]


@pytest.fixture
async def remote() -> AsyncIterator[RemoteRules]:
    rules = RemoteRules(SetClock(), LOOPBACK, Vault())
    yield rules
    await rules.close()


@pytest.fixture
def engine(remote: RemoteRules) -> Engine:
    return Engine(SetClock(), remote)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as server:
        yield server


def expression(text: str) -> ExpressionRule:
    return ExpressionRule(expression=text)


def function(server: Server) -> FunctionRule:
    return FunctionRule(function_uri=server.uri("/score"))


def question(
    workers: Mapping[str, Labels] | int = 2, options: ScoringOptions | None = None
) -> ScoringQuestion:
    """``workers``: their labels by id, or how many; these have their number as ``level``."""
    if isinstance(workers, int):
        workers = {f"w{n}": {"Id": f"w{n}", "level": n} for n in range(workers)}
    return ScoringQuestion(
        job_labels=JOB, selectors=SELECTORS, workers=workers, options=options or ScoringOptions()
    )


def in_batches(size: int) -> ScoringOptions:
    return ScoringOptions(is_batch_enabled=True, batch_size=size)


# -- what may be saved ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        StaticRule(value=0),
        StaticRule(value=-1.5),
        expression("worker.level"),
        expression("If(job.HighPriority = true, 200, 1) + CountRows(selectors)"),
        expression('If(worker.Id = "w1", 10)'),
        FunctionRule(function_uri="https://rules.example/score"),
    ],
    ids=repr,
)
def test_what_may_give_a_score_is_let_in(engine: Engine, rule: Rule) -> None:
    engine.check(rule, RuleUse.SCORE)


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        (StaticRule(), "value"),
        (StaticRule(value="1"), "value"),
        (StaticRule(value=True), "value"),
        (StaticRule(value=[1]), "value"),
        (DirectMapRule(), None),
        (expression('"text"'), "expression"),
        (expression("worker.level > 3"), "expression"),
        (expression("worker."), "expression"),
        (expression("queue.level"), "expression"),
        (FunctionRule(function_uri="http://rules.example/score"), "functionUri"),
    ],
    ids=repr,
)
def test_what_never_gives_a_score_is_refused(
    engine: Engine, rule: Rule, member: str | None
) -> None:
    with pytest.raises(InvalidRule) as refused:
        engine.check(rule, RuleUse.SCORE)
    assert refused.value.member == member


def test_where_an_expression_is_wrong_is_told(engine: Engine) -> None:
    with pytest.raises(InvalidRule) as refused:
        engine.check(expression("worker.level +\n  Lowr(1)"), RuleUse.SCORE)
    assert refused.value.position == (2, 3)


# -- within the process -----------------------------------------------------------------------


async def test_a_static_rule_scores_all_alike(engine: Engine) -> None:
    scored = await engine.score(StaticRule(value=2.5), question(3))
    assert scored == Scored({"w0": 2.5, "w1": 2.5, "w2": 2.5}, {})


async def test_an_expression_sees_job_worker_and_selectors(engine: Engine) -> None:
    workers: Mapping[str, Labels] = {"a": {"Id": "a", "X": True}, "b": {"Id": "b"}}
    rule = expression(
        "If(job.HighPriority, 100) + If(worker.X = true, 10) + First(selectors).value"
    )
    engine.check(rule, RuleUse.SCORE)
    assert await engine.score(rule, question(workers)) == Scored({"a": 117, "b": 107}, {})
    by_id = expression('If(worker.Id = "b", 1, 0)')
    assert await engine.score(by_id, question(workers)) == Scored({"a": 0, "b": 1}, {})


async def test_an_expression_that_fails_for_some_scores_the_others(engine: Engine) -> None:
    scored = await engine.score(expression("1 / worker.level"), question(3))
    assert scored.scores == {"w1": 1, "w2": 0.5}
    assert scored.failures.keys() == {"w0"}
    blank = await engine.score(expression('If(worker.Id = "w1", 10)'), question(2))
    assert blank.scores == {"w1": 10}
    assert "None" in blank.failures["w0"]


async def test_many_expressions_let_others_run_and_end_in_time(remote: RemoteRules) -> None:
    many = 20 * EVALUATED_AT_ONCE
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count_turns())
    whole = await Scorer(SetClock(), remote).score(expression("worker.level"), question(many))
    counting.cancel()
    assert len(whole.scores) == many
    assert turns >= 19
    cut = await Scorer(SetClock(), remote, seconds=0).score(expression("1"), question(many))
    assert len(cut.scores) < many
    assert cut.failures == {}


# -- by another service -----------------------------------------------------------------------


async def test_a_function_is_told_of_one_worker_at_a_time(engine: Engine, server: Server) -> None:
    server.body = b"0.5"
    scored = await engine.score(function(server), question(2))
    assert scored == Scored({"w0": 0.5, "w1": 0.5}, {})
    assert sorted((seen.json for seen in server.seen), key=lambda sent: sent["worker"]["Id"]) == [
        {"job": JOB, "selectors": SENT_SELECTORS, "worker": {"Id": "w0", "level": 0}},
        {"job": JOB, "selectors": SENT_SELECTORS, "worker": {"Id": "w1", "level": 1}},
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ((), {}),
        ((ScoringParameter.JOB_LABELS,), {"job": JOB}),
        ((ScoringParameter.WORKER_SELECTORS,), {"selectors": SENT_SELECTORS}),
    ],
)
async def test_a_policy_chooses_what_is_told_of_the_job(
    engine: Engine,
    server: Server,
    parameters: tuple[ScoringParameter, ...],
    expected: Mapping[str, Json],
) -> None:
    server.body = b"1"
    await engine.score(function(server), question(1, ScoringOptions(parameters=parameters)))
    assert server.seen[0].json == {**expected, "worker": {"Id": "w0", "level": 0}}


async def answer_levels(request: web.Request) -> web.Response:
    """Scores that are twice the level, for a batch of workers."""
    workers = (await request.json())["workers"]
    return web.json_response({worker["Id"]: 2 * worker["level"] for worker in workers})


async def test_batches(engine: Engine, server: Server) -> None:
    server.handler = answer_levels
    scored = await engine.score(function(server), question(7, in_batches(3)))
    assert scored == Scored({f"w{n}": 2 * n for n in range(7)}, {})
    batches = sorted([worker["Id"] for worker in seen.json["workers"]] for seen in server.seen)
    assert batches == [["w0", "w1", "w2"], ["w3", "w4", "w5"], ["w6"]]
    assert all("worker" not in seen.json and seen.json["job"] == JOB for seen in server.seen)


async def test_workers_missing_in_a_batch_have_no_score(engine: Engine, server: Server) -> None:
    server.body = b'{"w1": 3, "w2": "much", "stranger": 9}'
    scored = await engine.score(function(server), question(3, in_batches(20)))
    assert scored.scores == {"w1": 3}
    assert scored.failures.keys() == {"w0", "w2"}


@pytest.mark.parametrize("body", [b"1", b"[1, 2]", b"null", b'"w0"'])
async def test_a_batch_is_answered_by_an_object(
    engine: Engine, server: Server, body: bytes
) -> None:
    server.body = body
    scored = await engine.score(function(server), question(2, in_batches(20)))
    assert scored.scores == {}
    assert scored.failures.keys() == {"w0", "w1"}


@pytest.mark.parametrize("body", [b'"0.5"', b"true", b"null", b"{}", b"1e400", b"", b"1 2"])
async def test_only_a_number_is_a_score(engine: Engine, server: Server, body: bytes) -> None:
    server.body = body
    scored = await engine.score(function(server), question(1))
    assert scored.scores == {}
    assert scored.failures.keys() == {"w0"}


async def test_a_function_that_fails_for_some_scores_the_others(
    engine: Engine, server: Server
) -> None:
    async def answer(request: web.Request) -> web.Response:
        level = (await request.json())["worker"]["level"]
        return web.json_response(level, status=500 if level == 1 else 200)

    server.handler = answer
    scored = await engine.score(function(server), question(3))
    assert scored.scores == {"w0": 0, "w2": 2}
    assert "500" in scored.failures["w1"]


async def test_who_is_not_answered_for_in_time_has_failed(
    remote: RemoteRules, server: Server
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if (await request.json())["worker"]["level"] > 0:
            await asyncio.sleep(60)
        return web.json_response(1)

    server.handler = answer
    scorer = Scorer(SetClock(), remote, seconds=0.3)
    scored = await scorer.score(function(server), question(CALLS_AT_ONCE + 5))
    assert scored.scores == {"w0": 1}
    assert set(scored.failures.values()) == {"There was no answer in time."}
    assert len(scored.failures) == CALLS_AT_ONCE, "the others were not asked about"


class Silence:
    """A service that answers while ``is_over``, and how often it was asked."""

    def __init__(self) -> None:
        self.is_over = False
        self.asked = 0

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        if not self.is_over:
            await asyncio.sleep(60)
        return web.json_response(1)


@pytest.fixture
def silence(server: Server) -> Silence:
    silence = Silence()
    server.handler = silence.answer
    return silence


async def test_a_service_that_is_silent_is_left_alone_for_a_while(
    remote: RemoteRules, server: Server, silence: Silence
) -> None:
    clock = SetClock()
    scorer = Scorer(clock, remote, seconds=0.1)
    for _ in range(MOST_FAILURES):
        await scorer.score(function(server), question(1))
    scored = await scorer.score(function(server), question(2))
    assert scored == Scored({}, {"w0": SILENT, "w1": SILENT})
    assert silence.asked == MOST_FAILURES

    silence.is_over = True
    clock.forward(seconds=10)
    assert (await scorer.score(function(server), question(1))).scores == {"w0": 1}
    assert (await scorer.score(function(server), question(1))).scores == {"w0": 1}


async def test_other_services_are_asked_while_one_is_silent(
    remote: RemoteRules, server: Server, silence: Silence
) -> None:
    scorer = Scorer(SetClock(), remote, seconds=0.1)
    for _ in range(MOST_FAILURES):
        await scorer.score(function(server), question(1))
    silence.is_over = True
    other = FunctionRule(function_uri=server.uri("/other"))
    assert (await scorer.score(other, question(1))).scores == {"w0": 1}


@pytest.mark.parametrize("status", [200, 500])
async def test_who_answers_some_calls_only_is_not_silent(
    remote: RemoteRules, server: Server, status: int
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if (await request.json())["worker"]["level"] > 0:
            await asyncio.sleep(60)
        return web.json_response(1, status=status)

    server.handler = answer
    scorer = Scorer(SetClock(), remote, seconds=0.1)
    for _ in range(MOST_FAILURES):
        await scorer.score(function(server), question(2))
    scored = await scorer.score(function(server), question(2))
    assert SILENT not in scored.failures.values()


async def test_calls_are_few_at_once_and_few_in_all(engine: Engine, server: Server) -> None:
    under_way, most = 0, 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        return web.json_response(1)

    server.handler = answer
    scored = await engine.score(function(server), question(MOST_CALLS + 10))
    assert most == CALLS_AT_ONCE
    assert scored.scores.keys() == {f"w{n}" for n in range(MOST_CALLS)}
    assert scored.failures == {}
