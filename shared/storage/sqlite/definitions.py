"""Definitions in SQLite: configuration, one kind in each store."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from shared.ports import AlreadyExists, ConcurrencyConflict, Document, Page, Stored
from shared.storage.documents import Codec
from shared.storage.epoch import to_micros
from shared.storage.etags import first_etag, next_etag
from shared.storage.queries import definition_list
from shared.storage.sqlite.database import Database
from shared.storage.sqlite.tables import (
    STORED,
    SqlValue,
    changed_one,
    insert,
    split_key,
    stored,
    update,
)

_AS_EXPECTED = "kind = :kind AND id = :id AND etag = :expected"


class SqliteDefinitionStore[D: Document]:
    def __init__(self, database: Database, kind: str, codec: Codec[D]) -> None:
        self._database = database
        self._kind = kind
        self._codec = codec

    async def get(self, id: str) -> Stored[D] | None:
        statement = f"SELECT {STORED} FROM definitions WHERE kind = ? AND id = ?"

        def read(connection: sqlite3.Connection) -> Stored[D] | None:
            row = connection.execute(statement, (self._kind, id)).fetchone()
            return row and stored(self._codec, row)

        return await self._database.readers.run_at_once(read)

    async def create(self, definition: D, now: datetime) -> Stored[D]:
        created = Stored(definition, first_etag(), now)
        row = self._row(created)

        def write(connection: sqlite3.Connection) -> None:
            if not changed_one(connection, insert("definitions", row), row):
                raise AlreadyExists(f"'{definition.id}' exists already.")

        await self._database.writer.run(write)
        return created

    async def replace(self, expected: Stored[D], definition: D, now: datetime) -> Stored[D]:
        replaced = Stored(definition, next_etag(expected.etag), now)
        row = self._row(replaced)
        await self._write_expected(
            update("definitions", row, _AS_EXPECTED), {**row, "expected": expected.etag}
        )
        return replaced

    async def delete(self, expected: Stored[D]) -> None:
        key = {"kind": self._kind, "id": expected.value.id, "expected": expected.etag}
        await self._write_expected(f"DELETE FROM definitions WHERE {_AS_EXPECTED}", key)

    async def list(self, limit: int, continuation: str | None = None) -> Page[Stored[D]]:
        query = definition_list(self._kind)
        position = query.position(continuation) or ()
        statement = f"""
            SELECT id, {STORED} FROM definitions
            WHERE kind = ? {"AND id > ?" if position else ""} ORDER BY id LIMIT ?
        """
        parameters = (self._kind, *position, limit + 1)

        def read(connection: sqlite3.Connection) -> Page[Stored[D]]:
            rows = connection.execute(statement, parameters)
            page = query.page([split_key(row) for row in rows], limit)
            return Page([stored(self._codec, row) for row in page.items], page.continuation)

        return await self._database.readers.run(read)

    async def _write_expected(self, statement: str, parameters: Mapping[str, SqlValue]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            if not changed_one(connection, statement, parameters):
                raise ConcurrencyConflict(f"'{parameters['id']}' was changed or removed.")

        await self._database.writer.run(write)

    def _row(self, written: Stored[D]) -> Mapping[str, SqlValue]:
        return {
            "kind": self._kind,
            "id": written.value.id,
            "etag": written.etag,
            "modified_at": to_micros(written.modified_at),
            "document": self._codec.to_json(written.value),
        }
