"""The wire models: what they let in, what they refuse and where, what they leave alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from shared.api.errors import InvalidRequest, Problem
from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01.distribution_policies import DistributionPolicyModel
from shared.api.v2023_11_01.jobs import JobModel
from shared.api.v2023_11_01.queues import QueueModel
from shared.api.v2023_11_01.workers import WorkerModel
from shared.api.v2024_01_18_preview.workers import WorkerModel as PreviewWorkerModel
from shared.api.wire import MAX_ITEMS, MAX_LABELS, Definition, read_object, write_json
from shared.domain.distribution import (
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
    ScoringOptions,
    ScoringParameter,
)
from shared.domain.job_definition import JobDefinition, Note
from shared.domain.labels import identical
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend
from shared.domain.queues import Queue
from shared.domain.workers import WorkerProfile
from tests.unit.api.definitions import ID, NOW, jobs, policies, queues, workers

JOB: JsonObject = {"channelId": "chat", "queueId": "q"}
WORKER: JsonObject = {"capacity": 1}
QUEUE: JsonObject = {"distributionPolicyId": "p"}
SELECTOR: JsonObject = {"key": "k", "labelOperator": "equal", "value": 1}
CHANNEL: JsonObject = {"channelId": "chat", "capacityCostPerJob": 1}

type AnyModel = type[Definition[Any, Any]]


def define[D](model: type[Definition[D, Any]], patch: JsonObject, current: D | None = None) -> D:
    return model.patched(ID, read_object(write_json(patch)), NOW)(current)


def problems(model: AnyModel, patch: JsonObject) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidRequest) as refused:
        define(model, patch)
    assert str(refused.value) == "One or more validation errors occurred."
    return [(problem.code, problem.target) for problem in refused.value.problems]


def test_a_minimal_definition_takes_the_defaults() -> None:
    assert define(JobModel, JOB) == JobDefinition(channel_id="chat", queue_id="q")
    assert define(WorkerModel, WORKER) == WorkerProfile(capacity=1, labels={"Id": ID})
    assert define(QueueModel, QUEUE) == Queue(id=ID, distribution_policy_id="p", labels={"Id": ID})
    assert define(DistributionPolicyModel, {}) == DistributionPolicy(id=ID)


@given(policies)
def test_a_policy_survives_the_wire(policy: DistributionPolicy) -> None:
    document = DistributionPolicyModel.from_domain(policy)
    assert identical(define(DistributionPolicyModel, document), policy)
    assert identical(define(DistributionPolicyModel, {}, policy), policy)


@given(queues)
def test_a_queue_survives_the_wire(queue: Queue) -> None:
    assert define(QueueModel, QueueModel.from_domain(queue)) == queue
    assert define(QueueModel, {}, queue) == queue


@given(jobs)
def test_a_job_survives_the_wire(job: JobDefinition) -> None:
    assert define(JobModel, JobModel.from_domain(job)) == job
    assert define(JobModel, {}, job) == job


@given(workers)
def test_a_worker_survives_the_wire(worker: WorkerProfile) -> None:
    assert define(PreviewWorkerModel, PreviewWorkerModel.from_domain(worker)) == worker
    assert define(PreviewWorkerModel, {}, worker) == worker


@given(workers)
def test_a_version_leaves_alone_what_it_does_not_know(worker: WorkerProfile) -> None:
    assert "maxConcurrentOffers" not in WorkerModel.from_domain(worker)
    patch = {"capacity": 5, "maxConcurrentOffers": 7}
    assert define(WorkerModel, patch, worker) == replace(worker, capacity=5)


def test_the_preview_limits_and_unlimits_concurrent_offers() -> None:
    limited = define(PreviewWorkerModel, {**WORKER, "maxConcurrentOffers": 2})
    assert limited.max_concurrent_offers == 2
    unlimited = define(PreviewWorkerModel, {"maxConcurrentOffers": None}, limited)
    assert unlimited.max_concurrent_offers is None


@pytest.mark.parametrize("value", [1, 1.0, True, "1", -0.5, ""], ids=repr)
def test_labels_keep_their_type(value: object) -> None:
    labels = define(JobModel, {**JOB, "labels": {"x": value}}).labels
    assert labels == {"x": value}
    assert type(labels["x"]) is type(value)


@pytest.mark.parametrize("labels", [{"Id": "mine"}, {"Id": None}, None, {}])
def test_the_router_sets_the_id_label_of_queues_and_workers(labels: JsonObject | None) -> None:
    current = define(QueueModel, QUEUE)
    assert define(QueueModel, {"labels": labels}, current).labels == {"Id": ID}
    assert define(WorkerModel, {**WORKER, "labels": labels}).labels == {"Id": ID}


def test_a_jobs_id_label_is_its_own() -> None:
    assert define(JobModel, {**JOB, "labels": {"Id": "w"}}).labels == {"Id": "w"}


def test_labels_merge_and_lists_are_replaced() -> None:
    current = define(
        WorkerModel,
        {**WORKER, "labels": {"a": 1, "b": 2}, "queues": ["q1", "q2"], "channels": [CHANNEL]},
    )
    patched = define(WorkerModel, {"labels": {"b": None, "c": 3}, "queues": ["q3"]}, current)
    assert patched.labels == {"Id": ID, "a": 1, "c": 3}
    assert patched.queues == ("q3",)
    assert patched.channels == current.channels


def test_null_unsets_an_optional_member() -> None:
    current = define(JobModel, {**JOB, "priority": 5, "channelReference": "ref"})
    patched = define(JobModel, {"priority": None, "channelReference": None}, current)
    assert (patched.priority, patched.channel_reference) == (1, None)


def test_null_in_a_list_item_is_as_good_as_missing() -> None:
    channels = define(WorkerModel, {**WORKER, "channels": [{**CHANNEL, "maxNumberOfJobs": None}]})
    assert channels.channels[0].max_number_of_jobs is None


def test_what_only_the_router_sets_is_ignored() -> None:
    read_only = {
        "id": "other",
        "etag": "x",
        "status": "closed",
        "enqueuedAt": "never",
        "scheduledAt": 5,
        "assignments": [],
        "attachedWorkerSelectors": "none",
        "unknown": {"a": [None]},
        "channel_reference": "not the member's name",
    }
    assert define(JobModel, {**JOB, **read_only}) == define(JobModel, JOB)


def test_a_selector_that_is_written_back_comes_without_its_state() -> None:
    state = {"status": "expired", "expiresAt": "2024-01-01T00:00:00Z"}
    job = define(JobModel, {**JOB, "requestedWorkerSelectors": [{**SELECTOR, **state}]})
    assert job.requested_worker_selectors[0].is_active
    assert job.requested_worker_selectors[0].expires_at is None


def test_a_note_is_added_now_unless_it_says_otherwise() -> None:
    assert define(JobModel, {**JOB, "notes": [{"message": "n"}]}).notes == (
        Note(message="n", added_at=NOW),
    )


def test_another_mode_starts_with_its_defaults() -> None:
    current = define(
        DistributionPolicyModel,
        {"mode": {"kind": "roundRobin", "maxConcurrentOffers": 3, "bypassSelectors": True}},
    )
    patched = define(DistributionPolicyModel, {"mode": {"kind": "bestWorker"}}, current)
    assert patched.mode == DistributionMode(kind=DistributionModeKind.BEST_WORKER)
    same = define(DistributionPolicyModel, {"mode": {"minConcurrentOffers": 2}}, current)
    assert same.mode == replace(current.mode, min_concurrent_offers=2)


def test_a_scheduled_job_is_activated_by_another_mode() -> None:
    scheduled = define(
        JobModel,
        {
            **JOB,
            "matchingMode": {"kind": "scheduleAndSuspend", "scheduleAt": "2026-02-01T00:00:00Z"},
        },
    )
    assert scheduled.matching_mode == ScheduleAndSuspend(schedule_at=NOW.replace(month=2))
    patched = define(JobModel, {"matchingMode": {"kind": "queueAndMatch"}}, scheduled)
    assert patched.matching_mode == QueueAndMatch()


@pytest.mark.parametrize(
    ("model", "document", "expected"),
    [
        (JobModel, {}, [("Required", "channelId")]),
        (JobModel, {"channelId": "chat"}, [("Required", "queueId")]),
        (JobModel, {"channelId": None, "queueId": "q"}, [("Required", "channelId")]),
        (JobModel, {**JOB, "channelId": 5}, [("Invalid", "channelId")]),
        (JobModel, {**JOB, "channelId": ""}, [("Invalid", "channelId")]),
        (JobModel, {**JOB, "channelId": "a\tb"}, [("Invalid", "channelId")]),
        (JobModel, {**JOB, "queueId": "a/b"}, [("Invalid", "queueId")]),
        (JobModel, {**JOB, "queueId": "x" * 129}, [("Invalid", "queueId")]),
        (JobModel, {**JOB, "priority": 101}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "priority": -101}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "priority": "1"}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "priority": 1.5}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "priority": True}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "dispositionCode": "x" * 2001}, [("Invalid", "dispositionCode")]),
        (JobModel, {**JOB, "channelReference": "\0"}, [("Invalid", "channelReference")]),
        (JobModel, {**JOB, "labels": []}, [("Invalid", "labels")]),
        (JobModel, {**JOB, "labels": {"a": {}}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "labels": {"a": [1]}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "labels": {"a": 2**53}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "labels": {"a": 10**400}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "priority": 10**400}, [("Invalid", "priority")]),
        (JobModel, {**JOB, "labels": {"a": "x" * 2001}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "labels": {"a": "\0"}}, [("Invalid", "labels.a")]),
        (JobModel, {**JOB, "labels": {"": 1}}, [("Invalid", "labels.")]),
        (JobModel, {**JOB, "labels": {"x" * 501: 1}}, [("Invalid", "labels." + "x" * 501)]),
        (JobModel, {**JOB, "tags": {"a\n": 1}}, [("Invalid", "tags.a\n")]),
        (
            JobModel,
            {**JOB, "labels": {str(n): n for n in range(MAX_LABELS + 1)}},
            [("Invalid", "labels")],
        ),
        (JobModel, {**JOB, "notes": [{}]}, [("Required", "notes[0].message")]),
        (
            JobModel,
            {**JOB, "notes": [{"message": "m", "addedAt": "soon"}]},
            [("Invalid", "notes[0].addedAt")],
        ),
        (
            JobModel,
            {**JOB, "notes": [{"message": "m", "addedAt": 5}]},
            [("Invalid", "notes[0].addedAt")],
        ),
        (JobModel, {**JOB, "matchingMode": "suspend"}, [("Invalid", "matchingMode")]),
        (JobModel, {**JOB, "matchingMode": {}}, [("Required", "matchingMode.kind")]),
        (JobModel, {**JOB, "matchingMode": {"kind": "later"}}, [("Invalid", "matchingMode.kind")]),
        (
            JobModel,
            {**JOB, "matchingMode": {"kind": "scheduleAndSuspend"}},
            [("Required", "matchingMode.scheduleAt")],
        ),
        (
            JobModel,
            {**JOB, "requestedWorkerSelectors": [SELECTOR] * (MAX_ITEMS + 1)},
            [("Invalid", "requestedWorkerSelectors")],
        ),
        (QueueModel, {}, [("Required", "distributionPolicyId")]),
        (QueueModel, {**QUEUE, "name": 5}, [("Invalid", "name")]),
        (WorkerModel, {}, [("Required", "capacity")]),
        (WorkerModel, {"capacity": 0}, [("Invalid", "capacity")]),
        (WorkerModel, {"capacity": -1}, [("Invalid", "capacity")]),
        (WorkerModel, {"capacity": 2**31}, [("Invalid", "capacity")]),
        (WorkerModel, {"capacity": 1.0}, [("Invalid", "capacity")]),
        (WorkerModel, {**WORKER, "availableForOffers": 1}, [("Invalid", "availableForOffers")]),
        (WorkerModel, {**WORKER, "queues": ["q", "q"]}, [("Invalid", "queues")]),
        (WorkerModel, {**WORKER, "queues": ["q", None]}, [("Invalid", "queues[1]")]),
        (WorkerModel, {**WORKER, "queues": ["."]}, [("Invalid", "queues[0]")]),
        (WorkerModel, {**WORKER, "queues": {"q": {}}}, [("Invalid", "queues")]),
        (WorkerModel, {**WORKER, "channels": [CHANNEL, CHANNEL]}, [("Invalid", "channels")]),
        (
            WorkerModel,
            {**WORKER, "channels": [{}]},
            [("Required", "channels[0].channelId"), ("Required", "channels[0].capacityCostPerJob")],
        ),
        (
            WorkerModel,
            {**WORKER, "channels": [{**CHANNEL, "capacityCostPerJob": 0}]},
            [("Invalid", "channels[0].capacityCostPerJob")],
        ),
        (
            WorkerModel,
            {**WORKER, "channels": [{**CHANNEL, "maxNumberOfJobs": 0}]},
            [("Invalid", "channels[0].maxNumberOfJobs")],
        ),
        (
            PreviewWorkerModel,
            {**WORKER, "maxConcurrentOffers": 0},
            [("Invalid", "maxConcurrentOffers")],
        ),
        (
            DistributionPolicyModel,
            {"offerExpiresAfterSeconds": 0},
            [("Invalid", "offerExpiresAfterSeconds")],
        ),
        (
            DistributionPolicyModel,
            {"offerExpiresAfterSeconds": 90 * 86400 + 1},
            [("Invalid", "offerExpiresAfterSeconds")],
        ),
        (
            DistributionPolicyModel,
            {"offerExpiresAfterSeconds": "60"},
            [("Invalid", "offerExpiresAfterSeconds")],
        ),
        (DistributionPolicyModel, {"mode": {}}, [("Required", "mode.kind")]),
        (DistributionPolicyModel, {"mode": {"kind": "random"}}, [("Invalid", "mode.kind")]),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "roundRobin", "minConcurrentOffers": 0}},
            [("Invalid", "mode.minConcurrentOffers")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "roundRobin", "minConcurrentOffers": 2}},
            [("Invalid", "mode.maxConcurrentOffers")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "minConcurrentOffers": 2}},
            [("Invalid", "mode.maxConcurrentOffers")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "scoringRule": {"kind": "python"}}},
            [("Invalid", "mode.scoringRule.kind")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "scoringRule": {"kind": "expression"}}},
            [("Required", "mode.scoringRule.expression")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "scoringRuleOptions": {"batchSize": 0}}},
            [("Invalid", "mode.scoringRuleOptions.batchSize")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "scoringRuleOptions": {"scoringParameters": ["tags"]}}},
            [("Invalid", "mode.scoringRuleOptions.scoringParameters[0]")],
        ),
        (
            DistributionPolicyModel,
            {
                "mode": {
                    "kind": "bestWorker",
                    "scoringRuleOptions": {"scoringParameters": ["jobLabels", "jobLabels"]},
                }
            },
            [("Invalid", "mode.scoringRuleOptions.scoringParameters")],
        ),
        (
            DistributionPolicyModel,
            {"mode": {"kind": "bestWorker", "scoringRuleOptions": {"descendingOrder": "no"}}},
            [("Invalid", "mode.scoringRuleOptions.descendingOrder")],
        ),
    ],
)
def test_refuses_and_says_where(
    model: AnyModel, document: JsonObject, expected: list[tuple[str, str | None]]
) -> None:
    assert problems(model, document) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"key": "k", "labelOperator": "equal"}, [("Required", "value")]),
        ({**SELECTOR, "value": None}, [("Required", "value")]),
        ({**SELECTOR, "value": []}, [("Invalid", "value")]),
        ({**SELECTOR, "key": None}, [("Required", "key")]),
        ({**SELECTOR, "labelOperator": "like"}, [("Invalid", "labelOperator")]),
        ({**SELECTOR, "labelOperator": "Equal"}, [("Invalid", "labelOperator")]),
        ({**SELECTOR, "labelOperator": "lessThan", "value": "1"}, [("Invalid", "value")]),
        ({**SELECTOR, "labelOperator": "greaterThan", "value": True}, [("Invalid", "value")]),
        ({**SELECTOR, "expiresAfterSeconds": 0}, [("Invalid", "expiresAfterSeconds")]),
        ({**SELECTOR, "expiresAfterSeconds": 2**31}, [("Invalid", "expiresAfterSeconds")]),
        ({**SELECTOR, "expiresAfterSeconds": "60"}, [("Invalid", "expiresAfterSeconds")]),
        ({**SELECTOR, "expedite": "yes"}, [("Invalid", "expedite")]),
    ],
)
def test_refuses_selectors_and_says_where(
    selector: JsonObject, expected: list[tuple[str, str]]
) -> None:
    found = problems(JobModel, {**JOB, "requestedWorkerSelectors": [SELECTOR, selector]})
    assert found == [(code, f"requestedWorkerSelectors[1].{name}") for code, name in expected]


def test_every_problem_is_told_at_once() -> None:
    assert problems(WorkerModel, {"capacity": 0, "queues": 5, "tags": {"a": []}}) == [
        ("Invalid", "capacity"),
        ("Invalid", "queues"),
        ("Invalid", "tags.a"),
    ]


def test_scoring_options_have_defaults() -> None:
    mode = define(
        DistributionPolicyModel, {"mode": {"kind": "bestWorker", "scoringRuleOptions": {}}}
    ).mode
    assert mode.scoring_options == ScoringOptions(
        batch_size=20,
        parameters=(ScoringParameter.JOB_LABELS, ScoringParameter.WORKER_SELECTORS),
        is_batch_enabled=False,
        descending_order=True,
    )


def test_scoring_options_of_other_modes_mean_nothing() -> None:
    mode = {"kind": "longestIdle", "scoringRule": {"kind": "static"}, "scoringRuleOptions": 5}
    assert define(DistributionPolicyModel, {"mode": mode}).mode == DistributionMode()


def test_numbers_beyond_all_bounds_are_refused_where_they_matter() -> None:
    body = b'{"capacity": 1e400, "labels": {"a": 1e400}, "unknown": 1e400}'
    with pytest.raises(InvalidRequest) as refused:
        WorkerModel.patched(ID, read_object(body), NOW)(None)
    assert [problem.target for problem in refused.value.problems] == ["capacity", "labels.a"]


def test_a_message_repeats_no_more_than_it_must() -> None:
    with pytest.raises(InvalidRequest) as refused:
        define(JobModel, {**JOB, "priority": 1000})
    assert refused.value.problems == (
        Problem(
            code="Invalid",
            message="Input should be less than or equal to 100.",
            target="priority",
        ),
    )
