"""What the local topic keeps: over restarts, kills, and among several processes."""

import asyncio
import json
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from infra.local.topic.database import Database, DatabaseClosedError, Operation
from tests.local.topic_rig import (
    API_VERSION,
    EVENTS,
    KEY,
    PATIENCE,
    Post,
    Served,
    answer,
    raw_event,
    receiver,
    served,
    states,
)


async def hang(_post: Post) -> int:
    await asyncio.sleep(PATIENCE)
    return 200


async def test_undelivered_events_are_delivered_after_a_restart(tmp_path: Path) -> None:
    async with receiver(answer=hang) as webhook:
        async with served(tmp_path, webhook.url, lease=60) as topic:
            await topic.publish("a", "b")
            await webhook.until(lambda w: w.posts)
            await topic.publish("c")
            await topic.publish("d")
        webhook.answer = answer(200)
        async with served(tmp_path, webhook.url, lease=60) as topic:
            await webhook.receives("a", "b", "c", "d")
            await topic.settled(4)


async def test_delivered_events_are_not_delivered_again_after_a_restart(tmp_path: Path) -> None:
    async with receiver() as webhook:
        async with served(tmp_path, webhook.url) as topic:
            await topic.publish("a")
            await topic.settled(1)
        async with served(tmp_path, webhook.url) as topic:
            await topic.publish("b")
            await topic.settled(2)
    assert webhook.accepted_ids == ["a", "b"]


