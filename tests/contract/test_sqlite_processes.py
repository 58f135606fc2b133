"""Several processes on one file, and one that dies."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from shared.ports import JobFilter
from shared.storage.sqlite import SqliteStore, open_sqlite_store
from tests.contract.sqlite_processes import count_up, start_at_once, write_until_killed
from tests.contract.stores import all_pages
from tests.factories import NOW

PATIENCE = 60.0
"""Seconds after which a process counts as stuck."""

SPAWN = get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def run_together(target: Callable[..., None], *arguments: tuple[Any, ...]) -> list[int | None]:
    """The exit codes of one process for each tuple of arguments."""
    processes = [SPAWN.Process(target=target, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
    return [process.exitcode for process in processes]


async def test_processes_may_create_the_file_at_once(path: Path) -> None:
    assert run_together(start_at_once, *((path, f"j{n}") for n in range(4))) == [0] * 4
    store = await open_sqlite_store(path)
    assert [job.value.id for job in (await store.jobs.list(JobFilter(), 10)).items] == [
        *("j0", "j1", "j2", "j3")
    ]
    await store.close()


async def test_no_increment_of_any_process_is_lost(path: Path) -> None:
    processes, increments = 3, 60
    codes = run_together(count_up, *((path, f"p{n}", increments, 2) for n in range(processes)))
    assert codes == [0] * processes
    store = await open_sqlite_store(path)
    counter = await store.workers.get("counter")
    assert counter is not None
    assert counter.value.sequence == processes * increments
    records = await store.workers.outbox(NOW + timedelta(days=1), 1000)
    expected = {f"p{p}-{n}" for p in range(processes) for n in range(increments)}
    assert {record.id for record in records} == expected
    await store.close()


async def test_a_killed_process_loses_nothing_it_acknowledged(path: Path) -> None:
    acknowledged = _acknowledged_before_the_kill(path)
    store = await open_sqlite_store(path)
    kept = await _ids(store)
    assert set(acknowledged) <= kept
    records = await store.jobs.outbox(NOW + timedelta(days=1), 10**6)
    assert {record.aggregate_id for record in records} == kept
    await store.close()


def _acknowledged_before_the_kill(path: Path) -> list[str]:
    receiver, sender = Pipe(duplex=False)
    process = SPAWN.Process(target=write_until_killed, args=(path, sender))
    process.start()
    sender.close()
    acknowledged = _received(receiver, at_least=200)
    process.kill()
    acknowledged += _rest(receiver)
    process.join(PATIENCE)
    receiver.close()
    return acknowledged


def _received(receiver: Connection, at_least: int) -> list[str]:
    deadline = time.monotonic() + PATIENCE
    received: list[str] = []
    while len(received) < at_least:
        assert receiver.poll(deadline - time.monotonic())
        received.append(receiver.recv())
    return received


def _rest(receiver: Connection) -> list[str]:
    """What the process had sent before it died; its last words may be cut off."""
    rest: list[str] = []
    try:
        while True:
            rest.append(receiver.recv())
    except (EOFError, OSError):
        return rest


async def _ids(store: SqliteStore) -> set[str]:
    jobs = await all_pages(partial(store.jobs.list, JobFilter(), 1000))
    return {job.value.id for job in jobs}
