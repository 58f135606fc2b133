"""The embedded durable store: one SQLite file, shared by any number of processes."""

from shared.storage.sqlite.connections import Synchronous
from shared.storage.sqlite.schema import UnsupportedSchema
from shared.storage.sqlite.store import SqliteStore, open_sqlite_store

__all__ = ["SqliteStore", "Synchronous", "UnsupportedSchema", "open_sqlite_store"]
