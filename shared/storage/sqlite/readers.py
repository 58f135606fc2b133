"""A few threads that read, each with a connection of its own. They never wait for the writer."""

import sqlite3
from asyncio import get_running_loop, to_thread
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue

from shared.storage.sqlite.connections import closed, translated_errors

MOST_STEPS = 20_000
"""Instructions of SQLite's machine: about a millisecond."""

type Read[T] = Callable[[sqlite3.Connection], T]


class _TooLong(Exception):
    """The read was interrupted."""


class Readers:
    """Owns the connections: nobody else may use or close them."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for connection in connections:
            self._idle.put(connection)
        self._count = len(connections)
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="sqlite-reader")
        self._closed = False

    async def run[T](self, read: Read[T]) -> T:
        """:raises StoreUnavailable: the file cannot be read now, or the store is closed."""
        if self._closed:
            raise closed()
        return await get_running_loop().run_in_executor(self._threads, self._read, read)

    async def run_at_once[T](self, read: Read[T]) -> T:
        """As :meth:`run`, for a read of few rows: quicker done than handed to a thread.

        It takes tens of microseconds on the caller's own thread; waking another one and waiting for
        its answer takes longer. While the connections are all taken, it goes to the threads; and so
        it does if it turns out to search too many rows for the few.
        :raises StoreUnavailable: as for :meth:`run`.
        """
        if self._closed:
            raise closed()
        with suppress(Empty, _TooLong):
            return self._with(self._idle.get_nowait(), _briefly(read))
        return await self.run(read)

    async def close(self) -> None:
        """Finish what was asked for so far."""
        if self._closed:
            return
        self._closed = True
        await to_thread(self._threads.shutdown)
        for _ in range(self._count):
            self._idle.get().close()

    def _read[T](self, read: Read[T]) -> T:
        return self._with(self._idle.get(), read)

    def _with[T](self, connection: sqlite3.Connection, read: Read[T]) -> T:
        try:
            with translated_errors():
                return read(connection)
        finally:
            self._idle.put(connection)


def _briefly[T](read: Read[T]) -> Read[T]:
    """The read, or :class:`_TooLong` when it has taken ``MOST_STEPS``."""

    def attempt(connection: sqlite3.Connection) -> T:
        connection.set_progress_handler(_interrupt, MOST_STEPS)
        try:
            return read(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _TooLong from error
            raise
        finally:
            connection.set_progress_handler(None, 0)

    return attempt


def _interrupt() -> int:
    return 1
