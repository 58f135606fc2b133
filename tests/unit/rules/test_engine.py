"""The rule engine: what each kind of rule gives, and how it says that it gives nothing."""

import pytest

from shared.domain.labels import Labels
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionCredential,
    FunctionRule,
    Json,
    NewSecret,
    Rule,
    RuleUse,
    SealedSecret,
    StaticRule,
)
from shared.ports import InvalidRule, RuleFailed
from shared.rules.engine import Engine
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import Vault
from tests.rig import LOOPBACK, SECRETS_KEY, SetClock

LABELS: Labels = {"Product": "phone", "Urgency": 3, "Escalated": True, "Id": "job-1"}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(clock: SetClock) -> Engine:
    return Engine(clock, RemoteRules(clock, LOOPBACK, Vault()))


@pytest.mark.parametrize("value", [None, 1, 1.5, "a", True, [{"key": "a"}], {}], ids=repr)
async def test_a_static_rule_gives_its_value(engine: Engine, value: Json) -> None:
    assert await engine.evaluate(StaticRule(value=value), LABELS) is value


async def test_a_direct_map_gives_the_labels(engine: Engine) -> None:
    assert await engine.evaluate(DirectMapRule(), LABELS) == LABELS


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("5", 5),
        ("job.Urgency + 1", 4),
        ('If(job.Escalated = true, "Second", "First")', "Second"),
        ('If(job.Product = "tablet", true, false)', False),
        ("Year(Now())", 2026),
    ],
)
async def test_an_expression_is_evaluated(engine: Engine, expression: str, expected: Json) -> None:
    rule = ExpressionRule(expression=expression)
    result = await engine.evaluate(rule, LABELS)
    assert (result, isinstance(result, bool)) == (expected, isinstance(expected, bool))


async def test_the_clock_says_what_is_now(engine: Engine, clock: SetClock) -> None:
    rule = ExpressionRule(expression="Hour(Now())")
    hours = [await engine.evaluate(rule, LABELS)]
    clock.forward(hours=5)
    assert [*hours, await engine.evaluate(rule, LABELS)] == [0, 5]


@pytest.mark.parametrize("expression", ["", "If(", "1 +", "job.Urgency +* 2", "Fly()", '"open'])
async def test_what_is_no_expression_is_refused(engine: Engine, expression: str) -> None:
    rule = ExpressionRule(expression=expression)
    with pytest.raises(InvalidRule) as refused:
        engine.check(rule, RuleUse.PRIORITY)
    assert str(refused.value)
    with pytest.raises(RuleFailed):
        await engine.evaluate(rule, LABELS)


def test_where_an_expression_is_wrong_is_told(engine: Engine) -> None:
    with pytest.raises(InvalidRule) as refused:
        engine.check(ExpressionRule(expression="1 +\n  * 2"), RuleUse.PRIORITY)
    assert refused.value.position == (2, 3)


async def test_an_expression_without_a_result_fails(engine: Engine) -> None:
    rule: Rule = ExpressionRule(expression="1 / 0")
    engine.check(rule, RuleUse.PRIORITY)
    with pytest.raises(RuleFailed) as failed:
        await engine.evaluate(rule, LABELS)
    assert str(failed.value)


def expression(text: str) -> ExpressionRule:
    return ExpressionRule(expression=text)


SELECTORS = [{"key": "a", "labelOperator": "equal", "value": 1}]
MAYBE = expression("job.Urgency")
"""Whether it makes sense depends on the job."""

SENSIBLE: dict[RuleUse, list[Rule]] = {
    RuleUse.CONDITION: [StaticRule(value=True), expression("job.Vip = true"), MAYBE],
    RuleUse.PRIORITY: [StaticRule(value=3), StaticRule(value="3"), expression("1 + 1"), MAYBE],
    RuleUse.QUEUE_SELECTORS: [
        StaticRule(value="sales"), StaticRule(value=SELECTORS), DirectMapRule(),
        expression('If(job.Vip = true, "a", "b")'), expression("{Region: job.Region}"), MAYBE,
    ],
    RuleUse.WORKER_SELECTORS: [
        StaticRule(value=SELECTORS), StaticRule(), DirectMapRule(),
        expression("{language: job.Language}"), MAYBE,
    ],
    RuleUse.SCORE: [StaticRule(value=0.5), expression("worker.level"), expression("1")],
}  # fmt: skip
SENSELESS: dict[RuleUse, list[tuple[Rule, str | None]]] = {
    RuleUse.CONDITION: [
        (StaticRule(value=1), "value"), (expression("1"), "expression"),
        (expression('"true"'), "expression"), (DirectMapRule(), None),
    ],
    RuleUse.PRIORITY: [
        (StaticRule(value="high"), "value"), (StaticRule(value=101), "value"),
        (expression('If(job.Vip = true, "1", "2")'), "expression"), (DirectMapRule(), None),
        (expression("worker.level"), "expression"),
    ],
    RuleUse.QUEUE_SELECTORS: [(StaticRule(value=1), "value"), (expression("1"), "expression")],
    RuleUse.WORKER_SELECTORS: [
        (StaticRule(value="sales"), "value"), (expression('"sales"'), "expression"),
    ],
    RuleUse.SCORE: [(StaticRule(value="1"), "value"), (expression('"1"'), "expression")],
}  # fmt: skip


@pytest.mark.parametrize("use", RuleUse)
def test_what_may_make_sense_in_a_place_is_let_in(engine: Engine, use: RuleUse) -> None:
    for rule in SENSIBLE[use]:
        engine.check(rule, use)


@pytest.mark.parametrize("use", RuleUse)
def test_what_never_makes_sense_in_a_place_is_refused(engine: Engine, use: RuleUse) -> None:
    for rule, member in SENSELESS[use]:
        with pytest.raises(InvalidRule) as refused:
            engine.check(rule, use)
        assert refused.value.member == member, rule


FUNCTION = FunctionRule(
    function_uri="http://127.0.0.1/", credential=FunctionCredential(key=NewSecret("key"))
)


def test_only_rules_of_others_hold_secrets(clock: SetClock) -> None:
    engine = Engine(clock, RemoteRules(clock, LOOPBACK, Vault([SECRETS_KEY])))
    sealed = engine.seal(FUNCTION)
    assert isinstance(sealed, FunctionRule)
    assert isinstance(sealed.secret, SealedSecret)
    for rule in (sealed, StaticRule(value=1), DirectMapRule(), ExpressionRule(expression="1")):
        assert engine.seal(rule) is rule


def test_rules_of_others_are_checked_too(engine: Engine) -> None:
    with pytest.raises(InvalidRule) as refused:
        engine.check(FUNCTION, RuleUse.CONDITION)
    assert refused.value.member == "credential"
