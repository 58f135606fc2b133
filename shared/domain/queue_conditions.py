"""What a job meets in a queue: its exception policy, and how many wait there already."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.exception_policies import (
    ExceptionPolicy,
    ExceptionRule,
    QueueLengthTrigger,
    WaitTimeTrigger,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStay:
    """A job's time in one queue, from joining it until an offer is accepted or it moves.

    ``fired``: rules whose wait-time trigger fired in this stay, as ``rule_key`` has them; each does
    so once. ``exception_at``: when the next may fire.
    """

    queue_id: str
    since: datetime
    fired: tuple[str, ...] = ()
    exception_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedConditions:
    """Jobs that wait in the queue are to learn of another exception policy, or of other rules.

    ``id`` is the queue's. Noted before the change, and forgotten when all jobs know.
    """

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConditions:
    """``length``: how many jobs wait in the queue, as far as a rule of its policy asks."""

    policy: ExceptionPolicy | None = None
    length: int = 0

    @property
    def ask_for_length(self) -> bool:
        return any(isinstance(rule.trigger, QueueLengthTrigger) for rule in self._rules)

    def on_joining(self, fired: Collection[str]) -> tuple[ExceptionRule, ...]:
        """Rules that fire when one more job is to join, without those that did so before."""
        return tuple(rule for rule in self._unfired(fired) if self._is_full(rule))

    def on_waiting(self, stay: QueueStay, now: datetime) -> tuple[ExceptionRule, ...]:
        """Rules that fire because the stay has lasted so long."""
        firing = ((rule, _fires_at(rule, stay)) for rule in self._unfired(stay.fired))
        return tuple(rule for rule, at in firing if at is not None and at <= now)

    def scheduled(self, stay: QueueStay) -> QueueStay:
        """The stay, knowing when the next rule fires."""
        times = (_fires_at(rule, stay) for rule in self._unfired(stay.fired))
        return replace(stay, exception_at=min(filter(None, times), default=None))

    def rule_key(self, rule: ExceptionRule) -> str:
        assert self.policy is not None, "it has the rule"
        return f"{self.policy.id}/{rule.id}"

    def keys(self, rules: Iterable[ExceptionRule]) -> tuple[str, ...]:
        return tuple(map(self.rule_key, rules))

    @property
    def _rules(self) -> tuple[ExceptionRule, ...]:
        return self.policy.rules if self.policy else ()

    def _unfired(self, fired: Collection[str]) -> Iterable[ExceptionRule]:
        return (rule for rule in self._rules if self.rule_key(rule) not in fired)

    def _is_full(self, rule: ExceptionRule) -> bool:
        trigger = rule.trigger
        return isinstance(trigger, QueueLengthTrigger) and self.length >= trigger.threshold


def _fires_at(rule: ExceptionRule, stay: QueueStay) -> datetime | None:
    if not isinstance(rule.trigger, WaitTimeTrigger):
        return None
    return stay.since + timedelta(seconds=rule.trigger.threshold_seconds)


NO_CONDITIONS = QueueConditions()
"""A queue without an exception policy."""
