"""The outbox: events leave it for the publisher, and records leave it when all is done.

A request does not wait for its events to be published. They are posted to the courier, a task of
this process that carries all that has gathered in one go. While the publisher fails, the courier
rests and the sweep tries; nothing is lost, since every record stays in the store until its events
are published.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import (
    AggregateStore,
    Clock,
    EventPublisher,
    OutboxRecord,
    PublishFailed,
    StoreError,
)

LOAD = 200
"""How many records the courier carries at once."""

GATHERING_SECONDS = 0.02
"""Loads leave no faster than this: under pressure few large ones cost less than many small ones."""

PAUSE = timedelta(seconds=5)
"""After a failure the courier rests for this long."""

LAST_CHANCE_SECONDS = 6.0
"""How long closing waits for the courier: longer than a publisher takes to give up."""

log = logging.getLogger(__name__)

type AnyAggregateStore = AggregateStore[Job] | AggregateStore[Worker]


@dataclass(frozen=True, slots=True)
class Pending:
    """A record and the store that keeps it."""

    store: AnyAggregateStore
    record: OutboxRecord


class Outbox:
    """Belongs to one event loop."""

    def __init__(self, publisher: EventPublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._paused_until: datetime | None = None
        self._posted: deque[Pending] = deque()
        self._courier: asyncio.Task[None] | None = None

    async def post(self, pending: Iterable[Pending]) -> None:
        """Deliver soon, without letting the caller wait; or leave it to the sweep."""
        if self._is_paused():
            return
        self._posted.extend(pending)
        if self._posted and (self._courier is None or self._courier.done()):
            # Not a part of the request that happens to be the first: it carries for all.
            self._courier = asyncio.create_task(self._carry(), context=Context())

    async def deliver(self, pending: Sequence[Pending]) -> bool:
        """Publish the records' events and forget the records; whether that succeeded.

        A failure leaves the records where they are.
        """
        return await self._publish(pending) and await _forget(pending)

    async def close(self) -> None:
        """Let the courier finish, and close the publisher."""
        if self._courier is not None:
            await asyncio.wait({self._courier}, timeout=LAST_CHANCE_SECONDS)
        await self._publisher.close()

    async def _carry(self) -> None:
        """Carry loads until nothing is posted; forget each while the next is on its way."""
        published: Sequence[Pending] = ()
        while self._posted or published:
            load = [self._posted.popleft() for _ in range(min(LOAD, len(self._posted)))]
            succeeded, _, _ = await asyncio.gather(
                self._publish(load), _forget(published), asyncio.sleep(GATHERING_SECONDS)
            )
            published = load if succeeded else ()
            if not succeeded:
                self._posted.clear()

    def _is_paused(self) -> bool:
        return self._paused_until is not None and self._clock() < self._paused_until

    async def _publish(self, pending: Sequence[Pending]) -> bool:
        events = [event for item in pending for event in item.record.events]
        if not events:
            return True
        try:
            await self._publisher.publish(events)
        except PublishFailed as failure:
            log.warning("events wait in the outbox", extra={"reason": str(failure)})
            self._paused_until = self._clock() + PAUSE
            return False
        self._paused_until = None
        return True


async def _forget(pending: Sequence[Pending]) -> bool:
    """Remove the records; one that stays is published once more."""
    by_store: dict[int, tuple[AnyAggregateStore, list[OutboxRecord]]] = {}
    for item in pending:
        by_store.setdefault(id(item.store), (item.store, []))[1].append(item.record)
    try:
        for store, records in by_store.values():
            await store.remove_records(records)
    except StoreError:
        log.warning("published records stay in the outbox for now", exc_info=True)
        return False
    return True
