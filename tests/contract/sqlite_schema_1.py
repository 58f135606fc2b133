"""The first schema of the SQLite store, as released: files that have it must be migrated."""

SCHEMA_1 = """
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
PRAGMA user_version = 1;
"""
