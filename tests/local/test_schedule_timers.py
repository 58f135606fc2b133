import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.schedule import ScheduleError
from infra.local.timers import Timers, utc_now
from infra.local.worker import Function, InvocationError
from tests.local.host_rig import http_function, timer_function

EVERY_SECOND = "* * * * * *"
NEVER_SOON = "0 0 0 29 2 *"


class Ticks:
    """Counts the runs of a function, and lets a test decide what a run does."""

    def __init__(self, seconds: float = 0, error: Exception | None = None) -> None:
        self.started: list[datetime] = []
        self.finished = 0
        self.together = 0
        self.most_together = 0
        self._seconds = seconds
        self._error = error

    async def __call__(self, _: Function) -> None:
        self.started.append(utc_now())
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await asyncio.sleep(self._seconds)
            if self._error:
                raise self._error
            self.finished += 1
        finally:
            self.together -= 1


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("It did not come true within ten seconds")


@pytest.fixture(scope="module")
def observed() -> dict[str, Ticks]:
    """Four timers, each due every second, watched together for a few seconds."""
    ticks = {
        "steady": Ticks(),
        "slow": Ticks(seconds=1.2),
        "failing": Ticks(error=InvocationError("failing", "ValueError('no')", "")),
        "faulty": Ticks(error=RuntimeError("a fault of the host")),
    }

    async def invoke(function: Function) -> None:
        await ticks[function.name](function)

    async def observe() -> None:
        timers = Timers([timer_function(name, EVERY_SECOND) for name in ticks], invoke)
        timers.start()
        await until(lambda: len(ticks["steady"].started) >= 3 and ticks["slow"].finished == 1)
        await timers.stop(2)

    asyncio.run(observe())
    return ticks


def test_a_timer_ticks_at_its_times_and_once_at_each(observed: dict[str, Ticks]) -> None:
    started = observed["steady"].started
    assert len({int(moment.timestamp()) for moment in started}) == len(started)
    assert started[2] - started[0] > timedelta(seconds=1)


def test_a_timer_never_overlaps_itself(observed: dict[str, Ticks]) -> None:
    assert observed["slow"].most_together == 1
    assert len(observed["slow"].started) >= 2


@pytest.mark.parametrize("name", ["failing", "faulty"])
def test_a_timer_that_failed_ticks_again(observed: dict[str, Ticks], name: str) -> None:
    assert len(observed[name].started) >= 3


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvocationError("sweep", "ValueError('no')", ""), "Function 'sweep' failed: ValueError"),
        (RuntimeError("fault"), "The timer 'sweep' could not run"),
    ],
)
async def test_a_failure_is_logged(
    caplog: pytest.LogCaptureFixture, error: Exception, message: str
) -> None:
    ticks = Ticks(error=error)
    timers = Timers([timer_function("sweep", NEVER_SOON, run_on_startup=True)], ticks)
    timers.start()
    await until(lambda: bool(caplog.records))
    await timers.stop(1)
    assert message in caplog.text


async def test_run_on_startup_ticks_at_once() -> None:
    ticks = Ticks()
    late = timer_function("late", NEVER_SOON)
    timers = Timers([timer_function("early", NEVER_SOON, run_on_startup=True), late], ticks)
    timers.start()
    await until(lambda: ticks.finished == 1)
    await timers.stop(1)
    assert len(ticks.started) == 1


async def test_stopping_lets_a_tick_finish() -> None:
    ticks = Ticks(seconds=0.3)
    timers = Timers([timer_function("sweep", NEVER_SOON, run_on_startup=True)], ticks)
    timers.start()
    await until(lambda: bool(ticks.started))
    await timers.stop(5)
    assert ticks.finished == 1


async def test_stopping_waits_no_longer_than_the_grace() -> None:
    ticks = Ticks(seconds=60)
    timers = Timers([timer_function("sweep", NEVER_SOON, run_on_startup=True)], ticks)
    timers.start()
    await until(lambda: bool(ticks.started))
    async with asyncio.timeout(1):
        await timers.stop(0.05)
    assert (ticks.finished, ticks.together) == (0, 0)


async def test_an_app_without_timers_can_be_started_and_stopped() -> None:
    timers = Timers([http_function("f")], Ticks())
    timers.start()
    await timers.stop(1)


async def test_a_clock_that_jumps_back_repeats_no_tick() -> None:
    ticks = Ticks()
    start = datetime(2024, 1, 1, 12, tzinfo=UTC)
    # The second reading finds the tick due; from then on the clock is a minute behind.
    readings = iter([start, start, start + timedelta(seconds=1)])

    def clock() -> datetime:
        return next(readings, start - timedelta(minutes=1))

    timers = Timers([timer_function("sweep", EVERY_SECOND)], ticks, clock=clock)
    timers.start()
    await until(lambda: ticks.finished == 1)
    await asyncio.sleep(0.1)
    await timers.stop(1)
    assert ticks.finished == 1


def test_a_schedule_may_name_a_setting() -> None:
    functions = [timer_function("sweep", "%SweepSchedule%")]
    Timers(functions, Ticks(), {"SweepSchedule": EVERY_SECOND})
    with pytest.raises(ScheduleError, match="'sweep': no setting 'SweepSchedule'"):
        Timers(functions, Ticks(), {})


def test_a_schedule_that_azure_refuses_is_refused_with_the_name_of_its_function() -> None:
    with pytest.raises(ScheduleError, match="Function 'sweep': "):
        Timers([timer_function("sweep", "* * * * *")], Ticks())
