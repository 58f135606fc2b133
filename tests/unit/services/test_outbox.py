"""The courier: events are published soon, together, and no request waits for it."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from shared.domain.events import RecordedEvent, WorkerDeregistered
from shared.ports import OutboxRecord, PublishFailed
from shared.services.outbox import Outbox, Pending
from shared.storage.memory import MemoryStore
from tests.rig import START, SetClock


class SlowPublisher:
    """Publishes when it is allowed to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.allowed = asyncio.Event()
        self.down = False
        self.closed = False

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        await self.allowed.wait()
        if self.down:
            raise PublishFailed("down")
        self.groups.append([event.id for event in events])

    async def close(self) -> None:
        self.closed = True


class Post:
    """An outbox over a memory store, and records for it."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.store = MemoryStore()
        self.publisher = SlowPublisher()
        self.outbox = Outbox(self.publisher, self.clock)

    def record(self, id: str, events: int = 1) -> Pending:
        recorded = tuple(
            RecordedEvent(
                id=f"{id}.{number}",
                sequence=number,
                occurred_at=START,
                event=WorkerDeregistered(worker_id="worker"),
            )
            for number in range(1, events + 1)
        )
        record = OutboxRecord(id=id, aggregate_id="worker", created_at=START, events=recorded)
        return Pending(self.store.workers, record)

    async def published(self) -> list[list[str]]:
        self.publisher.allowed.set()
        await self.outbox.close()
        return self.publisher.groups


@pytest.fixture
async def post() -> Post:
    return Post()


async def test_posting_does_not_wait(post: Post) -> None:
    async with asyncio.timeout(1):
        await post.outbox.post([post.record("a")])
    assert post.publisher.groups == []
    assert await post.published() == [["a.1"]]


async def test_what_gathers_while_the_courier_is_away_goes_together(post: Post) -> None:
    await post.outbox.post([post.record("a")])
    await asyncio.sleep(0.01)
    for name in ("b", "c", "d"):
        await post.outbox.post([post.record(name, events=2)])
    assert await post.published() == [["a.1"], ["b.1", "b.2", "c.1", "c.2", "d.1", "d.2"]]


async def test_what_is_posted_while_the_last_records_are_forgotten_goes_out_too(post: Post) -> None:
    forgetting = asyncio.Event()
    forget = post.store.workers.remove_records

    async def slowly(records: Iterable[OutboxRecord]) -> None:
        forgetting.set()
        await asyncio.sleep(0.01)
        await forget(records)

    post.store.workers.remove_records = slowly  # type: ignore[method-assign]
    post.publisher.allowed.set()
    await post.outbox.post([post.record("a")])
    await forgetting.wait()
    await post.outbox.post([post.record("b")])
    assert await post.published() == [["a.1"], ["b.1"]]


async def test_records_without_events_are_forgotten_unpublished(post: Post) -> None:
    await post.outbox.post([post.record("a", events=0)])
    assert await post.published() == []


async def test_after_a_failure_the_courier_rests(post: Post) -> None:
    post.publisher.down = True
    await post.outbox.post([post.record("a")])
    assert await post.published() == []
    post.publisher.down = False
    await post.outbox.post([post.record("b")])
    assert await post.published() == [], "it is for the sweep to try"
    post.clock.forward(seconds=6)
    await post.outbox.post([post.record("c")])
    assert await post.published() == [["c.1"]]


async def test_a_delivery_on_request_is_tried_even_after_a_failure(post: Post) -> None:
    post.publisher.allowed.set()
    post.publisher.down = True
    assert not await post.outbox.deliver([post.record("a")])
    post.publisher.down = False
    assert await post.outbox.deliver([post.record("a")])
    assert await post.published() == [["a.1"]]


async def test_closing_lets_the_courier_finish(post: Post) -> None:
    await post.outbox.post([post.record("a")])
    closing = asyncio.create_task(post.outbox.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    post.publisher.allowed.set()
    await closing
    assert post.publisher.closed
    assert post.publisher.groups == [["a.1"]]


async def test_nothing_posted_is_lost_or_doubled(post: Post) -> None:
    post.publisher.allowed.set()
    names = [f"record-{number}" for number in range(1000)]

    async def client(part: Sequence[str]) -> None:
        for name in part:
            await post.outbox.post([post.record(name)])
            await asyncio.sleep(0)

    await asyncio.gather(*(client(names[start::10]) for start in range(10)))
    groups = await post.published()
    assert sorted(id for group in groups for id in group) == sorted(f"{n}.1" for n in names)
    assert len(groups) < len(names) / 5, "they went together"
