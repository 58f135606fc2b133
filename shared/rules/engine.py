"""Rules: evaluated here, or by those whom they name."""

from typing import assert_never

from shared.domain.labels import Labels
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionRule,
    Json,
    Rule,
    RuleUse,
    StaticRule,
    WebhookRule,
)
from shared.ports import Clock, RuleFailed, Scored, ScoringQuestion
from shared.rules.checks import check_expression, check_labels, check_value
from shared.rules.expressions import compiled
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.powerfx import PowerFxError
from shared.rules.scoring import Scorer


class Engine:
    """``clock``: what expressions take for now. ``remote``: evaluates the rules of others."""

    def __init__(self, clock: Clock, remote: RemoteRules) -> None:
        self._clock = clock
        self._remote = remote
        self._scorer = Scorer(clock, remote)

    def check(self, rule: Rule, use: RuleUse) -> None:
        match rule:
            case StaticRule(value=value):
                check_value(value, use)
            case DirectMapRule():
                check_labels(use)
            case ExpressionRule(expression=expression):
                check_expression(expression, use)
            case FunctionRule() | WebhookRule():
                self._remote.check(rule)
            case _:
                assert_never(rule)

    def seal(self, rule: Rule) -> Rule:
        return self._remote.sealed(rule) if isinstance(rule, FunctionRule | WebhookRule) else rule

    async def evaluate(self, rule: Rule, job_labels: Labels) -> Json:
        match rule:
            case StaticRule(value=value):
                return value
            case DirectMapRule():
                return dict(job_labels)
            case ExpressionRule(expression=expression):
                return self._evaluate_expression(expression, job_labels)
            case FunctionRule() | WebhookRule():
                return await self._remote.ask(rule, {"job": dict(job_labels)})
            case _:
                assert_never(rule)

    async def score(self, rule: Rule, question: ScoringQuestion) -> Scored:
        return await self._scorer.score(rule, question)

    async def close(self) -> None:
        await self._remote.close()

    def _evaluate_expression(self, expression: str, job_labels: Labels) -> Json:
        try:
            return compiled(expression).evaluate({"job": job_labels}, self._clock())
        except PowerFxError as error:
            raise RuleFailed(str(error)) from error
