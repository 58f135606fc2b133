"""Group commit for events: what waits while a publish is in flight goes out together.

A lone caller's events go at once. Under load the cost of a request is shared by all who wait.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.events import RecordedEvent
from shared.ports import EventPublisher

DEFAULT_MAX_EVENTS = 250
"""Larger groups save nothing more, and encoding them would hold up the event loop."""


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """One caller's events; ``done`` is cancelled if the caller is."""

    events: Sequence[RecordedEvent]
    done: asyncio.Future[None]

    def succeed(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class CoalescingPublisher:
    """An :class:`shared.ports.EventPublisher` in front of another one. Use it in one event loop.

    Groups go out one after the other, in order of arrival. A caller waits for the group in flight
    and its own, or longer only if more than ``max_events`` events wait.
    """

    def __init__(self, publisher: EventPublisher, *, max_events: int = DEFAULT_MAX_EVENTS) -> None:
        self._publisher = publisher
        self._max_events = max_events
        self._waiting: deque[_Request] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        """See :meth:`shared.ports.EventPublisher.publish`.

        The events of one call are never divided, and the call ends as its group's publish does.
        Those of a cancelled caller go out nevertheless.
        """
        if not events:
            return
        request = _Request(tuple(events), asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._sender is None:
            # A task of its own: no caller's cancellation may take the others' events along.
            self._sender = asyncio.create_task(self._send_all())
        await request.done

    async def close(self) -> None:
        """Wait for what is under way, then close the publisher behind."""
        while self._sender is not None:
            await asyncio.wait({self._sender})
        await self._publisher.close()

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send(self._next_group())
        finally:
            self._sender = None

    def _next_group(self) -> list[_Request]:
        group = [self._waiting.popleft()]
        room = self._max_events - len(group[0].events)
        while self._waiting and len(self._waiting[0].events) <= room:
            group.append(self._waiting.popleft())
            room -= len(group[-1].events)
        return group

    async def _send(self, group: list[_Request]) -> None:
        try:
            await self._publisher.publish([event for each in group for event in each.events])
        except Exception as error:
            # Whatever it is, it is the callers' to handle: they would wait for ever otherwise.
            for request in group:
                request.fail(error)
        else:
            for request in group:
                request.succeed()
