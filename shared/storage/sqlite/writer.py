"""The one thread that writes: operations that wait together are committed together.

A commit costs a wait for the disk, however much is in it. So all operations that were asked for
while the last transaction was being committed share the next one. Each has a savepoint of its own:
it is refused alone, and acknowledged only after the commit.
"""

import sqlite3
from asyncio import AbstractEventLoop, Future, get_running_loop, to_thread
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Thread

from shared.storage.sqlite.connections import closed, transaction, unavailable

_MAX_GROUP = 128

type Write = Callable[[sqlite3.Connection], None]
"""Statements within the transaction of the writer; raises to be undone and refused."""


@dataclass(frozen=True, slots=True)
class _Request:
    """``answer`` belongs to ``loop`` and is touched in its thread alone."""

    write: Write
    loop: AbstractEventLoop
    answer: Future[None]

    def resolve(self, refusal: Exception | None) -> None:
        if self.answer.done():  # The caller has given up.
            return
        if refusal is None:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(refusal)


class Writer:
    """Owns the connection: nobody else may use or close it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, write: Write) -> None:
        """Return once the write is durable. A caller that gives up does not disturb the others.

        :raises StoreUnavailable: nothing was written.
        """
        if self._closed:
            raise closed()
        loop = get_running_loop()
        request = _Request(write, loop, loop.create_future())
        self._requests.put(request)
        await request.answer

    async def close(self) -> None:
        """Finish what was asked for so far."""
        if not self._closed:
            self._closed = True
            self._requests.put(None)
        await to_thread(self._thread.join)

    def _serve(self) -> None:
        while group := self._next_group():
            self._commit(group)
        self._connection.close()

    def _next_group(self) -> Sequence[_Request]:
        """What waits to be written; nothing once the writer is closed and all is written."""
        group: list[_Request] = []
        request = self._requests.get()
        with suppress(Empty):
            while request is not None:
                group.append(request)
                if len(group) == _MAX_GROUP:
                    return group
                request = self._requests.get_nowait()
            if group:
                self._requests.put(None)  # Closing comes next, after this group.
        return group

    def _commit(self, group: Sequence[_Request]) -> None:
        try:
            with transaction(self._connection, "BEGIN IMMEDIATE"):
                refusals = [self._attempt(request.write) for request in group]
        except Exception as error:
            refusals = [_refusal(error) for _ in group]
        answers = zip(group, refusals, strict=True)
        for loop, answered in groupby(answers, key=lambda answer: answer[0].loop):
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(_resolve, list(answered))

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


def _resolve(answers: Iterable[tuple[_Request, Exception | None]]) -> None:
    for request, refusal in answers:
        request.resolve(refusal)


def _refusal(error: Exception) -> Exception:
    return unavailable(error) if isinstance(error, sqlite3.Error) else error
