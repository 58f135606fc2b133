"""In which span an event was committed, until it is published.

A request does not wait for its events: they are published together with those of others, outside
of every request. What is forgotten here costs a link between traces and nothing else.
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.trace import SpanContext

from shared.domain.events import RecordedEvent

MOST_REMEMBERED: Final = 10_000
"""Events; the oldest are forgotten first."""


class EventOrigins:
    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._by_event: dict[str, SpanContext] = {}

    def remember(self, events: Iterable[RecordedEvent], origin: SpanContext) -> None:
        if not origin.is_valid:
            return
        for event in events:
            self._by_event[event.id] = origin
        while len(self._by_event) > self._most:
            del self._by_event[next(iter(self._by_event))]

    def of(self, events: Iterable[RecordedEvent]) -> list[SpanContext]:
        """One of each trace, as far as they are remembered."""
        known = (self._by_event.get(event.id) for event in events)
        return list({each.trace_id: each for each in known if each is not None}.values())

    def forget(self, events: Iterable[RecordedEvent]) -> None:
        for event in events:
            self._by_event.pop(event.id, None)
