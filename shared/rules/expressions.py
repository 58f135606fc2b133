"""Expressions of rules, compiled once."""

from functools import lru_cache
from typing import Final

from shared.domain.rules import RuleUse
from shared.rules.powerfx import Program, compile_rule

_COMPILED_AT_MOST: Final = 2048

_ROOTS: Final = ("job",)
_ROOTS_OF_SCORES: Final = ("job", "worker", "selectors")
"""What an expression may speak of."""


def compiled(expression: str, use: RuleUse | None = None) -> Program:
    """``use`` ``None``: any other than a score.

    :raises ExpressionError: the text is no expression.
    """
    return _compiled(expression, _ROOTS_OF_SCORES if use is RuleUse.SCORE else _ROOTS)


@lru_cache(_COMPILED_AT_MOST)
def _compiled(expression: str, roots: tuple[str, ...]) -> Program:
    return compile_rule(expression, roots)
