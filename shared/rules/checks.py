"""Whether a rule can have a result that makes sense in its place, as far as can be told before."""

from collections.abc import Mapping
from typing import Final

from shared.domain.rule_results import READERS, UnusableResult
from shared.domain.rules import Json, RuleUse
from shared.ports import InvalidRule
from shared.rules.expressions import compiled
from shared.rules.powerfx import ExpressionError

_TYPES: Final[Mapping[RuleUse, frozenset[str]]] = {
    RuleUse.CONDITION: frozenset({"boolean"}),
    RuleUse.PRIORITY: frozenset({"number"}),
    RuleUse.QUEUE_SELECTORS: frozenset({"text", "other"}),
    RuleUse.WORKER_SELECTORS: frozenset({"other"}),
    RuleUse.SCORE: frozenset({"number"}),
}
"""What an expression may result in, where that does not depend on labels."""

_NEEDED: Final[Mapping[RuleUse, str]] = {
    RuleUse.CONDITION: "A condition should be true or false",
    RuleUse.PRIORITY: "A priority should be a number",
    RuleUse.QUEUE_SELECTORS: "Selectors or a queue's id are needed here",
    RuleUse.WORKER_SELECTORS: "Selectors are needed here",
    RuleUse.SCORE: "A score should be a number",
}


def check_value(value: Json, use: RuleUse) -> None:
    """:raises InvalidRule: a static rule's value makes no sense in this place."""
    try:
        READERS[use](value)
    except UnusableResult as problem:
        raise InvalidRule(str(problem), member="value") from problem


def check_labels(use: RuleUse) -> None:
    """:raises InvalidRule: labels, which a direct map gives, make no sense in this place."""
    if use not in {RuleUse.QUEUE_SELECTORS, RuleUse.WORKER_SELECTORS}:
        raise InvalidRule(f"{_NEEDED[use]}, but this rule gives labels.")


def check_expression(expression: str, use: RuleUse) -> None:
    """:raises InvalidRule: it is none, or its result can never make sense in this place."""
    try:
        program = compiled(expression, use)
    except ExpressionError as error:
        position = (error.line, error.column)
        raise InvalidRule(error.message, position, member="expression") from error
    if program.result is not None and program.result not in _TYPES[use]:
        raise InvalidRule(
            f"{_NEEDED[use]}, but the expression gives a {_name(program.result)}.",
            member="expression",
        )


def _name(type: str) -> str:
    return "record or table" if type == "other" else type
