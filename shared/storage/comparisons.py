"""How stores compare labels: by exact text for equality, by floating point numbers for order."""

from shared.domain.labels import LabelOperator, is_number
from shared.domain.selectors import WorkerSelector

_COMPARISONS = {
    LabelOperator.LESS_THAN: "<",
    LabelOperator.LESS_THAN_OR_EQUAL: "<=",
    LabelOperator.GREATER_THAN: ">",
    LabelOperator.GREATER_THAN_OR_EQUAL: ">=",
}

_EXACT_BELOW = 2**53
"""Smaller integers are exact as floating point numbers; rounding makes larger ones equal."""


def comparison(selector: WorkerSelector) -> str:
    """The operator in SQL, or the wider one where rounded numbers may only look equal."""
    sign = _COMPARISONS[selector.operator]
    rounded = is_number(selector.value) and abs(selector.value) >= _EXACT_BELOW
    return f"{sign[0]}=" if rounded else sign


def exact(value: float) -> str:
    """Equal numbers give equal texts: ``1`` and ``1.0``, but not ``2**53`` and ``2**53 + 1``."""
    whole = isinstance(value, int) or value.is_integer()
    return str(int(value)) if whole else repr(value)
