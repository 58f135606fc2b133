"""What the SQLite store promises beyond the contract: one file, many users, nothing lost."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shared.domain.jobs import Assignment, Job
from shared.domain.labels import LabelOperator
from shared.domain.statuses import JobStatus
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    JobFilter,
    StoreUnavailable,
    WorkerQuery,
)
from shared.storage.documents import JOBS, UnreadableDocument
from shared.storage.sqlite import SqliteStore, Synchronous, UnsupportedSchema, open_sqlite_store
from shared.storage.sqlite.readers import Readers
from shared.storage.sqlite.schema import VERSION
from shared.storage.sqlite.tables import insert
from shared.storage.sqlite.writer import Writer
from tests.contract.sqlite_schema_1 import SCHEMA_1
from tests.factories import (
    NOW,
    make_job,
    make_queue,
    make_record,
    make_selector,
    make_worker,
    seconds,
)

IMPATIENT = 0.05
"""Seconds to wait for a lock that is not coming."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite_store(path, synchronous=Synchronous.NORMAL, busy_timeout=IMPATIENT)
    yield opened
    await opened.close()


@pytest.fixture
def stranger(path: Path, store: SqliteStore) -> Iterator[sqlite3.Connection]:  # noqa: ARG001
    """Another user of the store's file."""
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        yield connection


# -- opening and closing --------------------------------------------------------------------------


async def test_everything_is_there_after_a_restart(path: Path) -> None:
    store = await open_sqlite_store(path)
    job = await store.jobs.create(make_job("a"), make_record("r", "a"), NOW)
    worker = await store.workers.create(make_worker("a"), None, NOW)
    queue = await store.queues.create(make_queue("a"), NOW)
    await store.close()
    store = await open_sqlite_store(path)
    assert await store.jobs.get("a") == job
    assert await store.workers.get("a") == worker
    assert await store.queues.get("a") == queue
    assert (await store.jobs.waiting(["queue-1"], None, 10)).items == [job]
    await store.close()


