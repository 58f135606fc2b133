"""A few threads that read, each with a connection of its own. They never wait for the writer."""

import sqlite3
from asyncio import get_running_loop, to_thread
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from shared.storage.sqlite.connections import closed, translated_errors

type Read[T] = Callable[[sqlite3.Connection], T]


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
        """As :meth:`run`, for a read of one row: quicker done than handed to a thread.

        It takes tens of microseconds on the caller's own thread; waking another one and waiting for
        its answer takes longer. While the connections are all taken, it goes to the threads.
        :raises StoreUnavailable: as for :meth:`run`.
        """
        if self._closed:
            raise closed()
        try:
            connection = self._idle.get_nowait()
        except Empty:
            return await self.run(read)
        return self._with(connection, read)

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
