"""Repairs: what is left of commits whose request died, or could not finish.

Several aggregates at once, so that one whose rule is slow to answer does not keep back the others;
the records of one aggregate one after the other, the oldest first.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.domain.follow_ups import RouteJob
from shared.services.outbox import Pending
from shared.services.router import Router
from shared.services.settlement import resettle

type _Aggregate = tuple[int, str]
"""Its store and its id."""


async def repair(router: Router, pending: Iterable[Pending], at_once: int) -> bool:
    """Do what the records ask for, and publish them; whether all of it was done.

    Those that are done are published while others are still at it. ``at_once``: how many
    aggregates.
    """
    return await _Repair(router, pending, at_once).run()


def by_age(pending: Iterable[Pending]) -> list[Pending]:
    """Oldest first; what one aggregate recorded in the same instant, by sequence number."""
    return sorted(pending, key=_age)


class _Repair:
    def __init__(self, router: Router, pending: Iterable[Pending], at_once: int) -> None:
        self._router = router
        self._unsettled = _by_aggregate(by_age(pending))
        self._slots = asyncio.Semaphore(at_once)
        self._settled: list[Pending] = []
        self._complete = True
        self._publishes = True

    async def run(self) -> bool:
        settling = {asyncio.create_task(self._settle(of)) for of in self._quickest_first()}
        try:
            while settling:
                done, settling = await asyncio.wait(settling, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.gather(*done)
                await self._publish()
        finally:
            for task in settling:
                task.cancel()
            await asyncio.gather(*settling, return_exceptions=True)
        return self._complete and self._publishes

    def _quickest_first(self) -> Sequence[_Aggregate]:
        return sorted(self._unsettled, key=lambda of: any(map(_asks_rules, self._unsettled[of])))

    async def _settle(self, aggregate: _Aggregate) -> None:
        async with self._slots:
            settled, complete = await resettle(self._router, self._unsettled[aggregate])
        del self._unsettled[aggregate]
        self._settled += settled
        self._complete &= complete

    async def _publish(self) -> None:
        """What is settled, unless older records of the same aggregate are not yet."""
        ready = [item for item in self._settled if _aggregate(item) not in self._unsettled]
        if not ready or not self._publishes:
            return
        self._settled = [item for item in self._settled if _aggregate(item) in self._unsettled]
        self._publishes = await self._router.outbox.deliver(by_age(ready))


def _by_aggregate(pending: Iterable[Pending]) -> dict[_Aggregate, list[Pending]]:
    groups: dict[_Aggregate, list[Pending]] = {}
    for item in pending:
        groups.setdefault(_aggregate(item), []).append(item)
    return groups


def _aggregate(item: Pending) -> _Aggregate:
    return id(item.store), item.record.aggregate_id


def _asks_rules(item: Pending) -> bool:
    return any(isinstance(follow_up, RouteJob) for follow_up in item.record.follow_ups)


def _age(pending: Pending) -> tuple[datetime, int]:
    record = pending.record
    return record.created_at, min((event.sequence for event in record.events), default=0)
