"""The filters of lists, in queries."""

from collections.abc import Mapping
from typing import Final

from shared.api.filters import ACTIVE_JOBS, ALL, boolean, choice
from shared.api.openapi.parameters import CHANNEL, HAS_CAPACITY, QUEUE, Parameter
from shared.api.v2021_10_20_preview2.words import SAID_STATUSES
from shared.domain.statuses import ACTIVE, JobStatus, WorkerState
from shared.ports import JobFilter, WorkerFilter

_STATUSES: Final = tuple(s for s in JobStatus if s in SAID_STATUSES - {JobStatus.CREATED})

JOB_FILTERS: Final = (
    Parameter(
        name="status",
        schema={"type": "string", "enum": [ALL, ACTIVE_JOBS, *_STATUSES], "default": ALL},
        meaning="In this status; `active` is any but created, closed and cancelled.",
    ),
    QUEUE,
    CHANNEL,
)
WORKER_FILTERS: Final = (
    Parameter(
        name="status",
        schema={"type": "string", "enum": [ALL, *WorkerState], "default": ALL},
        meaning="In this state.",
    ),
    QUEUE,
    CHANNEL,
    HAS_CAPACITY,
)


def job_filter(query: Mapping[str, str]) -> JobFilter:
    """:raises InvalidRequest: a filter has a value that it cannot have."""
    return JobFilter(
        statuses=_statuses(query),
        queue_id=query.get("queueId"),
        channel_id=query.get("channelId"),
    )


def worker_filter(query: Mapping[str, str]) -> WorkerFilter:
    """:raises InvalidRequest: a filter has a value that it cannot have."""
    return WorkerFilter(
        state=choice(query, "status", WorkerState),
        queue_id=query.get("queueId"),
        channel_id=query.get("channelId"),
        has_capacity=boolean(query, "hasCapacity"),
    )


def _statuses(query: Mapping[str, str]) -> frozenset[JobStatus] | None:
    if query.get("status") == ACTIVE_JOBS:
        return ACTIVE & SAID_STATUSES
    status = choice(query, "status", _STATUSES)
    return None if status is None else frozenset({status})
