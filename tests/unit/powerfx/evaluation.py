"""Evaluating an expression in one line of a test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from shared.rules.powerfx import EvaluationError, ExpressionError, compile_rule
from shared.rules.powerfx.program import Labels, Plain

NOW = datetime(2026, 3, 4, 15, 16, 17, 890_000, tzinfo=UTC)

type Input = Mapping[str, Labels | Sequence[Labels]]


def evaluate(text: str, scope: Input | None = None, now: datetime = NOW) -> Plain:
    """The result of an expression that may use the roots of ``scope``."""
    scope = {"job": {}} if scope is None else scope
    return compile_rule(text, tuple(scope)).evaluate(scope, now)


def of_job(text: str, **labels: bool | str | float | None) -> Plain:
    """The result of an expression for a job with these labels."""
    return evaluate(text, {"job": labels})


def failure(text: str, scope: Input | None = None) -> str:
    """The kind of error that an expression ends with."""
    with pytest.raises(EvaluationError) as raised:
        evaluate(text, scope)
    return raised.value.kind


def refusal(text: str, names: tuple[str, ...] = ("job",)) -> ExpressionError:
    """Why an expression is refused."""
    with pytest.raises(ExpressionError) as raised:
        compile_rule(text, names)
    return raised.value
