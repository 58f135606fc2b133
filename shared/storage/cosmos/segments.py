"""Segments: a process answers for all records of a few seconds at once.

A record lives in the item that its commit writes, so to remove it would cost another write of that
item. Instead the item names a segment. Segments are listed, each in an item of its own: from before
the first record names it until nothing is left to do for any of its records. So:

- What is in an item whose segment is not listed is done with. The next write drops it.
- While a process lives, it knows what is left of its segments. What takes longer than seconds it
  leaves to the sweeps, and says so in the list.
- A segment whose process died says nothing and grows old. Whatever names it is looked at.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe

from shared.ports import ConcurrencyConflict, Stored, StoreError
from shared.storage.cosmos.keys import time_key
from shared.storage.cosmos.segment_list import Left, Place, RecordKey, Segment, SegmentList

MOST_KNOWN = 1000

_ID_BYTES = 9

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """In seconds. ``open``: for how long records may name a segment. ``patience``: how much later
    what is left of it is left to the sweeps; together less than these wait before they take up a
    record. ``pause``: before the list is told again, if that failed.
    """

    open: float = 3.0
    patience: float = 3.0
    pause: float = 1.0


USUAL_PACE = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A record that this process has to deal with.

    ``waits_for``: a segment of another process, which may deal with it. ``is_beside``: it is not in
    the aggregate's item but in one of its own.
    """

    created_at: datetime
    waits_for: str | None = None
    is_beside: bool = False


@dataclass(slots=True)
class OpenSegment:
    """A segment of this process. ``holds``: what is left to do.

    Once it may not be named by any more records it ends, as soon as nothing is left.
    """

    listed: Stored[Segment]
    may_be_named: bool = True
    holds: dict[RecordKey, Hold] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.listed.value.id

    @property
    def is_told(self) -> bool:
        """Whether the list says just what is left."""
        return self.listed.value.left == self.left()

    def hold(self, holds: Mapping[RecordKey, Hold]) -> None:
        """Deal with these as well."""
        for key, hold in holds.items():
            before = self.holds.get(key, hold)
            self.holds[key] = replace(hold, is_beside=hold.is_beside or before.is_beside)

    def drop(self, keys: Iterable[RecordKey]) -> None:
        for key in keys:
            self.holds.pop(key, None)

    def waiting_for(self, id: str) -> Mapping[RecordKey, Hold]:
        return {key: hold for key, hold in self.holds.items() if hold.waits_for == id}

    def left(self) -> tuple[Left, ...]:
        return tuple(
            Left(aggregate_id=aggregate_id, record_id=record_id, created_at=hold.created_at)
            for (aggregate_id, record_id), hold in self.holds.items()
        )


type RemoveBeside = Callable[[Iterable[RecordKey]], Awaitable[None]]


