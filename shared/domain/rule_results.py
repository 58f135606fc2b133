"""What the result of a rule means where a policy uses it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.labels import LabelOperator, LabelValue, is_number
from shared.domain.limits import MAX_PRIORITY, MIN_PRIORITY
from shared.domain.queues import ID_LABEL
from shared.domain.rules import Json, RuleUse
from shared.domain.selectors import QueueSelector, WorkerSelector

_SELECTOR = frozenset({"key", "labelOperator"})
_SHOWN = 100
"""So many characters of a wrong result are told."""


class UnusableResult(Exception):
    """The rule's result is none of those that make sense in its place; the message says why."""


def as_condition(result: Json) -> bool:
    """:raises UnusableResult: neither true nor false."""
    match result:
        case bool():
            return result
        case str() if result.lower() in {"true", "false"}:
            return result.lower() == "true"
        case _:
            raise UnusableResult(f"A condition should be true or false, but this gives {result!r}.")


def as_priority(result: Json) -> int:
    """A whole number, also as text (published examples have it so).

    :raises UnusableResult: not a number, or none that a priority may be.
    """
    try:
        number = float(result) if isinstance(result, str) else result
    except ValueError:
        number = None
    if not is_number(number) or number != number // 1:
        raise UnusableResult(f"A priority should be a whole number, but this gives {result!r}.")
    if not MIN_PRIORITY <= number <= MAX_PRIORITY:
        raise UnusableResult(
            f"A priority lies between {MIN_PRIORITY} and {MAX_PRIORITY}, but this gives {result!r}."
        )
    return int(number)


def as_score(result: Json) -> float:
    """:raises UnusableResult: not a number."""
    if is_number(result) and (isinstance(result, int) or math.isfinite(result)):
        score: float = result
        return score
    raise UnusableResult(f"A score should be a number, but this gives {_shortened(result)}.")


def as_queue_selectors(result: Json) -> tuple[QueueSelector, ...]:
    """Text names the queue by its id; for the rest see :func:`as_worker_selectors`.

    :raises UnusableResult: neither a queue's id nor selectors.
    """
    if isinstance(result, str):
        return (QueueSelector(key=ID_LABEL, operator=LabelOperator.EQUAL, value=result),)
    return _selectors(result, _queue_selector)


def as_worker_selectors(result: Json) -> tuple[WorkerSelector, ...]:
    """Selectors as the API has them; or labels, each of which is to be equal. Blank: none.

    :raises UnusableResult: neither.
    """
    return _selectors(result, _worker_selector)


READERS: Mapping[RuleUse, Callable[[Json], object]] = {
    RuleUse.CONDITION: as_condition,
    RuleUse.PRIORITY: as_priority,
    RuleUse.QUEUE_SELECTORS: as_queue_selectors,
    RuleUse.WORKER_SELECTORS: as_worker_selectors,
    RuleUse.SCORE: as_score,
}
"""Each raises UnusableResult."""


def _selectors[S](result: Json, read: Callable[[Mapping[str, Any]], S]) -> tuple[S, ...]:
    match result:
        case None:
            return ()
        case list():
            return tuple(read(_members(item)) for item in result)
        case dict() if result.keys() >= _SELECTOR:
            return (read(result),)
        case dict():
            return tuple(read(_equal(key, value)) for key, value in result.items())
        case _:
            raise UnusableResult(f"This gives {result!r}, where selectors are expected.")


def _equal(key: str, value: Json) -> Mapping[str, Any]:
    return {"key": key, "labelOperator": LabelOperator.EQUAL, "value": value}


def _members(item: Json) -> Mapping[str, Any]:
    if not isinstance(item, dict) or not item.keys() >= _SELECTOR:
        raise UnusableResult(f"A selector needs key, labelOperator and value, unlike {item!r}.")
    return item


def _queue_selector(members: Mapping[str, Any]) -> QueueSelector:
    key, operator, value = _condition(members)
    return QueueSelector(key=key, operator=operator, value=value)


def _worker_selector(members: Mapping[str, Any]) -> WorkerSelector:
    key, operator, value = _condition(members)
    seconds = members.get("expiresAfterSeconds")
    if seconds is not None and not (is_number(seconds) and seconds > 0):
        raise UnusableResult(f"expiresAfterSeconds should be above 0, unlike {seconds!r}.")
    return WorkerSelector(
        key=key,
        operator=operator,
        value=value,
        expires_after_seconds=seconds,
        expedite=members.get("expedite") is True,
    )


def _condition(members: Mapping[str, Any]) -> tuple[str, LabelOperator, LabelValue]:
    key, operator, value = members["key"], members["labelOperator"], members.get("value")
    if not isinstance(key, str) or not isinstance(value, str | int | float):
        raise UnusableResult(f"A selector compares a key with a value, unlike {dict(members)!r}.")
    try:
        return key, LabelOperator(operator), value
    except ValueError:
        raise UnusableResult(f"{operator!r} is no operator of selectors.") from None


def _shortened(result: Json) -> str:
    text = repr(result)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
