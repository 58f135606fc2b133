"""The latest events with the state of their deliveries: the topic's read side."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.local.topic.schema import Event, EventSchema
from infra.local.topic.urls import base_url


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD_LETTERED = "deadLettered"


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One event at one webhook, which is named without its keys.

    Times are epoch seconds; there is none before the first attempt.
    """

    webhook: str
    state: DeliveryState
    attempts: int
    last_outcome: str | None
    last_attempt_at: float | None
    next_attempt_at: float | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event with its deliveries. `published_at` is epoch seconds."""

    sequence: int
    published_at: float
    event: Event
    deliveries: tuple[DeliveryRecord, ...]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in posting order, and the cursor to ask with for those that follow."""

    events: tuple[EventRecord, ...]
    cursor: int


def read_page(db: sqlite3.Connection, after: int | None, limit: int, event_type: str) -> EventPage:
    """The events after a cursor, oldest first; without a cursor, the newest ones.

    With a cursor nothing is skipped: what does not fit comes with the next cursor.
    """
    newest = db.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0]
    rows = _event_rows(db, after, limit, event_type)
    deliveries = _deliveries(db, [row[0] for row in rows])
    records = tuple(
        EventRecord(sequence, at, Event(EventSchema(schema), kind, body), deliveries[sequence])
        for sequence, at, schema, kind, body in rows
    )
    cut = after is not None and len(records) == limit
    return EventPage(records, records[-1].sequence if cut else max(newest, after or 0))


type _EventRow = tuple[int, float, str, str, str]


def _event_rows(
    db: sqlite3.Connection, after: int | None, limit: int, event_type: str
) -> list[_EventRow]:
    newest_first = after is None
    sql = (
        "SELECT sequence, published_at, schema, type, body FROM events"
        " WHERE sequence > :after"
        " AND (:type = '' OR substr(type, -length(:type)) = :type)"
        f" ORDER BY sequence {'DESC' if newest_first else 'ASC'} LIMIT :limit"
    )
    rows = db.execute(sql, {"after": after or 0, "type": event_type, "limit": limit}).fetchall()
    return rows[::-1] if newest_first else rows


def _deliveries(
    db: sqlite3.Connection, sequences: Iterable[int]
) -> Mapping[int, tuple[DeliveryRecord, ...]]:
    rows = db.execute(
        "SELECT d.sequence, w.url, d.state, d.attempts, d.last_outcome, d.last_attempt_at,"
        " CASE WHEN d.state = 'pending' AND d.due_at > 0 THEN d.due_at END"
        " FROM json_each(?) AS wanted"
        " JOIN deliveries AS d ON d.sequence = wanted.value"
        " JOIN webhooks AS w ON w.id = d.webhook ORDER BY d.sequence, d.webhook",
        (json.dumps(list(sequences)),),
    )
    found: defaultdict[int, tuple[DeliveryRecord, ...]] = defaultdict(tuple)
    for sequence, url, state, attempts, outcome, last_at, next_at in rows:
        record = DeliveryRecord(
            base_url(url), DeliveryState(state), attempts, outcome, last_at, next_at
        )
        found[sequence] += (record,)
    return found
