"""Opening connections, and what is left of SQLite's errors outside of this package."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from shared.ports import StoreUnavailable

_CACHE_KIBIBYTES = 16_384


class Synchronous(StrEnum):
    """What an acknowledged write survives."""

    FULL = "FULL"
    """The loss of power: every transaction waits for the disk."""
    NORMAL = "NORMAL"
    """The death of the process, but perhaps not the loss of power."""


def connect(path: Path, synchronous: Synchronous, busy_timeout: float) -> sqlite3.Connection:
    """A connection for one thread at a time. ``busy_timeout``: seconds to wait for a lock."""
    connection = sqlite3.connect(
        path, timeout=busy_timeout, autocommit=True, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """A transaction, begun as told; rolled back if the body or the commit fails."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # Some errors of SQLite's have ended it already.
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated_errors() -> Iterator[None]:
    """:raises StoreUnavailable: instead of any error of SQLite or the file system."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The store's file cannot be used: {error}")


def closed() -> StoreUnavailable:
    return StoreUnavailable("The store is closed.")
