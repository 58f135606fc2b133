"""One SQLite connection on a thread of its own, which groups waiting operations."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

_BUSY_SECONDS = 10.0
_MAX_GROUP = 256

type Operation[T] = Callable[[sqlite3.Connection], T]


class DatabaseClosedError(Exception):
    """The database is not open: not yet started, or stopped."""


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Operation[Any]
    future: asyncio.Future[Any]

    def resolve(self, result: Any) -> None:
        if self.future.cancelled():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Database:
    """Runs operations in write transactions, many waiting ones in one transaction.

    The file may be shared with other processes. A commit survives the death of the process;
    `synchronous=NORMAL` does not promise that it survives a power failure.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Open the file, creating it and its tables when missing.

        :raises sqlite3.Error: the file cannot be opened or is no database.
        """
        connection = await asyncio.to_thread(self._open)
        arguments = (connection, asyncio.get_running_loop())
        self._thread = threading.Thread(
            target=self._serve, args=arguments, name="local-topic-database", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Finish the operations already asked for, and close the file."""
        if (thread := self._thread) is not None:
            self._thread = None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def run[T](self, operation: Operation[T]) -> T:
        """Run the operation in a transaction and return its result once committed.

        An operation that fails is rolled back alone. It may be called a second time after a
        failure of its group, so it must change nothing but the database.

        :raises sqlite3.Error: the operation or its commit failed.
        :raises DatabaseClosedError: outside of `start` and `stop`.
        """
        if self._thread is None:
            raise DatabaseClosedError
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(operation, future))
        return await future

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, autocommit=True, check_same_thread=False
        )
        try:
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(f"BEGIN IMMEDIATE;\n{self._schema}\nCOMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _serve(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        with closing(connection):
            while group := self._next_group():
                results = _run_group(connection, group)
                loop.call_soon_threadsafe(_resolve, zip(group, results, strict=True))

    def _next_group(self) -> list[_Job]:
        """The waiting jobs in order, at least one; nothing once the database is stopped."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == _MAX_GROUP:
                return group
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group
        if group:
            self._jobs.put(None)  # The end was met behind these: meet it again after them.
        return group


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite does not wait here while another process does the same."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _resolve(outcomes: Iterable[tuple[_Job, Any]]) -> None:
    for job, result in outcomes:
        job.resolve(result)


def _run_group(connection: sqlite3.Connection, group: list[_Job]) -> list[Any]:
    try:
        return _transact(connection, group)
    except Exception as error:
        if len(group) == 1:
            return [error]
    return [result for job in group for result in _run_group(connection, [job])]


def _transact(connection: sqlite3.Connection, group: list[_Job]) -> list[Any]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [job.operation(connection) for job in group]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results
