"""The one thread that writes: operations that wait together are committed together.

A commit costs a wait for the disk, however much is in it. So all operations that were asked for
while the last transaction was being committed share the next one. Each has a savepoint of its own:
it is refused alone, and acknowledged only after the commit.
"""

import sqlite3
from asyncio import to_thread, wrap_future
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue, ShutDown
from threading import Thread

from shared.storage.sqlite.connections import closed, transaction, unavailable

_MAX_GROUP = 128

type Write = Callable[[sqlite3.Connection], None]
"""Statements within the transaction of the writer; raises to be undone and refused."""


@dataclass(frozen=True, slots=True)
class _Request:
    write: Write
    answer: Future[None] = field(default_factory=Future)

    def resolve(self, refusal: Exception | None) -> None:
        if refusal is None:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(refusal)


class Writer:
    """Owns the connection: nobody else may use or close it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._requests: Queue[_Request] = Queue()
        self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, write: Write) -> None:
        """Return once the write is durable. A caller that gives up does not disturb the others.

        :raises StoreUnavailable: nothing was written.
        """
        request = _Request(write)
        try:
            self._requests.put(request)
        except ShutDown:
            raise closed() from None
        await wrap_future(request.answer)

    async def close(self) -> None:
        """Finish what was asked for so far."""
        self._requests.shutdown()
        await to_thread(self._thread.join)

    def _serve(self) -> None:
        with suppress(ShutDown):
            while True:
                if group := self._next_group():
                    self._commit(group)
        self._connection.close()

    def _next_group(self) -> Sequence[_Request]:
        group = [self._requests.get()]
        with suppress(Empty, ShutDown):
            while len(group) < _MAX_GROUP:
                group.append(self._requests.get_nowait())
        return [request for request in group if request.answer.set_running_or_notify_cancel()]

    def _commit(self, group: Sequence[_Request]) -> None:
        try:
            with transaction(self._connection, "BEGIN IMMEDIATE"):
                refusals = [self._attempt(request.write) for request in group]
        except Exception as error:
            refusals = [_refusal(error) for _ in group]
        for request, refusal in zip(group, refusals, strict=True):
            request.resolve(refusal)

    def _attempt(self, write: Write) -> Exception | None:
        """Why the write was refused, and undone.

        :raises sqlite3.Error: the whole transaction is lost.
        """
        self._connection.execute("SAVEPOINT write")
        try:
            write(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO write")
            refusal: Exception | None = _refusal(error)
        else:
            refusal = None
        self._connection.execute("RELEASE write")
        return refusal


def _refusal(error: Exception) -> Exception:
    return unavailable(error) if isinstance(error, sqlite3.Error) else error
