"""The tables. Documents are JSON text; the other columns are derived from them for the indexes.

Instants are microseconds since 1970. A change of the schema raises ``VERSION`` and adds a step.
"""

import sqlite3
from time import monotonic, sleep

from shared.ports import StoreError
from shared.storage.documents import JOBS
from shared.storage.epoch import to_micros
from shared.storage.queries import assigned_at
from shared.storage.sqlite.connections import transaction

VERSION = 3

_RETRY_SECONDS = 0.01

# `tier` is 0 for expedited jobs and 1 for others, `rank` the negative priority: all parts of an
# order must ascend for a page to continue by comparing rows. `channel_id` of an availability is
# NULL in the one row that stands for any of the worker's channels.
_VERSION_1 = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    etag TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    scheduled_at INTEGER,
    waiting INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    waiting_since INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX jobs_due ON jobs (due_at, id);
CREATE INDEX jobs_by_status ON jobs (status, id, queue_id, channel_id, scheduled_at);
CREATE INDEX jobs_by_queue ON jobs (queue_id, status, id, channel_id, scheduled_at);
CREATE INDEX jobs_waiting ON jobs (queue_id, tier, rank, waiting_since, id) WHERE waiting;
CREATE INDEX jobs_waiting_by_channel
    ON jobs (queue_id, channel_id, tier, rank, waiting_since, id) WHERE waiting;

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    etag TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    due_at INTEGER,
    state TEXT NOT NULL,
    idle_since INTEGER,
    document TEXT NOT NULL
);
CREATE INDEX workers_due ON workers (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX workers_idle ON workers (idle_since, id) WHERE idle_since IS NOT NULL;
CREATE INDEX workers_by_state ON workers (state, id);

CREATE TABLE worker_queues (
    worker_id TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    last_offered_at INTEGER,
    PRIMARY KEY (worker_id, queue_id)
) WITHOUT ROWID;
CREATE INDEX worker_queues_offered ON worker_queues (queue_id, last_offered_at, worker_id)
    WHERE last_offered_at IS NOT NULL;

CREATE TABLE worker_channels (
    worker_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    has_capacity INTEGER NOT NULL,
    PRIMARY KEY (worker_id, channel_id)
) WITHOUT ROWID;

CREATE TABLE worker_labels (
    worker_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    number REAL,
    PRIMARY KEY (worker_id, key)
) WITHOUT ROWID;

CREATE TABLE worker_availability (
    worker_id TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    channel_id TEXT,
    load_ratio REAL NOT NULL,
    available_since INTEGER NOT NULL
);
CREATE INDEX worker_availability_of_worker ON worker_availability (worker_id);
CREATE INDEX worker_availability_by_id ON worker_availability (queue_id, channel_id, worker_id);
CREATE INDEX worker_availability_by_idle
    ON worker_availability (queue_id, channel_id, load_ratio, available_since, worker_id);

CREATE TABLE outbox (
    kind TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, aggregate_id, id)
) WITHOUT ROWID;
CREATE INDEX outbox_by_age ON outbox (kind, created_at, id);

CREATE TABLE definitions (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    etag TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
"""

# `assigned_at` is the time of the last assignment that was not taken back. The `queue_id` of a job
# without a queue is empty. `waiting` joins its index because without it SQLite would read each row
# to count them.
_VERSION_2 = """
ALTER TABLE jobs ADD COLUMN classification_policy_id TEXT;
ALTER TABLE jobs ADD COLUMN assigned_at INTEGER;
UPDATE jobs SET
    classification_policy_id = classification_policy_id_of(document),
    assigned_at = assigned_at_of(document);
CREATE INDEX jobs_by_policy ON jobs (classification_policy_id, status, id)
    WHERE classification_policy_id IS NOT NULL;
CREATE INDEX jobs_assigned ON jobs (queue_id, assigned_at, id) WHERE assigned_at IS NOT NULL;
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (queue_id, tier, rank, waiting_since, id, waiting) WHERE waiting;
"""

# Jobs that do not exist, and must not be created with offers.
_VERSION_3 = """
CREATE TABLE barred_jobs (
    id TEXT PRIMARY KEY,
    barred_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX barred_jobs_by_age ON barred_jobs (barred_at);
"""


class UnsupportedSchema(StoreError):
    """A newer release made the file; this one would damage it."""


def prepare(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Bring the file to the present schema. Several processes may do so at once.

    :raises UnsupportedSchema: the file's schema is newer.
    """
    _use_write_ahead_log(connection, busy_timeout)
    with transaction(connection, "BEGIN EXCLUSIVE"):
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise UnsupportedSchema(
            f"The store's file has schema {version}; this release knows schema {VERSION} at most."
        )
    if version < 1:
        connection.executescript(_VERSION_1)
    if version < 2:
        _migrate_to_2(connection)
    if version < 3:
        connection.executescript(_VERSION_3)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _migrate_to_2(connection: sqlite3.Connection) -> None:
    functions = {
        "classification_policy_id_of": _classification_policy_id_of,
        "assigned_at_of": _assigned_at_of,
    }
    for name, function in functions.items():
        connection.create_function(name, 1, function)
    connection.executescript(_VERSION_2)


def _classification_policy_id_of(document: str) -> str | None:
    return JOBS.from_json(document).definition.classification_policy_id


def _assigned_at_of(document: str) -> int | None:
    at = assigned_at(JOBS.from_json(document))
    return None if at is None else to_micros(at)


def _use_write_ahead_log(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """SQLite does not wait for locks when it changes the journal mode, so this does."""
    deadline = monotonic() + busy_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            sleep(_RETRY_SECONDS)
        else:
            return
