"""The filters of lists, in queries."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from shared.api.errors import invalid
from shared.api.timestamps import parse_time
from shared.domain.statuses import ACTIVE, JobStatus, WorkerState
from shared.ports import JobFilter, WorkerFilter

ALL = "all"
ACTIVE_JOBS = "active"
_BOOLEANS = {"true": True, "false": False}


def job_filter(query: Mapping[str, str]) -> JobFilter:
    """:raises InvalidRequest: a filter has a value that it cannot have."""
    return JobFilter(
        statuses=_statuses(query),
        queue_id=query.get("queueId"),
        channel_id=query.get("channelId"),
        classification_policy_id=query.get("classificationPolicyId"),
        scheduled_before=_time(query, "scheduledBefore"),
        scheduled_after=_time(query, "scheduledAfter"),
    )


def worker_filter(query: Mapping[str, str]) -> WorkerFilter:
    """:raises InvalidRequest: a filter has a value that it cannot have."""
    return WorkerFilter(
        state=choice(query, "state", WorkerState),
        queue_id=query.get("queueId"),
        channel_id=query.get("channelId"),
        has_capacity=boolean(query, "hasCapacity"),
    )


def _statuses(query: Mapping[str, str]) -> frozenset[JobStatus] | None:
    if query.get("status") == ACTIVE_JOBS:
        return ACTIVE
    status = choice(query, "status", JobStatus)
    return None if status is None else frozenset({status})


def choice[E: StrEnum](query: Mapping[str, str], name: str, choices: Collection[E]) -> E | None:
    """``None``: all of them.

    :raises InvalidRequest: it is none of the choices.
    """
    text = query.get(name, ALL)
    if text == ALL:
        return None
    for one in choices:
        if one == text:
            return one
    raise invalid(name, f"'{text}' is not one of: all, {', '.join(choices)}.")


def boolean(query: Mapping[str, str], name: str) -> bool:
    """:raises InvalidRequest: it is neither true nor false."""
    text = query.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise invalid(name, "The value should be true or false.")
    return _BOOLEANS[text]


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        return parse_time(query[name])
    except ValueError as error:
        raise invalid(name, f"{error}.") from None
