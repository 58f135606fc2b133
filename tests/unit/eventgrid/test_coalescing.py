"""Group commit of events, over publishers that the tests hold in their hands."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.events import RecordedEvent
from shared.eventgrid.coalescing import CoalescingPublisher
from shared.ports import PublishFailed
from tests.unit.eventgrid.samples import numbered

GRACE = 5.0


class GatedPublisher:
    """Each publish waits until the test lets it end."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.closed = False
        self._gates: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        assert not self.closed
        self.groups.append([event.id for event in events])
        outcome = await self._gates.get()
        if outcome is not None:
            raise outcome

    async def close(self) -> None:
        self.closed = True

    def release(self, outcome: Exception | None = None) -> None:
        self._gates.put_nowait(outcome)


@dataclass
class Rig:
    inner: GatedPublisher = field(default_factory=GatedPublisher)
    max_events: int = 100

    def __post_init__(self) -> None:
        self.publisher = CoalescingPublisher(self.inner, max_events=self.max_events)

    async def call(self, name: str, count: int = 1) -> asyncio.Task[None]:
        """A caller that has begun to publish ``count`` events."""
        task = asyncio.create_task(self.publisher.publish(numbered(count, name)))
        await settle()
        return task


async def settle() -> None:
    """Let every task run until it waits for something else than its turn."""
    for _ in range(10):
        await asyncio.sleep(0)


async def ended(*tasks: asyncio.Task[None]) -> None:
    async with asyncio.timeout(GRACE):
        await asyncio.gather(*tasks)


async def test_a_lone_caller_publishes_at_once() -> None:
    rig = Rig()
    first = await rig.call("a", 2)

    assert rig.inner.groups == [["a-1", "a-2"]]
    assert not first.done()

    rig.inner.release()
    await ended(first)


async def test_what_arrives_meanwhile_goes_out_together_in_order() -> None:
    rig = Rig()
    callers = [await rig.call(name, 2) for name in "abcd"]

    rig.inner.release()
    await settle()

    assert rig.inner.groups == [["a-1", "a-2"], ["b-1", "b-2", "c-1", "c-2", "d-1", "d-2"]]
    assert [caller.done() for caller in callers] == [True, False, False, False]

    rig.inner.release()
    await ended(*callers)


async def test_no_more_than_one_publish_is_in_flight() -> None:
    rig = Rig()
    callers = [await rig.call(name) for name in "abc"]

    assert rig.inner.groups == [["a-1"]]

    rig.inner.release()
    rig.inner.release()
    await ended(*callers)


async def test_no_events_no_publish() -> None:
    rig = Rig()

    await rig.publisher.publish([])

    assert rig.inner.groups == []


async def test_after_a_pause_the_next_caller_publishes_again() -> None:
    rig = Rig()
    for name in "ab":
        rig.inner.release()
        await ended(await rig.call(name))

    assert rig.inner.groups == [["a-1"], ["b-1"]]


async def test_groups_are_bounded_and_no_call_is_divided() -> None:
    rig = Rig(max_events=3)
    callers = [await rig.call(*call) for call in (("a", 1), ("b", 2), ("c", 2), ("d", 1), ("e", 7))]
    for _ in range(4):
        rig.inner.release()

    await ended(*callers)

    assert [len(group) for group in rig.inner.groups] == [1, 2, 3, 7]
    assert rig.inner.groups[2] == ["c-1", "c-2", "d-1"]


@pytest.mark.parametrize("error", [PublishFailed("down"), RuntimeError("a defect")])
async def test_a_failure_reaches_those_whose_events_were_in_the_group(error: Exception) -> None:
    rig = Rig()
    first, second, third = [await rig.call(name) for name in "abc"]
    rig.inner.release()
    rig.inner.release(error)

    await ended(first)
    for task in (second, third):
        with pytest.raises(type(error), match=str(error)):
            await task


async def test_a_failure_does_not_touch_the_next_group() -> None:
    rig = Rig()
    first, second = [await rig.call(name) for name in "ab"]
    rig.inner.release(PublishFailed("down"))
    rig.inner.release()

    with pytest.raises(PublishFailed, match="down"):
        await first
    await ended(second)


