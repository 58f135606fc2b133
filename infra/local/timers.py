"""Runs the timer-triggered functions in the host's event loop."""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from infra.local.schedule import Schedule, ScheduleError
from infra.local.worker import TIMER_TRIGGER, Function, InvocationError

logger = logging.getLogger(__name__)

# A long sleep is cut so that a clock set anew, or a laptop opened again, is noticed.
LONGEST_SLEEP_SECONDS: Final = 30.0
SETTING = re.compile(r"%([^%]+)%")

type Invoke = Callable[[Function], Awaitable[None]]
type Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Timer:
    """One function and its schedule. It runs one tick at a time; ticks missed meanwhile are lost,
    as in Azure."""

    def __init__(
        self, function: Function, invoke: Invoke, settings: Mapping[str, str], clock: Clock
    ) -> None:
        """:raises ScheduleError: if the schedule is not valid, or names an unknown setting."""
        self.name = function.name
        self._function = function
        self._invoke = invoke
        self._clock = clock
        self._run_on_startup = bool(function.trigger.get("runOnStartup"))
        self._schedule = _schedule(function, settings)

    async def run(self, stopping: asyncio.Event) -> None:
        """Ticks until the event is set; a tick under way is finished."""
        if self._run_on_startup:
            await self._tick()
        due = self._clock()
        while not stopping.is_set():
            due = self._schedule.next_after(max(due, self._clock()))
            if await self._wait_until(due, stopping):
                await self._tick()

    async def _wait_until(self, due: datetime, stopping: asyncio.Event) -> bool:
        while (seconds := (due - self._clock()).total_seconds()) > 0:
            if await _is_set_within(stopping, min(seconds, LONGEST_SLEEP_SECONDS)):
                return False
        return not stopping.is_set()

    async def _tick(self) -> None:
        try:
            await self._invoke(self._function)
        except InvocationError as error:
            logger.error("%s", error)
        except Exception:
            logger.exception("The timer '%s' could not run", self.name)


class Timers:
    """All timers of a function app."""

    def __init__(
        self,
        functions: Iterable[Function],
        invoke: Invoke,
        settings: Mapping[str, str] = os.environ,
        clock: Clock = utc_now,
    ) -> None:
        """`settings` are what `%NAME%` in a schedule refers to.

        :raises ScheduleError: if a schedule is not valid, or names an unknown setting.
        """
        timed = [f for f in functions if f.trigger["type"] == TIMER_TRIGGER]
        self._timers = [Timer(function, invoke, settings, clock) for function in timed]
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._tasks = {
            asyncio.create_task(timer.run(self._stopping), name=timer.name)
            for timer in self._timers
        }

    async def stop(self, grace_seconds: float) -> None:
        """Lets the ticks under way finish for so long, then cancels them."""
        self._stopping.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _schedule(function: Function, settings: Mapping[str, str]) -> Schedule:
    try:
        return Schedule(SETTING.sub(lambda m: settings[m[1]], function.trigger["schedule"]))
    except KeyError as error:
        raise ScheduleError(f"Function '{function.name}': no setting {error}.") from error
    except ScheduleError as error:
        raise ScheduleError(f"Function '{function.name}': {error}") from error


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
