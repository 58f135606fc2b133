"""A container, spoken to with time limits, further attempts and translated errors."""

import asyncio
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from random import uniform
from typing import Any

from azure.cosmos.aio import ContainerProxy

from shared.storage.cosmos.conditions import CountQuery, Query
from shared.storage.cosmos.errors import Refused, Unanswered, translated_errors

type Item = dict[str, Any]
type FeedRange = dict[str, Any]

_FIRST_PAUSE = 0.05
_MOST_ATTEMPTS = 4

_MOST_COUNTS = 1000
"""More pages than a range answers a count in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for the database, in seconds.

    ``request``: for the answer to one request. ``query``: for all pages of a query. ``operation``:
    for a point operation with all its attempts; finding out whether a write was applied may take
    one more. All that must be over before the sweeps take up a new outbox record.
    """

    request: float = 2.5
    query: float = 10.0
    operation: float = 5.0


class Container:
    """All of its methods raise the errors of :mod:`shared.storage.cosmos.errors`."""

    def __init__(self, proxy: ContainerProxy, patience: Patience) -> None:
        self.proxy = proxy
        self._patience = patience

    async def read(self, id: str, partition: str) -> Item | None:
        async def attempt() -> Item:
            return await self.proxy.read_item(id, partition)

        try:
            return await self.persist(attempt)
        except Refused as refusal:
            if refusal.is_missing:
                return None
            raise

    async def query(self, query: Query, limit: int) -> list[Any]:
        """The first results, no more than ``limit``."""
        limits = self._patience.query, self._patience.query
        if query.partition is not None:
            scope = {"partition_key": query.partition}
            return await _persist(lambda: self._results(query, limit, scope), *limits)
        return await _persist(lambda: self._merged_results(query, limit), *limits)

    async def count(self, query: CountQuery) -> int:
        """In all partitions together."""
        limits = self._patience.query, self._patience.query
        return await _persist(lambda: self._summed_counts(query), *limits)

    async def persist[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The outcome of a request, sent again while it is not answered and the time allows."""
        return await _persist(attempt, self._patience.request, self._patience.operation)

    async def _merged_results(self, query: Query, limit: int) -> list[Any]:
        """The first of all partitions.

        The SDK would do it as well, after asking for a plan, and one range after the other: seven
        requests in turn for three ranges, instead of three at once.
        """
        results = await self._in_each_range(lambda scope: self._results(query, limit, scope))
        merged = sorted(chain.from_iterable(results), key=query.key, reverse=query.descending)
        return merged[:limit]

    async def _summed_counts(self, query: CountQuery) -> int:
        """A range may answer in several pages, each with the count of a part of it."""
        counts = await self._in_each_range(lambda scope: self._results(query, _MOST_COUNTS, scope))
        return sum(chain.from_iterable(counts))

    async def _in_each_range(
        self, ask: Callable[[Mapping[str, Any]], Awaitable[list[Any]]]
    ) -> list[list[Any]]:
        ranges: list[FeedRange] = []
        results: list[list[Any]] = []
        while ranges != (present := await self._ranges()):  # A range was split meanwhile.
            ranges = present
            results = await asyncio.gather(*(ask({"feed_range": each}) for each in ranges))
        return results

    async def _ranges(self) -> list[FeedRange]:
        """The parts of the container, each on a server of its own, as the client knows them."""
        return [each async for each in self.proxy.read_feed_ranges()]

    async def _results(
        self, query: Query | CountQuery, limit: int, scope: Mapping[str, Any]
    ) -> list[Any]:
        results: list[Any] = []
        async for result in self.proxy.query_items(
            query.text, parameters=query.parameters, max_item_count=limit, **scope
        ):
            results.append(result)
            if len(results) == limit:
                break
        return results


async def _persist[T](attempt: Callable[[], Awaitable[T]], each: float, together: float) -> T:
    """Try again after failures that may pass. ``each``, ``together``: seconds for the attempts."""
    now = get_running_loop().time
    deadline = now() + together
    for number in range(_MOST_ATTEMPTS):
        try:
            with translated_errors():
                async with asyncio.timeout_at(min(now() + each, deadline)):
                    return await attempt()
        except Unanswered as failure:
            pause = max(failure.pause, _pause(number))
            if number + 1 == _MOST_ATTEMPTS or now() + pause >= deadline:
                raise
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _pause(attempt: int) -> float:
    """Longer from attempt to attempt, and never the same for two that failed together."""
    return uniform(0.5, 1.0) * _FIRST_PAUSE * (1 << attempt)