@pytest.mark.parametrize("cancelled", ["a", "b"])
async def test_a_cancelled_caller_does_not_break_the_others(cancelled: str) -> None:
    rig = Rig()
    callers = {name: await rig.call(name) for name in "abc"}

    callers[cancelled].cancel()
    await settle()
    rig.inner.release()
    rig.inner.release()
    await ended(*(task for name, task in callers.items() if name != cancelled))

    assert callers[cancelled].cancelled()
    assert rig.inner.groups == [["a-1"], ["b-1", "c-1"]]


async def test_a_cancelled_callers_failure_is_nobodys() -> None:
    rig = Rig()
    first, second = [await rig.call(name) for name in "ab"]

    first.cancel()
    await settle()
    rig.inner.release(PublishFailed("down"))
    rig.inner.release()

    await ended(second)


async def test_close_waits_for_what_is_under_way() -> None:
    rig = Rig()
    callers = [await rig.call(name) for name in "ab"]
    closing = asyncio.create_task(rig.publisher.close())
    await settle()

    assert not closing.done()

    rig.inner.release()
    rig.inner.release()
    await ended(closing, *callers)
    assert rig.inner.closed


async def test_a_cancelled_close_lets_the_publish_go_on() -> None:
    rig = Rig()
    caller = await rig.call("a")
    closing = asyncio.create_task(rig.publisher.close())
    await settle()

    closing.cancel()
    rig.inner.release()

    await ended(caller)
    assert not rig.inner.closed


@dataclass(frozen=True)
class Call:
    """A caller: when it comes (in turns of the event loop), with how many events, in what way."""

    at: int
    events: int
    cancel_after: int | None


@dataclass
class ScriptedPublisher:
    """Takes some turns for each publish and lets some fail."""

    script: list[tuple[int, bool]]
    attempts: list[list[str]] = field(default_factory=list)
    published: list[str] = field(default_factory=list)

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        ids = [event.id for event in events]
        turns, succeeds = self.script[len(self.attempts) % len(self.script)]
        self.attempts.append(ids)
        for _ in range(turns):
            await asyncio.sleep(0)
        if not succeeds:
            raise PublishFailed("as the script says")
        self.published.extend(ids)

    async def close(self) -> None: ...


CALLS = st.lists(
    st.builds(Call, st.integers(0, 12), st.integers(0, 6), st.none() | st.integers(0, 6)),
    max_size=12,
)
SCRIPTS = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=150)
@given(CALLS, SCRIPTS, st.integers(1, 8))
def test_nothing_is_lost_or_reordered(
    calls: list[Call], script: list[tuple[int, bool]], max_events: int
) -> None:
    asyncio.run(_check_calls(calls, ScriptedPublisher(script), max_events))


async def _check_calls(calls: list[Call], inner: ScriptedPublisher, max_events: int) -> None:
    publisher = CoalescingPublisher(inner, max_events=max_events)
    arrivals: list[str] = []
    outcomes = await asyncio.wait_for(
        asyncio.gather(*(_run(publisher, str(n), call, arrivals) for n, call in enumerate(calls))),
        GRACE,
    )
    await publisher.close()

    attempted = [id for group in inner.attempts for id in group]
    assert attempted == arrivals, "every event is tried once, in order of arrival"
    for n, (call, outcome) in enumerate(zip(calls, outcomes, strict=True)):
        ids = [event.id for event in numbered(call.events, str(n))]
        published = [id for id in inner.published if id in ids]
        if outcome == "published":
            assert published == ids
        if outcome == "failed":
            assert published == []
    for group in inner.attempts:
        assert len(group) <= max_events or len({id.split("-")[0] for id in group}) == 1


async def _run(publisher: CoalescingPublisher, name: str, call: Call, arrivals: list[str]) -> str:
    for _ in range(call.at):
        await asyncio.sleep(0)
    events = numbered(call.events, name)
    arrivals.extend(event.id for event in events)
    task = asyncio.ensure_future(publisher.publish(events))
    if call.cancel_after is None:
        return await _outcome(task)
    # At least one turn: a task that is cancelled before it began has published nothing.
    for _ in range(call.cancel_after + 1):
        await asyncio.sleep(0)
    task.cancel()
    return await _outcome(task)


async def _outcome(task: "asyncio.Future[None]") -> str:
    try:
        await task
    except PublishFailed:
        return "failed"
    except asyncio.CancelledError:
        return "cancelled"
    return "published"
