"""Worker labels as index members, and worker selectors as conditions on them.

A label's token is equal exactly if key and value are. Its number, which only numbers have, is what
the order operators compare.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from shared.domain.labels import LabelOperator, Labels, LabelValue, is_number
from shared.domain.selectors import WorkerSelector
from shared.storage.comparisons import comparison, exact
from shared.storage.cosmos.conditions import Conditions


def label_members(labels: Labels) -> Mapping[str, Any]:
    """Always with the tokens: a negated condition on a missing member selects nothing."""
    return {
        "labelTokens": [_token(key, value) for key, value in labels.items()],
        "numbers": [
            {"key": key, "number": _double(value)}
            for key, value in labels.items()
            if is_number(value)
        ],
    }


def require_selector(conditions: Conditions, selector: WorkerSelector) -> None:
    """Require that a worker's labels pass the selector, or nearly so."""
    key, value = selector.key, selector.value
    if selector.operator is LabelOperator.EQUAL:
        conditions.require("ARRAY_CONTAINS(c.labelTokens, {})", _token(key, value))
    elif selector.operator is LabelOperator.NOT_EQUAL:
        conditions.require("NOT ARRAY_CONTAINS(c.labelTokens, {})", _token(key, value))
    elif is_number(value):
        _require_number(conditions, key, comparison(selector), value)
    else:
        conditions.satisfiable = False


def _require_number(conditions: Conditions, key: str, sign: str, value: float) -> None:
    conditions.require(
        f"EXISTS(SELECT VALUE n FROM n IN c.numbers WHERE n.key = {{}} AND n.number {sign} {{}})",
        key,
        _double(value),
    )


def _token(key: str, value: LabelValue) -> str:
    return json.dumps([key, _comparable(value)], ensure_ascii=False)


def _comparable(value: LabelValue) -> LabelValue | list[str]:
    """Numbers as exact text, so that ``1`` is ``1.0``, but ``2**53`` is not ``2**53 + 1``."""
    if not is_number(value):
        return value
    return [exact(value)]


def _double(value: float) -> float:
    """The nearest finite double, without the sign of zero."""
    try:
        return float(value) + 0.0
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max
