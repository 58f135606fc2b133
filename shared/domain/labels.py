"""Labels: the primitive key/value pairs that jobs, workers and queues carry."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeGuard

type LabelValue = str | int | float | bool
type Labels = Mapping[str, LabelValue]


class LabelOperator(StrEnum):
    """How a selector compares a worker's label with its own value."""

    EQUAL = "equal"
    NOT_EQUAL = "notEqual"
    LESS_THAN = "lessThan"
    LESS_THAN_OR_EQUAL = "lessThanOrEqual"
    GREATER_THAN = "greaterThan"
    GREATER_THAN_OR_EQUAL = "greaterThanOrEqual"


def is_number(value: LabelValue | None) -> TypeGuard[float]:
    """Booleans are not numbers here, although they are in Python."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same_value(left: LabelValue | None, right: LabelValue | None) -> bool:
    """Equality as JSON has it: ``1`` is ``1.0``, ``true`` is not ``1``, text is case sensitive."""
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def satisfies(label: LabelValue | None, operator: LabelOperator, value: LabelValue) -> bool:
    """Whether a label (``None``: the worker has no such label) passes ``operator value``.

    ``notEqual`` is exactly the negation of ``equal``, so a missing label passes it. The four order
    operators compare numbers with numbers and fail on everything else.
    """
    if operator is LabelOperator.EQUAL:
        return same_value(label, value)
    if operator is LabelOperator.NOT_EQUAL:
        return not same_value(label, value)
    if not (is_number(label) and is_number(value)):
        return False
    return _ordered(label, operator, value)


def _ordered(label: float, operator: LabelOperator, value: float) -> bool:
    match operator:
        case LabelOperator.LESS_THAN:
            return label < value
        case LabelOperator.LESS_THAN_OR_EQUAL:
            return label <= value
        case LabelOperator.GREATER_THAN:
            return label > value
        case _:
            return label >= value


def identical(left: object, right: object) -> bool:
    """Whether two values are equal down to the types of the labels in them.

    Python takes ``1``, ``1.0`` and ``True`` for the same; a label's type is part of its value.
    """
    return left == right and repr(left) == repr(right)
