"""Aggregates in SQLite: a row for the document, rows that index it, rows for its outbox."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import AlreadyExists, ConcurrencyConflict, OutboxRecord, Page, Stored
from shared.storage.continuation import PagedQuery
from shared.storage.documents import OUTBOX_RECORDS, Codec
from shared.storage.epoch import to_micros
from shared.storage.etags import first_etag, next_etag
from shared.storage.sqlite.database import Database
from shared.storage.sqlite.tables import (
    STORED,
    Row,
    SqlValue,
    changed_one,
    insert,
    select_merged,
    split_key,
    stored,
    update,
)

type IndexRows = Mapping[str, Sequence[Row]]
"""Rows by table. The first column of each is the aggregate's id, ``worker_id``."""


SMALL_PAGE = 10
"""To find and decode so many rows takes no longer than to hand the work to a thread and back."""


class SqliteAggregates[A: Job | Worker](ABC):
    """``table`` holds the documents; it also names the kind of their outbox records."""

    def __init__(self, database: Database, table: str, codec: Codec[A]) -> None:
        self._database = database
        self._table = table
        self._codec = codec

    @abstractmethod
    def _columns(self, aggregate: A) -> Mapping[str, SqlValue]:
        """The indexed columns of the aggregate's row."""

    @abstractmethod
    def _index_rows(self, aggregate: A) -> IndexRows:
        """The rows of other tables that index the aggregate; always of the same tables."""

    @abstractmethod
    def _check_new(self, connection: sqlite3.Connection, aggregate: A) -> None:
        """Whether there may be such an aggregate, in the transaction that creates it.

        :raises StoreError: there may not.
        """

    async def get(self, id: str) -> Stored[A] | None:
        statement = f"SELECT {STORED} FROM {self._table} WHERE id = ?"

        def read(connection: sqlite3.Connection) -> Stored[A] | None:
            row = connection.execute(statement, (id,)).fetchone()
            return row and stored(self._codec, row)

        return await self._database.readers.run_at_once(read)

    async def create(self, aggregate: A, record: OutboxRecord | None, now: datetime) -> Stored[A]:
        created = Stored(aggregate, first_etag(), now)
        row, rows = self._row(created), self._index_rows(aggregate)
        outbox_row = self._outbox_row(record)
        statement = insert(self._table, row)

        def write(connection: sqlite3.Connection) -> None:
            if not changed_one(connection, statement, row):
                raise AlreadyExists(f"'{aggregate.id}' exists already.")
            self._check_new(connection, aggregate)
            _index(connection, aggregate.id, {}, rows)
            _add_record(connection, outbox_row)

        await self._database.writer.run(write)
        return created

    async def replace(
        self, expected: Stored[A], aggregate: A, record: OutboxRecord | None, now: datetime
    ) -> Stored[A]:
        replaced = Stored(aggregate, next_etag(expected.etag), now)
        row = self._row(replaced)
        before, after = self._index_rows(expected.value), self._index_rows(aggregate)
        outbox_row = self._outbox_row(record)
        statement = update(self._table, row, "id = :id AND etag = :expected")

        def write(connection: sqlite3.Connection) -> None:
            if not changed_one(connection, statement, {**row, "expected": expected.etag}):
                raise _conflict(aggregate.id)
            _index(connection, aggregate.id, before, after)
            _add_record(connection, outbox_row)

        await self._database.writer.run(write)
        return replaced

    async def delete(self, expected: Stored[A], record: OutboxRecord | None) -> None:
        key = {"id": expected.value.id, "expected": expected.etag}
        rows = self._index_rows(expected.value)
        outbox_row = self._outbox_row(record)
        statement = f"DELETE FROM {self._table} WHERE id = :id AND etag = :expected"

        def write(connection: sqlite3.Connection) -> None:
            if not changed_one(connection, statement, key):
                raise _conflict(expected.value.id)
            _index(connection, expected.value.id, rows, dict.fromkeys(rows, ()))
            _add_record(connection, outbox_row)

        await self._database.writer.run(write)

    async def due(self, now: datetime, limit: int) -> Sequence[Stored[A]]:
        return await self._earliest("due_at", now, limit)

    async def outbox(self, created_before: datetime, limit: int) -> Sequence[OutboxRecord]:
        statement = """
            SELECT document FROM outbox WHERE kind = ? AND created_at < ?
            ORDER BY created_at, id LIMIT ?
        """
        parameters = (self._table, to_micros(created_before), limit)

        def read(connection: sqlite3.Connection) -> Sequence[OutboxRecord]:
            rows = connection.execute(statement, parameters)
            return [OUTBOX_RECORDS.from_json(document) for (document,) in rows]

        return await self._database.readers.run(read)

    async def remove_records(self, records: Iterable[OutboxRecord]) -> None:
        keys = [(self._table, record.aggregate_id, record.id) for record in records]
        if not keys:
            return
        statement = "DELETE FROM outbox WHERE kind = ? AND aggregate_id = ? AND id = ?"

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(statement, keys)

        await self._database.writer.run(write)

    async def _earliest(self, column: str, until: datetime, limit: int) -> Sequence[Stored[A]]:
        statement = f"""
            SELECT {STORED} FROM {self._table} WHERE {column} <= ? ORDER BY {column}, id LIMIT ?
        """

        def read(connection: sqlite3.Connection) -> Sequence[Stored[A]]:
            rows = connection.execute(statement, (to_micros(until), limit))
            return [stored(self._codec, row) for row in rows]

        return await self._database.readers.run(read)

    async def _count(self, statement: str, parameters: Sequence[SqlValue]) -> int:
        def read(connection: sqlite3.Connection) -> int:
            (count,) = connection.execute(statement, parameters).fetchone()
            return int(count)

        return await self._database.readers.run_at_once(read)

    async def _page(
        self,
        query: PagedQuery,
        statement: str,
        ranges: Iterable[Sequence[SqlValue]],
        limit: int,
    ) -> Page[Stored[A]]:
        """A page of what :func:`select_merged` finds, as sort key and stored columns."""

        def read(connection: sqlite3.Connection) -> Page[Stored[A]]:
            rows = select_merged(connection, statement, ranges, limit + 1)
            page = query.page([split_key(row) for row in rows], limit)
            return Page([stored(self._codec, row) for row in page.items], page.continuation)

        readers = self._database.readers
        return await (readers.run_at_once(read) if limit <= SMALL_PAGE else readers.run(read))

    def _row(self, written: Stored[A]) -> Mapping[str, SqlValue]:
        return {
            "id": written.value.id,
            "etag": written.etag,
            "modified_at": to_micros(written.modified_at),
            "document": self._codec.to_json(written.value),
            **self._columns(written.value),
        }

    def _outbox_row(self, record: OutboxRecord | None) -> Mapping[str, SqlValue] | None:
        if record is None:
            return None
        return {
            "kind": self._table,
            "aggregate_id": record.aggregate_id,
            "id": record.id,
            "created_at": to_micros(record.created_at),
            "document": OUTBOX_RECORDS.to_json(record),
        }


def _index(connection: sqlite3.Connection, id: str, before: IndexRows, after: IndexRows) -> None:
    """Rewrite the rows of those tables in which something changed."""
    for table, rows in after.items():
        if rows == before.get(table, ()):
            continue
        connection.execute(f"DELETE FROM {table} WHERE worker_id = ?", (id,))
        if rows:
            marks = ", ".join("?" for _ in rows[0])
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _add_record(connection: sqlite3.Connection, row: Mapping[str, SqlValue] | None) -> None:
    if row is not None and not changed_one(connection, insert("outbox", row), row):
        raise AlreadyExists(f"The outbox record '{row['id']}' exists already.")


def _conflict(id: str) -> ConcurrencyConflict:
    return ConcurrencyConflict(f"'{id}' was changed or removed.")
