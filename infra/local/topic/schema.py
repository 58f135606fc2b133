"""The two event schemas of the topic: Event Grid and CloudEvents 1.0."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn

MAX_EVENTS_PER_REQUEST = 5_000

type JsonObject = dict[str, Any]


class EventSchema(StrEnum):
    """Event Grid's own names of its schemas."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


@dataclass(frozen=True, slots=True)
class Event:
    """An accepted event.

    `body` is the event as it is delivered: one JSON object in ASCII. `type` is its event type,
    free of lone surrogates, so that it can be stored and compared.
    """

    schema: EventSchema
    type: str
    body: str


class InvalidEventsError(ValueError):
    """The request's body is not a valid set of events. The message says which rule it breaks."""


class TooManyEventsError(InvalidEventsError):
    """The request holds more than `MAX_EVENTS_PER_REQUEST` events."""


def parse_events(content_type: str, body: bytes, topic_id: str) -> tuple[Event, ...]:
    """Read the events of a publish request.

    :param content_type: the request's Content-Type; it decides the schema.
    :param topic_id: stamped on events of the Event Grid schema.
    :raises InvalidEventsError: malformed JSON, a missing or invalid member, unknown content type.
    """
    parse = _parser_of(content_type)
    try:
        return parse(_load(body), topic_id)
    except RecursionError as error:
        raise InvalidEventsError("The body is nested too deeply.") from error


def serialize(value: JsonObject) -> str:
    """Compact ASCII JSON.

    :raises InvalidEventsError: a number that JSON cannot carry, such as 1e999.
    """
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidEventsError("The body holds a number out of range.") from error


def timestamp(seconds: float) -> str:
    """A time since the epoch as the events write it: UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


type _Parser = Callable[[Any, str], tuple[Event, ...]]


def _parser_of(content_type: str) -> _Parser:
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        return _PARSERS[media_type]
    except KeyError:
        expected = ", ".join(_PARSERS)
        raise InvalidEventsError(f"The Content-Type must be one of: {expected}.") from None


def _load(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_reject_constant)
    except ValueError as error:
        raise InvalidEventsError(f"The body is not valid JSON: {error}.") from error


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _event_grid_events(value: Any, topic_id: str) -> tuple[Event, ...]:
    return tuple(
        _event_grid_event(_Members(member, index), topic_id)
        for index, member in enumerate(_array(value))
    )


def _cloud_events(value: Any, _topic_id: str) -> tuple[Event, ...]:
    return tuple(_cloud_event(_Members(member, i)) for i, member in enumerate(_array(value)))


def _single_cloud_event(value: Any, _topic_id: str) -> tuple[Event, ...]:
    return (_cloud_event(_Members(value, 0)),)


_PARSERS: Mapping[str, _Parser] = {
    "application/json": _event_grid_events,
    "application/cloudevents-batch+json": _cloud_events,
    "application/cloudevents+json": _single_cloud_event,
}


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidEventsError("The body must be a JSON array of events.")
    if len(value) > MAX_EVENTS_PER_REQUEST:
        raise TooManyEventsError(f"At most {MAX_EVENTS_PER_REQUEST} events fit in one request.")
    return value


def _event_grid_event(members: "_Members", topic_id: str) -> Event:
    members.text("id")
    members.text("subject", empty=True)
    members.time("eventTime")
    event_type = members.text("eventType")
    stamped = members.stamped(dataVersion="")
    stamped |= members.fixed("metadataVersion", "1") | members.fixed("topic", topic_id)
    return _event(EventSchema.EVENT_GRID, event_type, members.value | stamped)


def _cloud_event(members: "_Members") -> Event:
    members.text("id")
    members.text("source")
    event_type = members.text("type")
    if members.text("specversion") != "1.0":
        members.fail("specversion", 'must be "1.0"')
    if members.has("time"):
        members.time("time")
    if members.has("data") and members.has("data_base64"):
        members.fail("data_base64", 'must not stand beside "data"')
    return _event(EventSchema.CLOUD_EVENTS, event_type, members.value)


def _event(schema: EventSchema, event_type: str, value: JsonObject) -> Event:
    storable = event_type.encode("utf-8", "replace").decode("utf-8")
    return Event(schema, storable, serialize(value))


class _Members:
    """The members of one posted event, with the checks that name the event on failure."""

    def __init__(self, value: Any, index: int) -> None:
        self._index = index
        if not isinstance(value, dict):
            raise InvalidEventsError(f"events[{index}] must be a JSON object.")
        self.value: JsonObject = value

    def fail(self, name: str, reason: str) -> NoReturn:
        raise InvalidEventsError(f'events[{self._index}]: "{name}" {reason}.')

    def has(self, name: str) -> bool:
        return self.value.get(name) is not None

    def text(self, name: str, *, empty: bool = False) -> str:
        value = self.value.get(name)
        if not isinstance(value, str):
            self.fail(name, "must be a string")
        if not (value or empty):
            self.fail(name, "must not be empty")
        return value

    def time(self, name: str) -> None:
        text = self.text(name)
        if not _is_date_time(text):
            self.fail(name, "must be a date and time in the form of RFC 3339")

    def fixed(self, name: str, expected: str) -> JsonObject:
        """A member which a publisher may leave out and must not set to anything else."""
        if self.has(name) and self.value[name] != expected:
            self.fail(name, f"must be left out, or be {json.dumps(expected)}")
        return {name: expected}

    def stamped(self, **defaults: str) -> JsonObject:
        """Optional string members, with the values that Event Grid gives them."""
        return {
            name: self.text(name, empty=True) if self.has(name) else default
            for name, default in defaults.items()
        }


def _is_date_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    # The date alone, and the forms without hyphens or colons, are ISO 8601 but not RFC 3339.
    return len(text) >= len("2026-01-01T00:00:00") and text[4] == text[7] == "-" and text[13] == ":"