class Segments:
    """Those of this process, and what it knows of others'. Belongs to one event loop.

    ``remove_beside`` removes records that have items of their own. ``left``: where the records are
    that this process left to the sweeps last.
    """

    def __init__(self, listing: SegmentList, pace: Pace, remove_beside: RemoveBeside) -> None:
        self._list = listing
        self._pace = pace
        self._remove_beside = remove_beside
        self._open: dict[str, OpenSegment] = {}
        self._current: OpenSegment | None = None
        self._opening = asyncio.Lock()
        self._attendants: dict[str, asyncio.Task[None]] = {}
        self._finished: dict[str, None] = {}
        self.left: dict[RecordKey, Place] = {}

    async def current(self, now: datetime) -> OpenSegment:
        """The one that records may name now; another one is opened if need be.

        :raises StoreError: the list cannot be told.
        """
        async with self._opening:
            if self._current is None or not self._may_be_named(self._current, now):
                self._current = await self._opened(now)
            return self._current

    def held(self) -> Mapping[RecordKey, Hold]:
        """What this process has still to deal with itself."""
        return {
            key: hold
            for segment in self._open.values()
            for key, hold in segment.holds.items()
            if hold.waits_for is None
        }

    def is_open(self, id: str) -> bool:
        return id in self._open

    def open(self, id: str) -> OpenSegment | None:
        """The segment, if it is one of this process that has not ended."""
        return self._open.get(id)

    def hold_of(self, key: RecordKey) -> Hold | None:
        """How this process holds the record; beside its aggregate, if in any way."""
        holds = [s.holds[key] for s in self._open.values() if key in s.holds]
        return max(holds, key=lambda hold: hold.is_beside, default=None)

    def release(self, keys: Iterable[RecordKey]) -> None:
        """The records are dealt with."""
        for key in keys:
            for segment in self._open.values():
                segment.holds.pop(key, None)

    async def left_of(self, id: str) -> Collection[RecordKey] | None:
        """Which records of another process's segment are not dealt with; ``None``: any may be.

        The answer is right for records that were read before it was asked for.
        """
        if id not in self._finished and not await self._list.has(id):
            self._note_finished(id)
        if id in self._finished:
            return ()
        listed = await self._list.get(id)
        if listed is None or listed.value.left is None:
            return None
        return {left.key for left in listed.value.left}

    async def close(self) -> None:
        """Tell the list what is left, as far as it can be reached."""
        attendants, self._attendants = self._attendants, {}
        for attendant in attendants.values():
            attendant.cancel()
        for segment in self._open.values():
            segment.may_be_named = False
        await asyncio.gather(*attendants.values(), return_exceptions=True)
        await asyncio.gather(*(self._told(segment) for segment in list(self._open.values())))

    def _may_be_named(self, segment: OpenSegment, now: datetime) -> bool:
        age = now - segment.listed.value.opened_at
        return segment.may_be_named and age < timedelta(seconds=self._pace.open)

    async def _opened(self, now: datetime) -> OpenSegment:
        segment = Segment(id=f"{time_key(now)}-{token_urlsafe(_ID_BYTES)}", opened_at=now)
        opened = OpenSegment(await self._list.create(segment, now))
        self._open[opened.id] = opened
        # Not a part of the request that happens to be the first.
        attendant = asyncio.create_task(self._attend(opened), context=Context())
        self._attendants[opened.id] = attendant
        return opened

    async def _attend(self, segment: OpenSegment) -> None:
        """See the segment to its end."""
        await asyncio.sleep(self._pace.open)
        segment.may_be_named = False
        for _ in range(2):
            if segment.holds:
                await asyncio.sleep(self._pace.patience / 2)
                await self._drop_settled_elsewhere(segment)
        while True:
            if await self._told(segment):
                break
            await asyncio.sleep(self._pace.pause)
        self._attendants.pop(segment.id, None)

    async def _drop_settled_elsewhere(self, segment: OpenSegment) -> None:
        """What others dealt with need not be dealt with here."""
        awaited = {hold.waits_for for hold in segment.holds.values() if hold.waits_for is not None}
        with suppress(StoreError):
            for id in awaited:
                left = await self.left_of(id)
                if left is not None:
                    await self._drop(segment, segment.waiting_for(id).keys() - left)

    async def _drop(self, segment: OpenSegment, keys: Collection[RecordKey]) -> None:
        await self._remove_beside([key for key in keys if segment.holds[key].is_beside])
        segment.drop(keys)

    async def _told(self, segment: OpenSegment) -> bool:
        """End the segment: it is finished, or what is left is listed. Whether the list knows."""
        try:
            while segment.holds and not segment.is_told:  # Some may be dealt with meanwhile.
                await self._leave(segment)
            if not segment.holds:
                await self._finish(segment)
        except ConcurrencyConflict:
            return await self._told_anew(segment)
        except StoreError as failure:
            log.info("a segment of the outbox cannot be ended yet", extra={"reason": str(failure)})
            return False
        self._note_left(segment)
        self._open.pop(segment.id, None)
        return True

    async def _leave(self, segment: OpenSegment) -> None:
        listed = replace(segment.listed.value, left=segment.left())
        segment.listed = await self._list.replace(segment.listed, listed, listed.opened_at)

    async def _finish(self, segment: OpenSegment) -> None:
        await self._list.delete(segment.listed)
        self._note_finished(segment.id)

    async def _told_anew(self, segment: OpenSegment) -> bool:
        """Sweeps took the process for dead."""
        with suppress(StoreError):
            listed = await self._list.get(segment.id)
            if listed is None:
                self._open.pop(segment.id, None)
                return True
            segment.listed = listed
        return False

    def _note_left(self, segment: OpenSegment) -> None:
        """In case that they are dealt with after all, just late."""
        for key, hold in segment.holds.items():
            self.left[key] = Place(segment.id, hold.is_beside, named_in=frozenset({segment.id}))
        for key in list(self.left)[:-MOST_KNOWN]:
            del self.left[key]

    def _note_finished(self, id: str) -> None:
        self._finished[id] = None
        if len(self._finished) > MOST_KNOWN:
            del self._finished[next(iter(self._finished))]
