"""One after the other, but never stuck: the sending discipline of the deliveries to a webhook."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from infra.local.topic.settings import DeliverySettings
from infra.local.topic.store import Claim, Delivery

logger = logging.getLogger(__name__)


class Signal:
    """Wakes its one waiter. A call of `set` before `wait` is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiter, now or when it comes."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for `set` or until the time is over, and be ready for the next one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class Lane:
    """Claims deliveries that are due and attempts them.

    The next attempt begins when the last one has ended or `patience` is over, so that order is
    kept for a prompt webhook while a hanging POST does not hold up later events.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        clock: Callable[[], float],
        claim: Callable[[], Awaitable[Claim]],
        attempt: Callable[[Sequence[Delivery]], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._claim = claim
        self._attempt = attempt
        self._signal = Signal()
        self._slots = asyncio.Semaphore(settings.max_open_posts)
        self._open: set[asyncio.Future[None]] = set()

    def wake(self) -> None:
        """Look at once for something to send."""
        self._signal.set()

    async def run(self) -> None:
        """Send until cancelled. What is open then goes on until `drain`."""
        while True:
            await self._slots.acquire()
            claim = await self._try_claim()
            if claim.deliveries:
                await self._begin(claim.deliveries)
            else:
                self._slots.release()
                await self._signal.wait(self._idle_time(claim.next_due))

    async def drain(self, seconds: float) -> None:
        """Let the open attempts end, and cancel those that take longer."""
        if not self._open:
            return
        _, late = await asyncio.wait(self._open, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _try_claim(self) -> Claim:
        try:
            return await self._claim()
        except sqlite3.Error:
            logger.exception("Deliveries could not be claimed")
            return Claim(())

    async def _begin(self, deliveries: Sequence[Delivery]) -> None:
        task = asyncio.ensure_future(self._attempt(deliveries))
        self._open.add(task)
        task.add_done_callback(self._end)
        await asyncio.wait({task}, timeout=self._settings.patience)

    def _end(self, task: asyncio.Future[None]) -> None:
        self._open.discard(task)
        self._slots.release()

    def _idle_time(self, next_due: float | None) -> float:
        poll = self._settings.poll_interval
        return poll if next_due is None else min(poll, max(0, next_due - self._clock()))
