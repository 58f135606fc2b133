"""The outbox: events leave it for the publisher, and records leave it when all is done.

Publishing inside a request is a courtesy: while the publisher fails, requests stop trying for a
moment and leave their events to the sweep. Nothing is lost and no request waits twice.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import AggregateStore, Clock, EventPublisher, OutboxRecord, PublishFailed

PAUSE = timedelta(seconds=5)
"""After a failure, requests publish nothing for this long."""

log = logging.getLogger(__name__)

type AnyAggregateStore = AggregateStore[Job] | AggregateStore[Worker]


@dataclass(frozen=True, slots=True)
class Pending:
    """A record and the store that keeps it."""

    store: AnyAggregateStore
    record: OutboxRecord


class Outbox:
    def __init__(self, publisher: EventPublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._paused_until: datetime | None = None

    async def deliver(self, pending: Sequence[Pending], *, insist: bool = False) -> bool:
        """Publish the records' events and forget the records; whether that succeeded.

        ``insist``: try although publishing failed a moment ago. A failure leaves the records where
        they are.
        """
        if not pending:
            return True
        if not insist and self._is_paused():
            return False
        if not await self._publish(pending):
            return False
        await _forget(pending)
        return True

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


async def _forget(pending: Iterable[Pending]) -> None:
    by_store: dict[int, tuple[AnyAggregateStore, list[OutboxRecord]]] = {}
    for item in pending:
        by_store.setdefault(id(item.store), (item.store, []))[1].append(item.record)
    for store, records in by_store.values():
        await store.remove_records(records)
