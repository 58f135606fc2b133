"""An event publisher whose publishing is seen."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.metrics import Counter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Tracer,
    set_span_in_context,
)

from shared.domain.events import RecordedEvent
from shared.ports import EventPublisher
from shared.telemetry import names
from shared.telemetry.event_origins import EventOrigins
from shared.telemetry.recorder import ids_in
from shared.telemetry.spans import span

MOST_LINKS: Final = 100


class ObservedPublisher:
    """Events of one trace are published in it; a load of several has one of its own, with links."""

    def __init__(
        self, publisher: EventPublisher, tracer: Tracer, events: Counter, origins: EventOrigins
    ) -> None:
        self._publisher = publisher
        self._tracer = tracer
        self._events = events
        self._origins = origins

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        """See :meth:`shared.ports.EventPublisher.publish`."""
        origins = self._origins.of(events)
        ids = ids_in(recorded.event for recorded in events) if len(origins) == 1 else {}
        with span(
            self._tracer,
            "publish events",
            ids,
            attributes={
                "messaging.system": "eventgrid",
                "messaging.batch.message_count": len(events),
            },
            kind=SpanKind.PRODUCER,
            context=_parent(origins),
            links=[Link(each) for each in origins[:MOST_LINKS]] if len(origins) > 1 else (),
        ):
            await self._publish(events)

    async def close(self) -> None:
        await self._publisher.close()

    async def _publish(self, events: Sequence[RecordedEvent]) -> None:
        try:
            await self._publisher.publish(events)
        except BaseException:
            self._events.add(len(events), {names.PUBLISH_OUTCOME: "failed"})
            raise
        self._events.add(len(events), {names.PUBLISH_OUTCOME: "published"})
        self._origins.forget(events)


def _parent(origins: Sequence[SpanContext]) -> Context | None:
    """``None``: the present span."""
    match origins:
        case []:
            return None
        case [origin]:
            return set_span_in_context(NonRecordingSpan(origin), Context())
        case _:
            return Context()
