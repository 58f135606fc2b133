"""The embedded durable store."""

from asyncio import to_thread
from pathlib import Path

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.storage.documents import (
    CHANGED_CONDITIONS,
    CLASSIFICATION_POLICIES,
    DISTRIBUTION_POLICIES,
    EXCEPTION_POLICIES,
    QUEUES,
)
from shared.storage.sqlite.connections import Synchronous
from shared.storage.sqlite.database import Database, open_database
from shared.storage.sqlite.definitions import SqliteDefinitionStore
from shared.storage.sqlite.jobs import SqliteJobStore
from shared.storage.sqlite.workers import SqliteWorkerStore


class SqliteStore:
    """Made by :func:`open_sqlite_store`. Any operation may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.jobs = SqliteJobStore(database)
        self.workers = SqliteWorkerStore(database)
        self.queues = SqliteDefinitionStore[Queue](database, "queues", QUEUES)
        self.distribution_policies = SqliteDefinitionStore[DistributionPolicy](
            database, "distribution_policies", DISTRIBUTION_POLICIES
        )
        self.classification_policies = SqliteDefinitionStore[ClassificationPolicy](
            database, "classification_policies", CLASSIFICATION_POLICIES
        )
        self.exception_policies = SqliteDefinitionStore[ExceptionPolicy](
            database, "exception_policies", EXCEPTION_POLICIES
        )
        self.changed_conditions = SqliteDefinitionStore[ChangedConditions](
            database, "changed_conditions", CHANGED_CONDITIONS
        )

    async def close(self) -> None:
        await self._database.close()


async def open_sqlite_store(
    path: Path,
    *,
    synchronous: Synchronous = Synchronous.FULL,
    busy_timeout: float = 5.0,
    readers: int = 2,
) -> SqliteStore:
    """Open the file, creating it with its folder if missing; any number of processes may.

    ``busy_timeout``: seconds to wait for other processes' writes. ``readers``: how many reads run
    at a time.

    :raises StoreUnavailable: the file cannot be used.
    :raises UnsupportedSchema: a newer release made the file.
    """
    return SqliteStore(await to_thread(open_database, path, synchronous, busy_timeout, readers))
