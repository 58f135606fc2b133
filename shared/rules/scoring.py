"""Scoring rules: how well each of several workers suits a job.

Expressions are evaluated for one worker after the other. Another service is asked about one worker
at a time, or about a batch; several calls are under way at once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched, islice
from typing import Final, assert_never

from shared.domain.distribution import ScoringParameter
from shared.domain.labels import LabelOperator
from shared.domain.rule_results import UnusableResult, as_score
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionRule,
    Json,
    RemoteRule,
    Rule,
    RuleUse,
    StaticRule,
    WebhookRule,
)
from shared.domain.selectors import WorkerSelector
from shared.ports import Clock, RuleFailed, Scored, ScoringQuestion
from shared.rules.expressions import compiled
from shared.rules.outbound.circuit_breaker import MOST_FAILURES, PAUSE, CircuitBreaker
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.powerfx import ExpressionError, PowerFxError

SCORING_SECONDS: Final = 5.0
"""For all workers of a job."""

CALLS_AT_ONCE: Final = 8
"""Of one job."""

MOST_CALLS: Final = 100
"""For one job. The workers beyond them are not asked about."""

SILENT: Final = (
    f"The service did not answer in time {MOST_FAILURES} times, so it is not asked"
    f" for {PAUSE.total_seconds():g} seconds."
)

EVALUATED_AT_ONCE: Final = 50
"""So many expressions are evaluated before other tasks get their turn."""

_OPERATORS: Final[Mapping[LabelOperator, str]] = {
    LabelOperator.EQUAL: "Equal",
    LabelOperator.NOT_EQUAL: "NotEqual",
    LabelOperator.LESS_THAN: "LessThan",
    LabelOperator.LESS_THAN_OR_EQUAL: "LessThanEqual",
    LabelOperator.GREATER_THAN: "GreaterThan",
    LabelOperator.GREATER_THAN_OR_EQUAL: "GreaterThanEqual",
}
"""In the words that scoring functions have always been told them."""


class Scorer:
    """``clock``: what expressions take for now. ``remote``: evaluates the rules of others."""

    def __init__(
        self, clock: Clock, remote: RemoteRules, *, seconds: float = SCORING_SECONDS
    ) -> None:
        self._clock = clock
        self._remote = remote
        self._seconds = seconds
        self._breaker = CircuitBreaker(clock)

    async def score(self, rule: Rule, question: ScoringQuestion) -> Scored:
        if isinstance(rule, FunctionRule | WebhookRule):
            tally = await self._guarded(rule, question)
        else:
            tally = await self._tally(rule, question)
        return Scored(tally.scores, tally.failures)

    async def _guarded(self, rule: RemoteRule, question: ScoringQuestion) -> "_Tally":
        """A service that answered no call about a job in time counts as failed."""
        if not self._breaker.lets_pass(rule.destination):
            silent = _Tally()
            silent.fail(question.workers, SILENT)
            return silent
        tally = await self._tally(rule, question)
        if tally.is_answered:
            self._breaker.succeeded(rule.destination)
        else:
            self._breaker.failed(rule.destination)
        return tally

    async def _tally(self, rule: Rule, question: ScoringQuestion) -> "_Tally":
        tally = _Tally()
        try:
            async with asyncio.timeout(self._seconds):
                await self._answer(rule, question, tally)
        except TimeoutError:
            pass  # What is there by now is the answer.
        return tally

    async def _answer(self, rule: Rule, question: ScoringQuestion, tally: "_Tally") -> None:
        match rule:
            case StaticRule(value=value):
                tally.note_each(dict.fromkeys(question.workers, value))
            case DirectMapRule():
                tally.fail(question.workers, "The rule gives labels instead of a score.")
            case ExpressionRule(expression=expression):
                await self._evaluate(expression, question, tally)
            case FunctionRule() | WebhookRule():
                await self._ask(rule, question, tally)
            case _:
                assert_never(rule)

    async def _evaluate(self, expression: str, question: ScoringQuestion, tally: "_Tally") -> None:
        try:
            program = compiled(expression, RuleUse.SCORE)
        except ExpressionError as error:
            tally.fail(question.workers, str(error))
            return
        job, selectors, now = question.job_labels, _rows(question.selectors), self._clock()
        for some in batched(question.workers.items(), EVALUATED_AT_ONCE, strict=False):
            for worker_id, labels in some:
                try:
                    result = program.evaluate(
                        {"job": job, "selectors": selectors, "worker": labels}, now
                    )
                    tally.note(worker_id, result)
                except PowerFxError as error:
                    tally.fail([worker_id], str(error))
            await asyncio.sleep(0)

    async def _ask(self, rule: RemoteRule, question: ScoringQuestion, tally: "_Tally") -> None:
        slots = asyncio.Semaphore(CALLS_AT_ONCE)
        size = question.options.batch_size if question.options.is_batch_enabled else 1

        async def ask(worker_ids: Sequence[str]) -> None:
            async with slots:
                await self._ask_about(rule, worker_ids, question, tally)

        async with asyncio.TaskGroup() as calls:
            for worker_ids in islice(batched(question.workers, size, strict=False), MOST_CALLS):
                calls.create_task(ask(worker_ids))

    async def _ask_about(
        self,
        rule: RemoteRule,
        worker_ids: Sequence[str],
        question: ScoringQuestion,
        tally: "_Tally",
    ) -> None:
        tally.fail(worker_ids, "There was no answer in time.")  # Until there is one.
        try:
            answer = await self._remote.ask(rule, _body(question, worker_ids))
        except RuleFailed as error:
            tally.is_answered = True
            tally.fail(worker_ids, str(error))
            return
        tally.is_answered = True
        if not question.options.is_batch_enabled:
            tally.note(worker_ids[0], answer)
        elif isinstance(answer, dict):
            tally.note_each({id: answer[id] for id in worker_ids if id in answer})
            missing = [id for id in worker_ids if id not in answer]
            tally.fail(missing, "The answer has no score for the worker.")
        else:
            tally.fail(worker_ids, "The answer should be an object of scores by worker id.")


class _Tally:
    """What is known of the workers asked about.

    ``is_answered``: a call to another service has come to an end, be it a failure.
    """

    def __init__(self) -> None:
        self.is_answered = False
        self.scores: dict[str, float] = {}
        self.failures: dict[str, str] = {}

    def note(self, worker_id: str, result: Json) -> None:
        try:
            self.scores[worker_id] = as_score(result)
        except UnusableResult as problem:
            self.failures[worker_id] = str(problem)
        else:
            self.failures.pop(worker_id, None)

    def note_each(self, results: Mapping[str, Json]) -> None:
        for worker_id, result in results.items():
            self.note(worker_id, result)

    def fail(self, worker_ids: Iterable[str], reason: str) -> None:
        self.failures |= dict.fromkeys(worker_ids, reason)


def _body(question: ScoringQuestion, worker_ids: Sequence[str]) -> Mapping[str, Json]:
    """What another service is told: of the job as much as the policy wants it to know."""
    body: dict[str, Json] = {}
    if ScoringParameter.JOB_LABELS in question.options.parameters:
        body["job"] = dict(question.job_labels)
    if ScoringParameter.WORKER_SELECTORS in question.options.parameters:
        body["selectors"] = _rows(question.selectors)
    workers = [dict(question.workers[id]) for id in worker_ids]
    if question.options.is_batch_enabled:
        return {**body, "workers": workers}
    return {**body, "worker": workers[0]}


def _rows(selectors: Iterable[WorkerSelector]) -> list[dict[str, Json]]:
    return [
        {
            "key": selector.key,
            "operator": _OPERATORS[selector.operator],
            "value": selector.value,
            "expiresAfterSeconds": selector.expires_after_seconds,
        }
        for selector in selectors
    ]
