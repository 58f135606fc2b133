"""One file, opened: a writer and readers."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from shared.storage.sqlite.connections import Synchronous, connect, translated_errors
from shared.storage.sqlite.readers import Readers
from shared.storage.sqlite.schema import prepare
from shared.storage.sqlite.writer import Writer


@dataclass(frozen=True, slots=True)
class Database:
    writer: Writer
    readers: Readers

    async def close(self) -> None:
        await self.writer.close()
        await self.readers.close()


def open_database(
    path: Path, synchronous: Synchronous, busy_timeout: float, readers: int
) -> Database:
    """Blocks; creates the file and its tables if they are missing.

    :raises StoreUnavailable: the file cannot be used. :raises UnsupportedSchema: it is newer.
    """
    with translated_errors(), ExitStack() as opened:
        path.parent.mkdir(parents=True, exist_ok=True)
        connections = [
            opened.enter_context(closing(connect(path, synchronous, busy_timeout)))
            for _ in range(1 + readers)
        ]
        prepare(connections[0], busy_timeout)
        opened.pop_all()
    return Database(Writer(connections[0]), Readers(connections[1:]))