async def test_the_folder_is_created(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "store.db"
    await (await open_sqlite_store(path)).close()
    assert path.exists()


async def test_two_stores_share_a_file(store: SqliteStore, path: Path) -> None:
    other = await open_sqlite_store(path)
    created = await store.jobs.create(make_job("a"), make_record("r", "a"), NOW)
    assert await other.jobs.get("a") == created
    with pytest.raises(AlreadyExists):
        await other.jobs.create(make_job("a"), None, NOW)
    changed = await other.jobs.replace(created, make_job("a", priority=9), None, NOW)
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.replace(created, make_job("a"), None, NOW)
    assert await store.jobs.get("a") == changed
    await other.close()


async def test_many_stores_may_start_at_once(path: Path) -> None:
    stores = await asyncio.gather(*(open_sqlite_store(path) for _ in range(10)))
    for number, store in enumerate(stores):
        await store.jobs.create(make_job(f"j{number}"), None, NOW)
    assert len((await stores[0].jobs.list(JobFilter(), 100)).items) == 10
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_newer_schema_is_refused(path: Path) -> None:
    await (await open_sqlite_store(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1000")
    with pytest.raises(UnsupportedSchema, match="1000"):
        await open_sqlite_store(path)


async def test_a_file_of_schema_1_is_migrated_with_what_is_in_it(path: Path) -> None:
    jobs = (
        make_job("waits", classification_policy_id="policy"),
        make_job("closed", status=JobStatus.CLOSED, assignments=(make_assignment(9),)),
        make_job("busy", status=JobStatus.ASSIGNED, assignments=(make_assignment(3),)),
    )
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.executescript(SCHEMA_1)
        for job in jobs:
            insert_in_schema_1(connection, job)
    for _ in range(2):
        store = await open_sqlite_store(path)
        listed = await store.jobs.list(JobFilter(classification_policy_id="policy"), 10)
        assert [stored.value for stored in listed.items] == [jobs[0]]
        assigned = await store.jobs.assigned_last("queue-1", 10)
        assert [stored.value for stored in assigned] == [jobs[1], jobs[2]]
        assert await store.jobs.count_waiting("queue-1") == 1
        await store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)


async def test_a_migrated_file_has_the_schema_of_a_new_one(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.executescript(SCHEMA_1)
    await (await open_sqlite_store(path)).close()
    await (await open_sqlite_store(tmp_path / "new.db")).close()
    assert schema_of(path) == schema_of(tmp_path / "new.db")


async def test_a_file_whose_migration_fails_stays_as_it_was(path: Path) -> None:
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.executescript(SCHEMA_1)
        insert_in_schema_1(connection, make_job("damaged"))
        connection.execute("UPDATE jobs SET document = '{}'")
    before = schema_of(path)
    with pytest.raises(StoreUnavailable):
        await open_sqlite_store(path)
    assert schema_of(path) == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_file_of_schema_2_is_migrated(path: Path, tmp_path: Path) -> None:
    """It had no bars yet."""
    store = await open_sqlite_store(path)
    await store.jobs.create(make_job("a"), None, NOW)
    await store.close()
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.executescript("DROP TABLE barred_jobs; PRAGMA user_version = 2")
    store = await open_sqlite_store(path)
    assert await store.jobs.get("a") is not None
    await store.jobs.bar_offers("b", NOW)
    await store.close()
    await (await open_sqlite_store(tmp_path / "new.db")).close()
    assert schema_of(path) == schema_of(tmp_path / "new.db")


async def test_a_bar_lasts_for_a_day_and_is_forgotten_with_a_later_one(path: Path) -> None:
    store = await open_sqlite_store(path)
    await store.jobs.bar_offers("old", NOW)
    await store.jobs.bar_offers("renewed", NOW)
    await store.jobs.bar_offers("renewed", NOW + seconds(3600))
    await store.jobs.bar_offers("new", NOW + seconds(86_401))
    with closing(sqlite3.connect(path)) as connection:
        barred = connection.execute("SELECT id FROM barred_jobs ORDER BY id").fetchall()
    assert barred == [("new",), ("renewed",)]
    await store.close()


async def test_the_creation_of_a_job_removes_its_bar(path: Path) -> None:
    store = await open_sqlite_store(path)
    await store.jobs.bar_offers("a", NOW)
    await store.jobs.create(make_job("a"), None, NOW)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM barred_jobs").fetchall() == []
    await store.close()


def insert_in_schema_1(connection: sqlite3.Connection, job: Job) -> None:
    """As the release with schema 1 wrote it."""
    row = {
        "id": job.id,
        "etag": "1",
        "modified_at": 0,
        "due_at": 0,
        "status": job.status,
        "queue_id": job.queue_id,
        "channel_id": job.channel_id,
        "waiting": job.is_waiting,
        "tier": 1,
        "rank": -job.priority,
        "waiting_since": 0,
        "document": JOBS.to_json(job),
    }
    assert connection.execute(insert("jobs", row), row).rowcount == 1


def make_assignment(after: float) -> Assignment:
    return Assignment(
        assignment_id="assignment",
        worker_id="worker-1",
        offer_id="offer-1",
        assigned_at=NOW + seconds(after),
    )


def schema_of(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        statement = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
        return connection.execute(statement).fetchall()


@pytest.fixture
def text_file(path: Path) -> Path:
    path.write_text("not a database " * 100)
    return path


async def test_a_file_that_is_no_database_is_refused(text_file: Path) -> None:
    with pytest.raises(StoreUnavailable, match="not a database"):
        await open_sqlite_store(text_file, busy_timeout=IMPATIENT)


async def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        await open_sqlite_store(tmp_path / "file" / "store.db")


async def test_a_closed_store_is_unavailable(path: Path) -> None:
    store = await open_sqlite_store(path)
    created = await store.jobs.create(make_job("a"), None, NOW)
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.jobs.get("a")
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.jobs.replace(created, make_job("a"), None, NOW)


async def test_closing_finishes_what_was_asked_for(path: Path) -> None:
    store = await open_sqlite_store(path)
    writes = [
        asyncio.create_task(store.jobs.create(make_job(f"j{n:02}"), None, NOW)) for n in range(50)
    ]
    await asyncio.sleep(0)
    await store.close()
    created = await asyncio.gather(*writes)
    store = await open_sqlite_store(path)
    assert (await store.jobs.list(JobFilter(), 100)).items == created
    await store.close()


@pytest.mark.parametrize("synchronous", Synchronous)
async def test_how_long_a_commit_waits_is_a_setting(path: Path, synchronous: Synchronous) -> None:
    store = await open_sqlite_store(path, synchronous=synchronous)
    created = await store.jobs.create(make_job("a"), None, NOW)
    assert await store.jobs.get("a") == created
    await store.close()


async def test_an_etag_counts_the_writes(store: SqliteStore) -> None:
    stored = await store.jobs.create(make_job("a"), None, NOW)
    etags = [stored.etag]
    for _ in range(10):
        stored = await store.jobs.replace(stored, stored.value, None, NOW)
        etags.append(stored.etag)
    assert [int(etag.split("-")[0], 16) for etag in etags] == list(range(1, 12))
    assert all(re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", etag) for etag in etags)


# -- faults ---------------------------------------------------------------------------------------


async def test_a_busy_file_is_unavailable_and_recovers(
    store: SqliteStore, stranger: sqlite3.Connection
) -> None:
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.jobs.create(make_job("a"), make_record("r", "a"), NOW)
    assert await store.jobs.get("a") is None
    stranger.execute("ROLLBACK")
    await store.jobs.create(make_job("a"), make_record("r", "a"), NOW)


async def test_readers_do_not_wait_for_a_writer(
    store: SqliteStore, stranger: sqlite3.Connection
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    stranger.execute("BEGIN IMMEDIATE")
    stranger.execute("DELETE FROM jobs")
    assert await store.jobs.get("a") == created
    stranger.execute("ROLLBACK")


COUNT = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
    SELECT count(*) FROM numbers
"""


@pytest.mark.parametrize(("rows", "threads"), [(10, ["loop"]), (100_000, ["loop", "reader"])])
async def test_a_read_at_once_that_takes_long_moves_to_a_thread(
    rows: int, threads: list[str]
) -> None:
    readers = Readers([sqlite3.connect(":memory:", check_same_thread=False)])
    used: list[str] = []

    def read(connection: sqlite3.Connection) -> int:
        in_loop = threading.current_thread() is threading.main_thread()
        used.append("loop" if in_loop else "reader")
        (count,) = connection.execute(COUNT, (rows,)).fetchone()
        return int(count)

    assert await readers.run_at_once(read) == rows
    assert used == threads
    await readers.close()


async def test_errors_of_sqlite_do_not_leak(
    store: SqliteStore, stranger: sqlite3.Connection
) -> None:
    stranger.execute("DROP TABLE jobs")
    with pytest.raises(StoreUnavailable):
        await store.jobs.get("a")
    with pytest.raises(StoreUnavailable):
        await store.jobs.create(make_job("a"), None, NOW)
    await store.workers.create(make_worker("a"), None, NOW)


async def test_a_full_disk_is_unavailable_and_recovers(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    connections = opened_by(monkeypatch)
    store = await open_sqlite_store(path, synchronous=Synchronous.NORMAL)
    writer = connections[0]
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    large, small = make_job("large", labels={"x": "x" * 10**6}), make_job("small")
    outcomes = await asyncio.gather(
        store.jobs.create(large, None, NOW), store.jobs.get("small"), return_exceptions=True
    )
    assert isinstance(outcomes[0], StoreUnavailable)
    writer.execute("PRAGMA max_page_count = 1000000")
    await store.jobs.create(large, None, NOW)
    await store.jobs.create(small, None, NOW)
    await store.close()


def opened_by(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened from now on; the first of a store is its writer's."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recording(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recording)
    return opened


async def test_a_document_of_a_newer_release_is_reported(
    store: SqliteStore, stranger: sqlite3.Connection
) -> None:
    await store.jobs.create(make_job("a"), None, NOW)
    stranger.execute("UPDATE jobs SET document = replace(document, 'QueueAndMatch', 'Later')")
    with pytest.raises(UnreadableDocument, match="Later"):
        await store.jobs.get("a")


# -- group commit ---------------------------------------------------------------------------------


async def test_each_write_of_a_group_is_refused_alone(path: Path) -> None:
    store = await open_sqlite_store(path, synchronous=Synchronous.NORMAL)
    known = await store.jobs.create(make_job("known"), None, NOW)
    with closing(sqlite3.connect(path, autocommit=True)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")  # Until this ends, writes gather.
        first = asyncio.create_task(store.jobs.create(make_job("first"), None, NOW))
        group = asyncio.gather(
            store.jobs.create(make_job("a"), make_record("r1", "a"), NOW),
            store.jobs.create(make_job("known"), make_record("r2", "known"), NOW),
            store.jobs.replace(known, make_job("known", priority=7), None, NOW),
            store.jobs.replace(known, make_job("known", priority=8), None, NOW),
            store.jobs.create(make_job("b", priority=2**70), make_record("r3", "b"), NOW),
            store.jobs.create(make_job("c"), None, NOW),
            return_exceptions=True,
        )
        await asyncio.sleep(0.01)
        stranger.execute("ROLLBACK")
    await first
    assert [type(outcome).__name__ for outcome in await group] == [
        *("Stored", "AlreadyExists", "Stored", "ConcurrencyConflict", "OverflowError", "Stored")
    ]
    assert [job.value.id for job in (await store.jobs.list(JobFilter(), 10)).items] == [
        *("a", "c", "first", "known")
    ]
    assert await store.jobs.outbox(NOW + seconds(1), 10) == [make_record("r1", "a")]
    await store.close()


class Gate:
    """A write that holds up the writer until the gate is opened."""

    def __init__(self) -> None:
        self._entered, self._opened = threading.Event(), threading.Event()

    def write(self, _connection: sqlite3.Connection) -> None:
        self._entered.set()
        assert self._opened.wait(10)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, 10)

    def open(self) -> None:
        self._opened.set()


class Numbers:
    """A writer, and a table to write to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.statements: list[str] = []
        connection = sqlite3.connect(path, autocommit=True, check_same_thread=False)
        connection.execute("CREATE TABLE numbers (number)")
        connection.set_trace_callback(self.statements.append)
        self.writer = Writer(connection)

    def insert(self, number: int) -> asyncio.Task[None]:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO numbers VALUES (?)", (number,))

        return asyncio.create_task(self.writer.run(write))

    def kept(self) -> list[int]:
        with closing(sqlite3.connect(self._path)) as connection:
            return [number for (number,) in connection.execute("SELECT number FROM numbers")]


async def test_writes_that_wait_together_share_a_commit(path: Path) -> None:
    numbers, gate = Numbers(path), Gate()
    held_up = asyncio.create_task(numbers.writer.run(gate.write))
    await gate.entered()
    waiting = asyncio.gather(*(numbers.insert(number) for number in range(100)))
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(held_up, waiting)
    await numbers.writer.close()
    assert numbers.statements.count("COMMIT") == 2
    assert numbers.kept() == list(range(100))


async def test_a_caller_that_gives_up_does_not_disturb_the_others(path: Path) -> None:
    numbers, gate = Numbers(path), Gate()
    held_up = asyncio.create_task(numbers.writer.run(gate.write))
    await gate.entered()
    given_up, patient = numbers.insert(1), numbers.insert(2)
    await asyncio.sleep(0)
    for task in (held_up, given_up):
        task.cancel()
    await asyncio.wait((held_up, given_up))
    gate.open()
    await patient
    await numbers.writer.close()
    assert 2 in numbers.kept()
    assert [task.cancelled() for task in (held_up, given_up)] == [True, True]


async def test_the_event_loop_runs_while_a_commit_waits(
    store: SqliteStore, stranger: sqlite3.Connection
) -> None:
    stranger.execute("BEGIN IMMEDIATE")
    write = asyncio.create_task(store.jobs.create(make_job("a"), None, NOW))
    turns = 0
    while not write.done():
        await asyncio.sleep(0.001)
        turns += 1
    stranger.execute("ROLLBACK")
    assert isinstance(write.exception(), StoreUnavailable)
    assert turns > 1


# -- selectors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", LabelOperator)
@pytest.mark.parametrize("value", [True, "1", "x", 1, 1.0, 2.5, -3], ids=repr)
async def test_workers_whose_labels_fail_are_left_out(
    store: SqliteStore, operator: LabelOperator, value: Any
) -> None:
    selector = make_selector("Skill", operator, value)
    labels = [{}, *({"Skill": label} for label in (True, False, "1", "x", 0, 1, 2.5, 10, -3.0))]
    for number, worker_labels in enumerate(labels):
        await store.workers.create(make_worker(str(number), labels=worker_labels), None, NOW)
    query = WorkerQuery(queue_id="queue-1", channel_id="chat", selectors=(selector,))
    found = [worker.value.id for worker in (await store.workers.available(query, 100)).items]
    assert found == [str(n) for n, labelled in enumerate(labels) if selector.accepts(labelled)]
