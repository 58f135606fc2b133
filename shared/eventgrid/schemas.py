"""The two envelopes that Event Grid knows: its own event schema, and CloudEvents 1.0."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.eventgrid.catalogue import WireEvent

DEFAULT_SOURCE = "/job-router"

MAX_FIELD_BYTES = 8 * 1024
"""A field of an event that is too large stays if it is no larger than this."""

MAX_SUBJECT_LENGTH = 1_024
"""The subject of an event that is too large is cut to this many characters."""

type Envelope = dict[str, Any]
type Encoded = bytes
"""An envelope as JSON."""

type Enveloping = Callable[[WireEvent], Envelope]


class EventSchema(StrEnum):
    """Event Grid's own names of the schemas a topic can take."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"

    @property
    def content_type(self) -> str:
        """Of a request with a list of such events."""
        cloud_events = self is EventSchema.CLOUD_EVENTS
        media_type = "application/cloudevents-batch+json" if cloud_events else "application/json"
        return f"{media_type}; charset=utf-8"


def enveloping(schema: EventSchema, source: str = DEFAULT_SOURCE) -> Enveloping:
    """How events are put in envelopes. ``source``: of CloudEvents; a topic has its own."""
    if schema is EventSchema.CLOUD_EVENTS:
        return lambda event: cloud_event(event, source)
    return event_grid_event


def event_grid_event(event: WireEvent) -> Envelope:
    """``topic`` and ``metadataVersion`` are Event Grid's to set."""
    return {
        "id": event.id,
        "subject": event.subject,
        "eventType": event.type,
        "eventTime": _utc(event.occurred_at),
        "dataVersion": "1.0",
        "data": event.data,
    }


def cloud_event(event: WireEvent, source: str) -> Envelope:
    """``sequence`` is the extension attribute of that name; its values are text."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "subject": event.subject,
        "type": event.type,
        "time": _utc(event.occurred_at),
        "sequence": str(event.sequence),
        "data": event.data,
    }


def encoded(value: object) -> Encoded:
    return json.dumps(value, separators=(",", ":")).encode()


def reduced(event: WireEvent) -> WireEvent:
    """The event without what makes it large, so that it can be published at all.

    Its large fields are ``None`` and named in ``truncatedFields``. Even if all the others are as
    large as may be, it is far below what a request can hold.
    """
    large = [name for name, value in event.data.items() if len(encoded(value)) > MAX_FIELD_BYTES]
    data = event.data | dict.fromkeys(large) | {"truncatedFields": large}
    return replace(event, subject=event.subject[:MAX_SUBJECT_LENGTH], data=data)


def _utc(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"
