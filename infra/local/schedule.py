"""NCRONTAB, the schedules of timer triggers, read as strictly as Azure reads them.

Six fields: second, minute, hour, day, month, day of week; times are UTC. A time must match
the day and the day of week. Unlike other crons it has neither `?`, `L`, `W`, `#` nor
Sunday as 7, and names may be shortened to any prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from croniter import CroniterBadDateError, croniter


class ScheduleError(ValueError):
    """An expression that Azure refuses, or one that never comes due."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one of the six fields may hold; the first name stands for `first`."""

    label: str
    first: int
    last: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> list[int]:
        """:raises ScheduleError: if the text is not a list of values, ranges and steps."""
        return sorted({value for item in text.split(",") for value in self._item(item)})

    def _item(self, item: str) -> range:
        span, slash, step = item.partition("/")
        low, high = self._span(span, open_ended=bool(slash))
        for value in (low, high):
            if not self.first <= value <= self.last:
                raise self._error(item)
        # As Azure does: a range given backwards is turned round, a step of 0 counts as 1.
        low, high = min(low, high), max(low, high)
        return range(low, high + 1, max(self._number(step), 1) if slash else 1)

    def _span(self, span: str, *, open_ended: bool) -> tuple[int, int]:
        if span == "*":
            return self.first, self.last
        low, dash, high = span.partition("-")
        start = self._value(low)
        if dash:
            return start, self._value(high)
        return start, self.last if open_ended else start

    def _value(self, text: str) -> int:
        if text[:1].isdecimal():
            return self._number(text)
        for position, name in enumerate(self.names):
            if text and name.startswith(text.lower()):
                return self.first + position
        raise self._error(text)

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise self._error(text)
        return int(text)

    def _error(self, text: str) -> ScheduleError:
        return ScheduleError(
            f"'{text}' is not a {self.label}: use {self.first} to {self.last}"
            + (f" or a name ({self.names[0]}, ...)" if self.names else "")
        )


# fmt: off
FIELDS: Final[Sequence[Field]] = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31),
    Field("month", 1, 12, (
        "january", "february", "march", "april", "may", "june", "july",
        "august", "september", "october", "november", "december",
    )),
    Field("day of week", 0, 6, (
        "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
    )),
)
# fmt: on


class Schedule:
    """The times at which a timer is due."""

    def __init__(self, expression: str) -> None:
        """:raises ScheduleError: if Azure would refuse it, or if it never comes due."""
        # Only a space separates fields; a tab is part of one, and refused with it.
        texts = [text for text in expression.split(" ") if text]
        if len(texts) != len(FIELDS):
            raise ScheduleError(f"'{expression}' does not have six fields.")
        # Spelt out as plain numbers, every field means the same to croniter as to Azure.
        self._numbers = " ".join(
            ",".join(map(str, field.values(text)))
            for field, text in zip(FIELDS, texts, strict=True)
        )
        self._refuse_never(expression)

    def next_after(self, moment: datetime) -> datetime:
        """The first time due that is later than the moment (to be given with its time zone)."""
        times = croniter(self._numbers, moment, second_at_beginning=True, day_or=False)
        due: datetime = times.get_next(datetime)
        return due

    def _refuse_never(self, expression: str) -> None:
        try:
            self.next_after(datetime.fromisoformat("2000-01-01T00:00:00Z"))
        except CroniterBadDateError as error:
            raise ScheduleError(f"'{expression}' never comes due.") from error
