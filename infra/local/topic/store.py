"""Events, their deliveries and the webhooks, in one SQLite file shared by host processes.

A delivery is one event for one webhook. It is pending until it is delivered or dead-lettered.
A process claims pending deliveries before it tries them; a claim holds as long as its process
renews the lease, so the claims of a process that died are free again when its lease ends.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.topic.database import Database
from infra.local.topic.history import EventPage, read_page
from infra.local.topic.schema import Event, EventSchema

_PRUNE_STEP = 1_000

# `due_at` is 0 until the first attempt: first attempts go in posting order whatever the clock
# says. `alone` marks a delivery that must not share a POST again.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    schema TEXT NOT NULL,
    type TEXT NOT NULL,
    published_at REAL NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    validation_code TEXT NOT NULL UNIQUE,
    validated_at REAL
);
CREATE TABLE IF NOT EXISTS deliveries (
    sequence INTEGER NOT NULL REFERENCES events,
    webhook INTEGER NOT NULL REFERENCES webhooks,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL DEFAULT 0,
    alone INTEGER NOT NULL DEFAULT 0,
    claimed_by TEXT,
    last_outcome TEXT,
    last_attempt_at REAL,
    PRIMARY KEY (sequence, webhook)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_deliveries
    ON deliveries (claimed_by, webhook, due_at, sequence) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS leases (
    holder TEXT PRIMARY KEY,
    ends_at REAL NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscribed to all events. Deliveries wait until it is validated."""

    id: int
    url: str
    validation_code: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A finished attempt: its outcome in Event Grid's words, and when it ended."""

    outcome: str
    at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery. `attempts` counts the finished ones, `published_at` is epoch seconds."""

    sequence: int
    event: Event
    published_at: float
    attempts: int
    last_attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Deliveries that fit in one POST; when none is due, `next_due` tells when one will be."""

    deliveries: tuple[Delivery, ...]
    next_due: float | None = None


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one POST may hold; a single event may exceed `max_bytes`."""

    max_events: int
    max_cloud_events: int
    max_bytes: int

    def events_of(self, schema: EventSchema) -> int:
        """The most events of this schema in one POST."""
        return self.max_events if schema is EventSchema.EVENT_GRID else self.max_cloud_events


class Store:
    """The durable state of the topic, as one process (the holder of one lease) sees it."""

    def __init__(self, path: Path, holder: str) -> None:
        self._database = Database(path, _SCHEMA)
        self._holder = holder

    async def start(self) -> None:
        """Open the file. :raises sqlite3.Error: it cannot be opened."""
        await self._database.start()

    async def stop(self) -> None:
        """Free this process's claims at once, and close the file."""
        try:
            await self._database.run(self._release)
        finally:
            await self._database.stop()

    async def subscribe(
        self, urls: Iterable[str], new_code: Callable[[], str]
    ) -> tuple[Subscription, ...]:
        """Find or add the webhooks, in the given order."""
        rows = [(url, new_code()) for url in urls]

        def operation(db: sqlite3.Connection) -> tuple[Subscription, ...]:
            db.executemany(
                "INSERT INTO webhooks (url, validation_code) VALUES (?, ?) ON CONFLICT DO NOTHING",
                rows,
            )
            select = "SELECT id, url, validation_code FROM webhooks WHERE url = ?"
            return tuple(Subscription(*db.execute(select, (url,)).fetchone()) for url, _ in rows)

        return await self._database.run(operation)

    async def subscriptions(self) -> tuple[Subscription, ...]:
        """All webhooks that were ever subscribed."""
        sql = "SELECT id, url, validation_code FROM webhooks ORDER BY id"
        return await self._database.run(
            lambda db: tuple(Subscription(*row) for row in db.execute(sql))
        )

    async def is_validated(self, subscription: int) -> bool:
        """Whether the handshake with this webhook has succeeded, in any process."""
        sql = "SELECT 1 FROM webhooks WHERE id = ? AND validated_at IS NOT NULL"
        return await self._database.run(
            lambda db: db.execute(sql, (subscription,)).fetchone() is not None
        )

    async def validate(self, code: str, now: float) -> bool:
        """Mark the webhook with this validation code as validated; false when none has it."""
        sql = (
            "UPDATE webhooks SET validated_at = coalesce(validated_at, ?) WHERE validation_code = ?"
        )
        return await self._database.run(lambda db: db.execute(sql, (now, code)).rowcount == 1)

    async def append(
        self, events: Sequence[Event], subscriptions: Sequence[int], now: float
    ) -> None:
        """Add the events and a delivery of each to each subscription, all or nothing."""
        rows = [(event.schema, event.type, now, event.body) for event in events]

        def operation(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO events (schema, type, published_at, body) VALUES (?, ?, ?, ?)", rows
            )
            (last,) = db.execute("SELECT last_insert_rowid()").fetchone()
            # One transaction hands out consecutive sequences: no other writer is between.
            sequences = range(last - len(rows) + 1, last + 1)
            db.executemany(
                "INSERT INTO deliveries (sequence, webhook) VALUES (?, ?)",
                [(sequence, webhook) for webhook in subscriptions for sequence in sequences],
            )

        await self._database.run(operation)

    async def claim_first_attempts(self, subscription: int, limits: BatchLimits) -> Claim:
        """Claim the oldest events that were never tried, in posting order."""

        def operation(db: sqlite3.Connection) -> Claim:
            where = "d.claimed_by IS NULL AND d.webhook = ? AND d.due_at = 0"
            return Claim(self._claim(db, where, (subscription,), limits))

        return await self._database.run(operation)

    async def claim_retries(self, subscription: int, limits: BatchLimits, now: float) -> Claim:
        """Claim events whose next attempt is due, longest due first."""

        def operation(db: sqlite3.Connection) -> Claim:
            where = "d.claimed_by IS NULL AND d.webhook = ? AND d.due_at > 0 AND d.due_at <= ?"
            deliveries = self._claim(db, where, (subscription, now), limits)
            return Claim(deliveries, None if deliveries else _next_due(db, subscription))

        return await self._database.run(operation)

    async def claim_expired(
        self, subscription: int, published_before: float, limits: BatchLimits
    ) -> Claim:
        """Claim events that outlived their time to live, tried or not."""

        def operation(db: sqlite3.Connection) -> Claim:
            where = "d.claimed_by IS NULL AND d.webhook = ? AND e.published_at < ?"
            return Claim(self._claim(db, where, (subscription, published_before), limits))

        return await self._database.run(operation)

    async def record_success(
        self, subscription: int, sequences: Iterable[int], attempt: Attempt
    ) -> None:
        """The webhook accepted these events. Holds even if the claim was lost meanwhile."""
        await self._record(
            "state = 'delivered', attempts = attempts + 1, last_outcome = ?, last_attempt_at = ?",
            (attempt.outcome, attempt.at),
            "state = 'pending'",
            subscription,
            sequences,
        )

    async def record_failure(
        self,
        subscription: int,
        sequences: Iterable[int],
        attempt: Attempt,
        *,
        due_at: float,
        alone: bool,
    ) -> None:
        """These events are to be tried again at `due_at`."""
        await self._record(
            "attempts = attempts + 1, last_outcome = ?, last_attempt_at = ?, due_at = ?,"
            " alone = max(alone, ?)",
            (attempt.outcome, attempt.at, due_at, alone),
            "claimed_by = ?",
            subscription,
            sequences,
        )

    async def record_dead_letters(
        self, subscription: int, sequences: Iterable[int], attempt: Attempt | None
    ) -> None:
        """These events are in the dead-letter file, after the attempt if there was one."""
        outcome, at = (attempt.outcome, attempt.at) if attempt else (None, None)
        await self._record(
            "state = 'deadLettered', attempts = attempts + ?,"
            " last_outcome = coalesce(?, last_outcome),"
            " last_attempt_at = coalesce(?, last_attempt_at)",
            (attempt is not None, outcome, at),
            "claimed_by = ?",
            subscription,
            sequences,
        )

    async def unclaim(self, subscription: int, sequences: Iterable[int]) -> None:
        """Give claimed events back untried."""
        await self._record("due_at = due_at", (), "claimed_by = ?", subscription, sequences)

    async def renew_lease(self, now: float, seconds: float) -> int:
        """Hold this process's claims for some seconds more, and free those of ended leases.

        Returns the number of deliveries that were freed.
        """

        def operation(db: sqlite3.Connection) -> int:
            db.execute(
                "INSERT INTO leases (holder, ends_at) VALUES (?, ?)"
                " ON CONFLICT (holder) DO UPDATE SET ends_at = excluded.ends_at",
                (self._holder, now + seconds),
            )
            db.execute("DELETE FROM leases WHERE ends_at < ?", (now,))
            freed = db.execute(
                "UPDATE deliveries SET claimed_by = NULL WHERE state = 'pending'"
                " AND claimed_by > '' AND claimed_by NOT IN (SELECT holder FROM leases)"
            )
            return freed.rowcount

        return await self._database.run(operation)

    async def prune(self, kept_events: int) -> bool:
        """Forget settled events beyond the newest ones; false when none is left to forget."""

        def operation(db: sqlite3.Connection) -> bool:
            old = db.execute(
                "SELECT sequence FROM events"
                " WHERE sequence <= (SELECT max(sequence) FROM events) - ?"
                " AND NOT EXISTS (SELECT 1 FROM deliveries AS d"
                "  WHERE d.sequence = events.sequence AND d.state = 'pending')"
                " ORDER BY sequence LIMIT ?",
                (kept_events, _PRUNE_STEP),
            ).fetchall()
            db.executemany("DELETE FROM deliveries WHERE sequence = ?", old)
            db.executemany("DELETE FROM events WHERE sequence = ?", old)
            return len(old) == _PRUNE_STEP

        return await self._database.run(operation)

    async def page(self, *, after: int | None, limit: int, event_type: str) -> EventPage:
        """The events after a cursor, oldest first; without a cursor, the newest ones.

        :param event_type: only events whose type ends with this; empty for all.
        """
        return await self._database.run(lambda db: read_page(db, after, limit, event_type))

    def _release(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM leases WHERE holder = ?", (self._holder,))
        db.execute(
            "UPDATE deliveries SET claimed_by = NULL WHERE state = 'pending' AND claimed_by = ?",
            (self._holder,),
        )

    def _claim(
        self,
        db: sqlite3.Connection,
        where: str,
        parameters: tuple[object, ...],
        limits: BatchLimits,
    ) -> tuple[Delivery, ...]:
        rows = db.execute(
            "SELECT d.sequence, e.schema, e.type, e.body, e.published_at,"
            " d.attempts, d.last_outcome, d.last_attempt_at, d.alone"
            " FROM deliveries AS d CROSS JOIN events AS e ON e.sequence = d.sequence"
            f" WHERE d.state = 'pending' AND {where} ORDER BY d.due_at, d.sequence",
            parameters,
        )
        batch = _first_batch(rows, limits)
        webhook = parameters[0]
        db.executemany(
            "UPDATE deliveries SET claimed_by = ? WHERE sequence = ? AND webhook = ?",
            [(self._holder, delivery.sequence, webhook) for delivery in batch],
        )
        return batch

    async def _record(
        self,
        changes: str,
        values: tuple[object, ...],
        condition: str,
        subscription: int,
        sequences: Iterable[int],
    ) -> None:
        guard = (self._holder,) if "?" in condition else ()
        rows = [(*values, sequence, subscription, *guard) for sequence in sequences]
        sql = (
            f"UPDATE deliveries SET claimed_by = NULL, {changes}"
            f" WHERE sequence = ? AND webhook = ? AND {condition}"
        )
        await self._database.run(lambda db: db.executemany(sql, rows))


def _first_batch(rows: Iterable[tuple[Any, ...]], limits: BatchLimits) -> tuple[Delivery, ...]:
    """The longest run of rows that may share a POST: same schema, same number of attempts.

    Reads the rows one by one, so that no more bodies are loaded than fit.
    """
    batch: list[Delivery] = []
    size = 0
    for *columns, alone in rows:
        delivery = _delivery(*columns)
        size += len(delivery.event.body) + 1
        if batch and (alone or size > limits.max_bytes or not _alike(batch[0], delivery)):
            break
        batch.append(delivery)
        if alone or len(batch) == limits.events_of(delivery.event.schema):
            break
    return tuple(batch)


def _delivery(
    sequence: int,
    schema: str,
    event_type: str,
    body: str,
    published_at: float,
    attempts: int,
    last_outcome: str | None,
    last_attempt_at: float | None,
) -> Delivery:
    event = Event(EventSchema(schema), event_type, body)
    last_attempt = None
    if last_outcome is not None and last_attempt_at is not None:
        last_attempt = Attempt(last_outcome, last_attempt_at)
    return Delivery(sequence, event, published_at, attempts, last_attempt)


def _alike(one: Delivery, other: Delivery) -> bool:
    return (one.event.schema, one.attempts) == (other.event.schema, other.attempts)


def _next_due(db: sqlite3.Connection, subscription: int) -> float | None:
    sql = (
        "SELECT min(due_at) FROM deliveries"
        " WHERE state = 'pending' AND claimed_by IS NULL AND webhook = ? AND due_at > 0"
    )
    due_at: float | None = db.execute(sql, (subscription,)).fetchone()[0]
    return due_at
