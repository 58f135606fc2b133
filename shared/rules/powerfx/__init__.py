"""Power Fx, as far as routing rules need it.

    program = compile_rule("If(job.Escalated = true, 10, 1)")
    program.evaluate({"job": {"Escalated": True}}, now)   # 10

Reads nothing but its arguments. Whatever is wrong with an expression is a ``PowerFxError``.
"""

from shared.rules.powerfx.errors import EvaluationError, ExpressionError, PowerFxError
from shared.rules.powerfx.program import Limits, Program, compile_rule
from shared.rules.powerfx.syntax import Span

__all__ = [
    "EvaluationError",
    "ExpressionError",
    "Limits",
    "PowerFxError",
    "Program",
    "Span",
    "compile_rule",
]
