"""Bars: items in the places of jobs that do not exist, so that nobody creates them with offers.

A bar has the very id that the job's item would have, so the database refuses a creation that does
not know of it, and to look for bars costs the others nothing. No query finds it, for it has none of
the members that they ask for, and nobody has to remove it.
"""

from dataclasses import replace

from shared.ports import BARRED_FOR, AlreadyExists
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.ambiguity import commit
from shared.storage.cosmos.containers import JOBS
from shared.storage.cosmos.writes import Write, new_write_id, unquoted

_KIND = "barred"


async def bar(container: Container, job_id: str, item_id: str) -> None:
    """``item_id``: of the job's item. A bar that is there already begins anew.

    :raises AlreadyExists, ConcurrencyConflict: there is the job, or there was something else.
    """
    write = _write(job_id, item_id)
    try:
        await commit(container, write)
    except AlreadyExists:
        etag = await etag_of_bar(container, job_id, item_id)
        if etag is None:
            raise
        await commit(container, replace(write, expected=etag))


async def etag_of_bar(container: Container, job_id: str, item_id: str) -> str | None:
    """``None``: there is no bar in the place of the job."""
    item = await container.read(item_id, job_id)
    return None if item is None or item["kind"] != _KIND else unquoted(item["_etag"])


def _write(job_id: str, item_id: str) -> Write:
    write_id = new_write_id()
    body: Item = {
        "id": item_id,
        JOBS.partition_key: job_id,
        "kind": _KIND,
        "writes": [write_id],
        "ttl": int(BARRED_FOR.total_seconds()),
    }
    return Write(id=write_id, name=job_id, partition=job_id, item_id=item_id, body=body)
