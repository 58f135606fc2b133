"""Bars: rows for jobs that do not exist, so that nobody creates them with offers."""

import sqlite3
from datetime import datetime

from shared.domain.jobs import Job
from shared.ports import BARRED_FOR, AlreadyExists, ConcurrencyConflict
from shared.storage.epoch import to_micros


def add_bar(connection: sqlite3.Connection, job_id: str, now: datetime) -> None:
    """:raises AlreadyExists: there is the job."""
    if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone():
        raise AlreadyExists(f"'{job_id}' exists already.")
    connection.execute(
        "DELETE FROM barred_jobs WHERE barred_at < ?", (to_micros(now - BARRED_FOR),)
    )
    connection.execute("INSERT OR REPLACE INTO barred_jobs VALUES (?, ?)", (job_id, to_micros(now)))


def pass_bar(connection: sqlite3.Connection, job: Job) -> None:
    """Remove the bar, if there is one, for a job without offers.

    :raises ConcurrencyConflict: the job has offers.
    """
    if not connection.execute("SELECT 1 FROM barred_jobs WHERE id = ?", (job.id,)).fetchone():
        return
    if job.offers:
        raise ConcurrencyConflict(f"Offers of '{job.id}' are barred.")
    connection.execute("DELETE FROM barred_jobs WHERE id = ?", (job.id,))