@asynccontextmanager
async def topic_process(folder: Path, lease: float, *webhooks: str) -> AsyncIterator[Served]:
    """A topic in a process of its own, which is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.local.topic_process", str(folder), str(lease), *webhooks),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as http:
            yield Served(url, http, folder / "dead-letters.jsonl")
    finally:
        process.kill()
        await process.wait()


async def post_each(topic: Served, ids: list[str]) -> None:
    """Post the events one by one, by a few clients at once."""

    async def client(part: list[str]) -> None:
        for id in part:
            assert (await topic.post(json.dumps([raw_event(id=id)])))[0] == 200

    await asyncio.gather(*(client(ids[start::4]) for start in range(4)))


async def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    ids = [str(n) for n in range(60)]
    async with receiver(answer=hang) as webhook:
        async with topic_process(tmp_path, 0.3, webhook.url) as topic:
            await topic.publish("claimed")
            await webhook.until(lambda w: w.posts)
            await post_each(topic, ids)
        webhook.answer = answer(200)
        async with served(tmp_path, webhook.url):
            await webhook.receives("claimed", *ids)
    assert Counter(webhook.accepted_ids) == Counter(["claimed", *ids])


async def test_processes_share_one_file(tmp_path: Path) -> None:
    ids = [str(n) for n in range(200)]
    lease = 30
    async with (
        receiver() as webhook,
        topic_process(tmp_path, lease, webhook.url) as one,
        topic_process(tmp_path, lease, webhook.url) as other,
    ):
        await asyncio.gather(post_each(one, ids[::2]), post_each(other, ids[1::2]))
        await webhook.receives(*ids)
        await one.settled(200)
        assert states(await other.settled(200)) == {"delivered": 200}
    assert Counter(webhook.accepted_ids) == Counter(ids)


async def test_living_process_takes_over_from_a_killed_one(tmp_path: Path) -> None:
    async with receiver(answer=hang) as webhook, served(tmp_path, webhook.url):
        async with topic_process(tmp_path, 0.3, webhook.url) as killed:
            await killed.publish("a")
            await webhook.until(lambda w: w.posts)
        webhook.answer = answer(200)
        await webhook.receives("a")


async def test_old_events_are_pruned_but_never_undelivered_ones(tmp_path: Path) -> None:
    async with (
        receiver(answer=answer(500, 200)) as webhook,
        served(tmp_path, webhook.url, kept_events=5, retry_delays=(60,)) as topic,
    ):
        await topic.publish("stuck")
        await webhook.until(lambda w: w.posts)
        for n in range(3):
            await topic.publish(*(f"{n}-{m}" for m in range(8)))
        kept = ["stuck", *(f"2-{m}" for m in range(3, 8))]
        await topic.shows(*kept)
    with closing(sqlite3.connect(tmp_path / "topic.db")) as db:
        assert db.execute("SELECT count(*) FROM deliveries").fetchone() == (len(kept),)


async def test_cursor_goes_on_after_everything_was_pruned(tmp_path: Path) -> None:
    async with served(tmp_path, kept_events=0) as topic:
        await topic.publish("a", "b")
        await topic.shows()
        await topic.publish("c")
        page = await topic.history(after=2)
    assert page["cursor"] == 3


async def test_torn_last_line_of_the_dead_letters_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "dead-letters.jsonl"
    file.write_text('{"id": "tor')
    async with receiver(answer=answer(400)) as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await topic.settled(1)
        await topic.publish("b")
        await topic.settled(2)
    torn, *letters = file.read_text().splitlines()
    assert torn == '{"id": "tor'
    assert [json.loads(letter)["id"] for letter in letters] == ["a", "b"]


async def test_unavailable_database_is_answered_with_503(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        with closing(sqlite3.connect(tmp_path / "topic.db", autocommit=True)) as db:
            db.execute("ALTER TABLE events RENAME TO hidden")
            status, error = await topic.post(json.dumps([raw_event()]))
            assert status == 503
            assert error["error"]["code"] == "ServiceUnavailable"
            db.execute("ALTER TABLE hidden RENAME TO events")
        assert (await topic.post(json.dumps([raw_event()])))[0] == 200


async def test_delivery_outlives_a_failure_of_the_database(tmp_path: Path) -> None:
    async def hide_deliveries(_post: Post) -> int:
        db.execute("ALTER TABLE deliveries RENAME TO hidden")
        return 200

    async with (
        receiver(answer=hide_deliveries) as webhook,
        served(tmp_path, webhook.url, lease=0.1) as topic,
    ):
        with closing(sqlite3.connect(tmp_path / "topic.db", autocommit=True)) as db:
            await topic.publish("a")
            await webhook.receives("a")
            await asyncio.sleep(0.2)
            webhook.answer = answer(200)
            db.execute("ALTER TABLE hidden RENAME TO deliveries")
            await topic.publish("b")
            await topic.settled(2)


async def test_publisher_that_leaves_midway_stores_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        host, port = topic.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        query = "&".join(f"{name}={value}" for name, value in API_VERSION.items())
        writer.write(
            f"POST {EVENTS}?{query} HTTP/1.1\r\nHost: {host}\r\naeg-sas-key: {KEY}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n[]".encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await topic.publish("b")
        assert [stored["id"] for stored in (await topic.history())["events"]] == ["b"]


async def test_database_of_another_kind_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "topic.db").write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        async with served(tmp_path):
            pass


async def test_start_waits_for_another_process_that_makes_the_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "topic.db", autocommit=True)) as other:
        other.execute("CREATE TABLE something (n INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
        async with served(tmp_path) as topic:
            await topic.publish("a")
            await topic.shows("a")


async def test_start_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "topic.db")) as db:
        db.execute("CREATE TABLE webhooks (something_else TEXT)")
    with pytest.raises(sqlite3.OperationalError):
        async with served(tmp_path):
            pass
    assert not [t for t in threading.enumerate() if t.name == "local-topic-database"]


async def test_failed_operation_takes_no_neighbour_with_it(tmp_path: Path) -> None:
    def insert(n: int) -> Operation[int]:
        return lambda db: db.execute("INSERT INTO numbers VALUES (?)", (n,)).rowcount

    database = Database(tmp_path / "numbers.db", "CREATE TABLE numbers (n INTEGER UNIQUE);")
    await database.start()
    gate = threading.Event()
    busy = asyncio.create_task(database.run(lambda _db: gate.wait()))
    await asyncio.sleep(0.05)  # Now the operations below wait together, and become one group.
    operations = [asyncio.create_task(database.run(insert(n))) for n in (1, 2, 1, 3)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*operations, return_exceptions=True)
    await busy
    numbers = await database.run(lambda db: db.execute("SELECT n FROM numbers").fetchall())
    await database.stop()

    assert [isinstance(result, sqlite3.IntegrityError) for result in results] == [0, 0, 1, 0]
    assert numbers == [(1,), (2,), (3,)]
    with pytest.raises(DatabaseClosedError):
        await database.run(insert(4))
