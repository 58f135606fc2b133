"""Selectors: what is demanded of a worker's or a queue's labels, perhaps for a while only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.labels import LabelOperator, Labels, LabelValue, satisfies


class SelectorStatus(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSelector:
    """One condition on a queue's labels."""

    key: str
    operator: LabelOperator
    value: LabelValue

    def accepts(self, labels: Labels) -> bool:
        return satisfies(labels.get(self.key), self.operator, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSelector:
    """One condition on a worker's labels.

    ``expires_after_seconds`` counts from the moment the job is queued; the selector restricts
    nothing afterwards. ``expedite`` puts the job at the front of its queue while it is active.
    """

    key: str
    operator: LabelOperator
    value: LabelValue
    expires_after_seconds: float | None = None
    expedite: bool = False
    status: SelectorStatus = SelectorStatus.ACTIVE
    expires_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status is SelectorStatus.ACTIVE

    def accepts(self, labels: Labels) -> bool:
        return satisfies(labels.get(self.key), self.operator, self.value)

    def started(self, now: datetime) -> "WorkerSelector":
        """The selector with its clock running (unchanged if it runs already or never expires)."""
        if self.expires_after_seconds is None or self.expires_at is not None:
            return self
        return replace(self, expires_at=now + timedelta(seconds=self.expires_after_seconds))

    def is_due(self, now: datetime) -> bool:
        return self.is_active and self.expires_at is not None and self.expires_at <= now

    def expired(self) -> "WorkerSelector":
        return replace(self, status=SelectorStatus.EXPIRED)

    def fresh(self) -> "WorkerSelector":
        """As the application gave it, without the state the router added."""
        return replace(self, status=SelectorStatus.ACTIVE, expires_at=None)


def all_accept(selectors: Iterable[WorkerSelector], labels: Labels) -> bool:
    """Whether every active selector accepts the labels; selectors are ANDed."""
    return all(selector.accepts(labels) for selector in selectors if selector.is_active)


def keep_state(
    given: Iterable[WorkerSelector], known: Iterable[WorkerSelector]
) -> tuple[WorkerSelector, ...]:
    """The given selectors; one already known keeps its clock and status.

    An application which writes back what it read must not restart or revive a selector.
    """
    states = {identity(selector): selector for selector in known}
    return tuple(states.get(identity(selector), selector.fresh()) for selector in given)


def identity(selector: WorkerSelector) -> tuple[object, ...]:
    """What the application gave; equal for two selectors that demand the same."""
    value_kind = isinstance(selector.value, bool)
    return (
        selector.key,
        selector.operator,
        value_kind,
        selector.value,
        selector.expires_after_seconds,
        selector.expedite,
    )
