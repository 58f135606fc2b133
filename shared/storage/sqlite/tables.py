"""Documents in tables: what all stores of this package do with rows."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from heapq import merge
from itertools import islice
from typing import Any

from shared.ports import Stored
from shared.storage.continuation import Position
from shared.storage.documents import Codec
from shared.storage.epoch import from_micros
from shared.storage.sqlite.connections import transaction

type SqlValue = str | int | float | None
type Row = tuple[Any, ...]

STORED = "document, etag, modified_at"
"""The columns from which :func:`stored` reads a document."""

_STORED_COLUMNS = 3


def insert(table: str, columns: Iterable[str]) -> str:
    """Does nothing if the row's primary key is taken."""
    names = ", ".join(columns)
    values = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"


def update(table: str, columns: Iterable[str], condition: str) -> str:
    changes = ", ".join(f"{column} = :{column}" for column in columns)
    return f"UPDATE {table} SET {changes} WHERE {condition}"


def changed_one(
    connection: sqlite3.Connection, statement: str, parameters: Mapping[str, SqlValue]
) -> bool:
    return connection.execute(statement, parameters).rowcount == 1


def stored[D](codec: Codec[D], row: Row) -> Stored[D]:
    document, etag, modified_at = row
    return Stored(codec.from_json(document), etag, from_micros(modified_at))


def split_key(row: Row) -> tuple[Position, Row]:
    """A row of sort key and stored columns as these two."""
    return row[:-_STORED_COLUMNS], row[-_STORED_COLUMNS:]


def select_merged(
    connection: sqlite3.Connection,
    statement: str,
    ranges: Iterable[Sequence[SqlValue]],
    limit: int,
) -> list[Row]:
    """The first rows of all ranges together.

    ``statement`` selects one range, given its parameters, in ascending order of its first columns,
    which no two rows share. Each range is an index range that is read only as far as needed; they
    are merged here because SQLite would read and sort all of them whole. They see one state of the
    file, so a row that moves from range to range is not missed.
    """
    with transaction(connection, "BEGIN"), ExitStack() as cursors:
        opened = [
            cursors.enter_context(closing(connection.execute(statement, parameters)))
            for parameters in ranges
        ]
        return list(islice(merge(*opened), limit))
