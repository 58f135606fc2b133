"""Worker labels in SQLite, and worker selectors as conditions on them.

A label's ``value`` is text that is equal exactly if the values are. Its ``number``, which only
numbers have, is what the order operators compare.
"""

from collections.abc import Iterable

from shared.domain.labels import LabelOperator, Labels, LabelValue, is_number
from shared.domain.selectors import WorkerSelector
from shared.storage.comparisons import comparison, exact
from shared.storage.sqlite.conditions import Conditions
from shared.storage.sqlite.tables import Row

_LABEL = "SELECT 1 FROM worker_labels l WHERE l.worker_id = a.worker_id AND l.key = ?"


def label_rows(worker_id: str, labels: Labels) -> Iterable[Row]:
    return ((worker_id, key, _comparable(value), _number(value)) for key, value in labels.items())


def require_selector(conditions: Conditions, selector: WorkerSelector) -> None:
    """Require of the worker ``a.worker_id`` that its labels pass the selector, or nearly so."""
    key, value = selector.key, selector.value
    if selector.operator is LabelOperator.EQUAL:
        conditions.require(f"EXISTS ({_LABEL} AND l.value = ?)", key, _comparable(value))
    elif selector.operator is LabelOperator.NOT_EQUAL:
        conditions.require(f"NOT EXISTS ({_LABEL} AND l.value = ?)", key, _comparable(value))
    else:
        sign = comparison(selector)
        conditions.require(f"EXISTS ({_LABEL} AND l.number {sign} ?)", key, _number(value))


def _comparable(value: LabelValue) -> str:
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, bool):
        return f"boolean {value}"
    return f"number {exact(value)}"


def _number(value: LabelValue) -> float | None:
    if not is_number(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
