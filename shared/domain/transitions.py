"""The result of a rule applied to an aggregate: its next value and what must follow from it."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.events import Event
from shared.domain.follow_ups import FollowUp


@dataclass(frozen=True, slots=True)
class Transition[A]:
    """``aggregate`` is the next value, or ``None`` when the aggregate ends here.

    Events and follow-ups are committed together with the value, in this order, or not at all.
    """

    aggregate: A | None
    events: tuple[Event, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()

    def then(self, rule: "Callable[[A], Transition[A]]") -> "Transition[A]":
        """Apply a further rule to the outcome, as one transition."""
        if self.aggregate is None:
            return self
        after = rule(self.aggregate)
        return Transition(
            after.aggregate,
            self.events + after.events,
            self.follow_ups + after.follow_ups,
        )
