"""Segments: a process answers for all records of a few seconds at once.

A record lives in the item that its commit writes, so to remove it would cost another write of that
item. Instead it names a segment. Segments are listed, each in an item of its own: from before the
first record names it until nothing is left to do for any of its records. So:

- A record whose segment is not listed is dealt with. The next write of its item drops it.
- While a process lives, it knows what is left of its segments. What takes longer than seconds it
  leaves to the sweeps, and says so in the list.
- A segment whose process died says nothing and grows old. Whatever names it is looked at.
"""

import asyncio
import logging
from asyncio import get_running_loop
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from shared.ports import ConcurrencyConflict, Stored, StoreError
from shared.storage.cosmos.keys import time_key
from shared.storage.cosmos.segment_list import Left, RecordKey, Segment, SegmentList

MOST_REMEMBERED = 1000

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


@dataclass(slots=True)
class OpenSegment:
    """A segment of this process. ``undealt``: its records that are left to do, by when they were
    created.

    Once it may not be named by any more records it ends, as soon as nothing is left.
    """

    listed: Stored[Segment]
    may_be_named: bool = True
    undealt: dict[RecordKey, datetime] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.listed.value.id

    @property
    def is_told(self) -> bool:
        """Whether the list says just what is left."""
        return self.listed.value.left == self.left()

    def left(self) -> tuple[Left, ...]:
        return tuple(
            Left(aggregate_id=aggregate_id, record_id=record_id, created_at=created_at)
            for (aggregate_id, record_id), created_at in self.undealt.items()
        )


type NoteLeft = Callable[[Iterable[RecordKey], str], None]


class Segments:
    """Those of this process, and what it knows of others'. Belongs to one event loop.

    ``note_left`` is told of records that are left to the sweeps, and which segment lists them:
    they may be dealt with after all, just late.
    """

    def __init__(self, listing: SegmentList, pace: Pace, note_left: NoteLeft) -> None:
        self._list = listing
        self._pace = pace
        self._note_left = note_left
        self._open: dict[str, OpenSegment] = {}
        self._current: OpenSegment | None = None
        self._opening: asyncio.Task[OpenSegment] | None = None
        self._attendants: dict[str, asyncio.Task[None]] = {}
        self._finished: dict[str, None] = {}
        self._listed_at: dict[str, float] = {}

    async def current(self, now: datetime) -> OpenSegment:
        """The one that records may name now; another one is opened if need be.

        :raises StoreError: the list cannot be told.
        """
        while self._current is None or not self._may_be_named(self._current, now):
            # One for all who wait, whose failure is theirs; a caller who gives up does not end it.
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._opened(now), context=Context())
            self._current = await asyncio.shield(self._opening)
        return self._current

    def is_open(self, id: str) -> bool:
        """Whether it is a segment of this process that has not ended."""
        return id in self._open

    def undealt(self, created_before: datetime) -> Mapping[str, Sequence[RecordKey]]:
        """Records of the open segments, by segment."""
        return {
            segment.id: [key for key, at in segment.undealt.items() if at < created_before]
            for segment in self._open.values()
        }

    def is_undealt(self, key: RecordKey) -> bool:
        return any(key in segment.undealt for segment in self._open.values())

    def release(self, key: RecordKey) -> bool:
        """The record is dealt with. Whether this process answered for it."""
        released = [segment.undealt.pop(key, None) for segment in self._open.values()]
        return any(released)

    async def is_finished(self, id: str) -> bool:
        """Whether all records of the segment, which is not open here, are dealt with.

        Yes is right for records that were read before this was asked. No may be a few seconds old.
        """
        if id in self._finished or self._was_listed(id):
            return id in self._finished
        if await self._list.has(id):
            self._listed_at[id] = get_running_loop().time()
            _forget_oldest(self._listed_at)
        else:
            self._note_finished(id)
        return id in self._finished

    async def close(self) -> None:
        """Tell the list what is left, as far as it can be reached."""
        if self._opening is not None and not self._opening.done():
            await asyncio.wait({self._opening})
        attendants, self._attendants = self._attendants, {}
        for attendant in attendants.values():
            attendant.cancel()
        for segment in self._open.values():
            segment.may_be_named = False
        await asyncio.gather(*attendants.values(), return_exceptions=True)
        await asyncio.gather(*(self._told(segment) for segment in list(self._open.values())))
        self._open.clear()  # What the list could not be told is for those who find it abandoned.

    def _was_listed(self, id: str) -> bool:
        """Not longer ago than it takes a segment to end."""
        listed_at = self._listed_at.get(id)
        if listed_at is None:
            return False
        return get_running_loop().time() < listed_at + self._pace.open + self._pace.patience

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
        if segment.undealt:
            await asyncio.sleep(self._pace.patience)
        while True:
            if await self._told(segment):
                break
            await asyncio.sleep(self._pace.pause)
        self._attendants.pop(segment.id, None)

    async def _told(self, segment: OpenSegment) -> bool:
        """End the segment: it is finished, or what is left is listed. Whether the list knows."""
        try:
            while segment.undealt and not segment.is_told:  # Some may be dealt with meanwhile.
                await self._leave(segment)
            if not segment.undealt:
                await self._finish(segment)
        except ConcurrencyConflict:
            return await self._told_anew(segment)
        except StoreError as failure:
            log.info("a segment of the outbox cannot be ended yet", extra={"reason": str(failure)})
            return False
        self._note_left(segment.undealt, segment.id)
        self._open.pop(segment.id, None)
        return True

    async def _leave(self, segment: OpenSegment) -> None:
        listed = replace(segment.listed.value, left=segment.left())
        segment.listed = await self._list.replace(segment.listed, listed, listed.opened_at)

    async def _finish(self, segment: OpenSegment) -> None:
        await self._list.delete(segment.listed)
        self._note_finished(segment.id)

    async def _told_anew(self, segment: OpenSegment) -> bool:
        """Sweeps took the process for dead, or an earlier attempt was made after all."""
        with suppress(StoreError):
            listed = await self._list.get(segment.id)
            if listed is None and not segment.undealt:
                self._open.pop(segment.id, None)
                return True
            value = segment.listed.value
            segment.listed = listed or await self._list.create(value, value.opened_at)
        return False

    def _note_finished(self, id: str) -> None:
        self._finished[id] = None
        _forget_oldest(self._finished)


def _forget_oldest[K](remembered: dict[K, Any]) -> None:
    for key in list(remembered)[:-MOST_REMEMBERED]:
        del remembered[key]
