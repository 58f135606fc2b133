"""What an evaluation has at hand: its input, its clock, and how much it may still do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.rules.powerfx.errors import EvaluationError
from shared.rules.powerfx.moments import Zone
from shared.rules.powerfx.values import Row, Value, from_json

MAX_TEXT = 10_000
"""Characters of a text that an expression makes."""
_FREE_PER_STEP = {str: 64, list: 16}
"""So many characters or rows are looked at, or made, for a step."""


class Run:
    """One evaluation. ``steps``: what is left of its budget."""

    __slots__ = ("_now", "_roots", "scope", "steps")

    def __init__(self, scope: Mapping[str, object], now: datetime, steps: int) -> None:
        self.scope = scope
        self.steps = steps
        self._now = now
        self._roots: dict[str, Value] = {}

    def root(self, name: str) -> Value:
        """All that the caller gave for a name, as a value."""
        if name not in self._roots:
            self._roots[name] = from_json(self.scope.get(name))
        return self._roots[name]

    @property
    def zone(self) -> Zone:
        return Zone(self._now.tzinfo or UTC)

    @property
    def now(self) -> datetime:
        """The time that the clock on the wall shows."""
        return self._now.replace(tzinfo=None)

    def spend(self, steps: int) -> None:
        """:raises EvaluationError: with ``QuotaExceeded``, the budget does not allow them."""
        self.steps -= steps
        if self.steps < 0:
            raise EvaluationError("QuotaExceeded", "The expression takes too many steps.")

    def charge(self, value: Value) -> None:
        """Spend what it takes to look at a value or to make it: much for long texts and tables.

        :raises EvaluationError: with ``QuotaExceeded``, the budget does not allow it.
        """
        if isinstance(value, str | list):
            self.spend(len(value) // _FREE_PER_STEP[type(value)])


def check_length(characters: int) -> None:
    """:raises EvaluationError: with ``QuotaExceeded``, a text would be too long."""
    if characters > MAX_TEXT:
        raise EvaluationError("QuotaExceeded", f"A text has more than {MAX_TEXT:,} characters.")


@dataclass(slots=True)
class Frame:
    """The row at hand, those around it, and the run."""

    run: Run
    row: Row = None
    parent: "Frame | None" = None

    def inner(self, row: Row) -> "Frame":
        """The frame for the evaluation of something for a row. Costs a step."""
        self.run.spend(1)
        return Frame(self.run, row, self)


type Closure = Callable[[Frame], Value]
