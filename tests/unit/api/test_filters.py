from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from shared.api.errors import InvalidRequest
from shared.api.filters import job_filter, worker_filter
from shared.domain.statuses import ACTIVE, JobStatus, WorkerState
from shared.ports import JobFilter, WorkerFilter

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, JobFilter()),
        ({"status": "all"}, JobFilter()),
        ({"status": "queued"}, JobFilter(statuses=frozenset({JobStatus.QUEUED}))),
        ({"queueId": "q", "channelId": "c"}, JobFilter(queue_id="q", channel_id="c")),
        ({"scheduledBefore": "2024-01-01T12:00:00.000Z"}, JobFilter(scheduled_before=NOON)),
        ({"scheduledAfter": "2024-01-01T12:00:00Z"}, JobFilter(scheduled_after=NOON)),
        ({"classificationPolicyId": "x"}, JobFilter(classification_policy_id="x")),
        (
            {"classificationPolicyId": "x", "status": "active"},
            JobFilter(classification_policy_id="x", statuses=ACTIVE),
        ),
    ],
)
def test_job_filters(query: Mapping[str, str], expected: JobFilter) -> None:
    assert job_filter(query) == expected


def test_active_jobs_are_those_on_their_way() -> None:
    statuses = job_filter({"status": "active"}).statuses
    assert statuses == frozenset(JobStatus) - {
        JobStatus.CREATED,
        JobStatus.CLOSED,
        JobStatus.CANCELLED,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, WorkerFilter()),
        ({"state": "all", "hasCapacity": "false"}, WorkerFilter()),
        ({"state": "draining"}, WorkerFilter(state=WorkerState.DRAINING)),
        (
            {"hasCapacity": "true", "channelId": "c"},
            WorkerFilter(channel_id="c", has_capacity=True),
        ),
        ({"hasCapacity": "True", "queueId": "q"}, WorkerFilter(queue_id="q", has_capacity=True)),
    ],
)
def test_worker_filters(query: Mapping[str, str], expected: WorkerFilter) -> None:
    assert worker_filter(query) == expected


@pytest.mark.parametrize(
    ("read", "name", "value"),
    [
        (job_filter, "status", "Queued"),
        (job_filter, "status", "waiting"),
        (lambda query: job_filter({**query, "classificationPolicyId": "x"}), "status", "waiting"),
        (job_filter, "scheduledBefore", "soon"),
        (job_filter, "scheduledAfter", "2024-01-01"),
        (worker_filter, "state", "idle"),
        (worker_filter, "hasCapacity", "1"),
    ],
)
def test_refuses_unknown_values(
    read: Callable[[Mapping[str, str]], object], name: str, value: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read({name: value})
    assert [problem.target for problem in refused.value.problems] == [name]
