"""The words of the first version: what they mean, and that nothing is lost by using them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.errors import InvalidRequest
from shared.api.merge_patch import JsonObject
from shared.api.v2021_10_20_preview2.classification_policies import ClassificationPolicyModel
from shared.api.v2021_10_20_preview2.distribution_policies import DistributionPolicyModel
from shared.api.v2021_10_20_preview2.exception_policies import ExceptionPolicyModel
from shared.api.v2021_10_20_preview2.jobs import JobModel
from shared.api.v2021_10_20_preview2.notes import notes_by_time, notes_from
from shared.api.v2021_10_20_preview2.queues import QueueModel
from shared.api.v2021_10_20_preview2.workers import WorkerModel
from shared.api.wire import Definition, read_object, write_json
from shared.domain.channels import Channel
from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy, WaitTimeTrigger
from shared.domain.job_definition import JobDefinition, Note
from shared.domain.labels import LabelOperator, identical
from shared.domain.matching_modes import QueueAndMatch, Suspend
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import WorkerProfile
from tests.unit.api.definitions import (
    ID,
    NOW,
    classification_policies,
    exception_policies,
    jobs,
    policies,
    queues,
    workers,
)

JOB: JsonObject = {"channelId": "chat", "queueId": "q"}
WORKER: JsonObject = {"totalCapacity": 1}
MODE: JsonObject = {"kind": "longest-idle", "minConcurrentOffers": 1, "maxConcurrentOffers": 1}
POLICY: JsonObject = {"offerTtlSeconds": 60, "mode": MODE}
SELECTOR: JsonObject = {"key": "k", "labelOperator": "equal", "value": 1}
CHAT: JsonObject = {"capacityCostPerJob": 1}

type AnyModel = type[Definition[Any, Any]]


def define[D](model: type[Definition[D, Any]], patch: JsonObject, current: D | None = None) -> D:
    return model.patched(ID, read_object(write_json(patch)), NOW)(current)


def problems(
    model: AnyModel, patch: JsonObject, current: object = None
) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidRequest) as refused:
        define(model, patch, current)
    return [(problem.code, problem.target) for problem in refused.value.problems]


def survives[D](model: type[Definition[D, Any]], definition: D) -> bool:
    """Whether it is the same after it was read and written back, whole or not at all."""
    document = model.from_domain(definition)
    whole = model.parse(document).to_domain(ID, definition, NOW)
    return whole == definition and define(model, {}, definition) == definition


def said[D](model: type[Definition[D, Any]], definition: D) -> D:
    """The definition as it is made anew from what the version says of it."""
    return model.parse(model.from_domain(definition)).to_domain(ID, None, NOW)


@given(policies)
def test_a_distribution_policy_survives_the_wire(policy: DistributionPolicy) -> None:
    assert survives(DistributionPolicyModel, policy)
    assert identical(said(DistributionPolicyModel, policy), policy)


@given(queues)
def test_a_queue_survives_the_wire(queue: Queue) -> None:
    assert survives(QueueModel, queue)
    assert identical(said(QueueModel, queue), queue)


@given(workers)
def test_a_worker_survives_the_wire(worker: WorkerProfile) -> None:
    assert survives(WorkerModel, worker)
    sayable = replace(
        worker,
        channels=tuple(replace(channel, max_number_of_jobs=None) for channel in worker.channels),
        max_concurrent_offers=None,
    )
    assert identical(said(WorkerModel, sayable), sayable)


@given(jobs)
def test_a_job_survives_the_wire(job: JobDefinition) -> None:
    assert survives(JobModel, job)
    sayable = replace(job, matching_mode=QueueAndMatch())
    assert said(JobModel, sayable) == sayable


@given(classification_policies)
def test_a_classification_policy_survives_the_wire(policy: ClassificationPolicy) -> None:
    assert survives(ClassificationPolicyModel, policy)
    assert identical(said(ClassificationPolicyModel, policy), policy)


@given(exception_policies)
def test_an_exception_policy_survives_the_wire(policy: ExceptionPolicy) -> None:
    assert survives(ExceptionPolicyModel, policy)
    assert identical(said(ExceptionPolicyModel, policy), policy)


# -- what the version cannot say --------------------------------------------------------------


def test_what_it_cannot_say_of_a_worker_stays() -> None:
    voice = Channel(channel_id="voice", capacity_cost_per_job=2, max_number_of_jobs=1)
    worker = WorkerProfile(capacity=2, channels=(voice,), max_concurrent_offers=3)
    patch = {"channelConfigurations": {"voice": {"capacityCostPerJob": 1}, "chat": CHAT}}
    changed = define(WorkerModel, patch, worker)
    assert changed.max_concurrent_offers == 3
    assert changed.channels == (
        replace(voice, capacity_cost_per_job=1),
        Channel(channel_id="chat", capacity_cost_per_job=1),
    )


def test_what_it_cannot_say_of_a_job_stays() -> None:
    job = JobDefinition(channel_id="chat", queue_id="q", matching_mode=Suspend())
    assert define(JobModel, {"priority": 5}, job) == replace(job, priority=5)


# -- maps -------------------------------------------------------------------------------------


def test_queues_and_channels_merge_by_id() -> None:
    queues: JsonObject = {"q1": {}, "q2": {}}
    worker = define(
        WorkerModel,
        {**WORKER, "queueAssignments": queues, "channelConfigurations": {"chat": CHAT}},
    )
    assert (worker.queues, worker.available_for_offers) == (("q1", "q2"), False)
    patch = {"queueAssignments": {"q1": None, "q3": {}}, "channelConfigurations": {"chat": None}}
    changed = define(WorkerModel, patch, worker)
    assert (changed.queues, changed.channels) == (("q2", "q3"), ())


def test_notes_are_a_map_by_time() -> None:
    job = define(JobModel, {**JOB, "notes": {"2021-06-23T02:43:30.3847144Z": "first"}})
    at = NOW.replace(year=2021, month=6, day=23, hour=2, minute=43, second=30, microsecond=384714)
    assert job.notes == (Note(message="first", added_at=at),)
    key = "2021-06-23T02:43:30.3847140+00:00"
    assert JobModel.from_domain(job)["notes"] == {key: "first"}
    changed = define(JobModel, {"notes": {key: None, "2021-06-24T00:00:00Z": "second"}}, job)
    assert [note.message for note in changed.notes] == ["second"]


@pytest.mark.parametrize("count", [2, 10, 1_002])
def test_notes_of_the_same_time_are_all_told(count: int) -> None:
    notes = tuple(Note(message=str(number), added_at=NOW) for number in range(count))
    texts = notes_by_time(notes)
    assert list(texts)[:2] == [
        "2026-01-01T00:00:00.0000000+00:00",
        "2026-01-01T00:00:00.000000001+00:00",
    ]
    assert notes_from(texts) == notes
    assert define(JobModel, {**JOB, "notes": texts}).notes == notes


@given(st.lists(st.sampled_from([NOW, NOW.replace(microsecond=1)]), max_size=30))
def test_no_note_is_lost(times: list[Any]) -> None:
    notes = tuple(Note(message=str(n), added_at=at) for n, at in enumerate(times))
    assert notes_from(notes_by_time(notes)) == notes


def test_rules_and_actions_of_exceptions_merge_by_id() -> None:
    cancel = {"kind": "cancel", "note": "n"}
    rule = {"trigger": {"kind": "wait-time", "threshold": "PT1M"}, "actions": {"a": cancel}}
    policy = define(ExceptionPolicyModel, {"exceptionRules": {"r1": rule, "r2": rule}})
    assert policy.rules[0].trigger == WaitTimeTrigger(threshold_seconds=60)
    patch = {"r1": None, "r2": {"actions": {"a": {"note": "m"}, "b": {"kind": "reclassify"}}}}
    changed = define(ExceptionPolicyModel, {"exceptionRules": patch}, policy)
    assert [(one.id, [action.id for action in one.actions]) for one in changed.rules] == [
        ("r2", ["a", "b"])
    ]
    assert ExceptionPolicyModel.from_domain(changed)["exceptionRules"]["r2"] == {
        "trigger": {"kind": "wait-time", "threshold": "PT1M"},
        "actions": {
            "a": {"kind": "cancel", "note": "m"},
            "b": {"kind": "reclassify", "labelsToUpsert": {}},
        },
    }


# -- older words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        {"queueAssignments": [{"queueId": "q1"}, {"queueId": "q2"}]},
        {"queueIds": ["q1", "q2"]},
        {
            "queueAssignments": {"q1": {}, "q2": {}},
            "channelConfigurations": [{"channelId": "chat", "capacityCostPerJob": 1}],
        },
    ],
)
def test_a_worker_may_be_registered_in_the_older_words(listed: JsonObject) -> None:
    channels = {"channelConfigurations": {"chat": CHAT}}
    worker = define(WorkerModel, {**WORKER, **channels, **listed})
    assert worker.queues == ("q1", "q2")
    assert worker.channels == (Channel(channel_id="chat", capacity_cost_per_job=1),)
    assert worker.available_for_offers
    unavailable = define(WorkerModel, {**listed, "availableForOffers": False}, worker)
    assert not unavailable.available_for_offers
    again = define(WorkerModel, {"queueIds": ["q3"]}, unavailable)
    assert (again.queues, again.available_for_offers) == (("q3",), True)


def test_selectors_may_be_said_in_the_older_words() -> None:
    selectors = [
        {"key": "English", "operator": "equal", "value": True},
        {"key": "Skill", "operator": "greaterThanEqual", "value": 10, "ttl": "00:01:00"},
        {"key": "Skill", "operator": "lessThanEqual", "value": 20, "ttl": "PT90S"},
    ]
    job = define(JobModel, {**JOB, "workerSelectors": selectors})
    assert job.requested_worker_selectors == (
        WorkerSelector(key="English", operator=LabelOperator.EQUAL, value=True),
        WorkerSelector(
            key="Skill",
            operator=LabelOperator.GREATER_THAN_OR_EQUAL,
            value=10,
            expires_after_seconds=60,
        ),
        WorkerSelector(
            key="Skill",
            operator=LabelOperator.LESS_THAN_OR_EQUAL,
            value=20,
            expires_after_seconds=90,
        ),
    )
    assert JobModel.from_domain(job)["requestedWorkerSelectors"][1] == {
        "key": "Skill",
        "labelOperator": "greaterThanEqual",
        "value": 10,
        "ttlSeconds": 60,
        "expedite": False,
    }
    replaced = define(JobModel, {"workerSelectors": []}, job)
    assert replaced.requested_worker_selectors == ()


@pytest.mark.parametrize("text", ["00:10:00", "PT10M", "PT600S"])
def test_the_life_of_offers_may_be_said_in_the_older_words(text: str) -> None:
    policy = define(DistributionPolicyModel, {"offerTTL": text, "mode": MODE})
    assert policy.offer_expires_after_seconds == 600
    changed = define(DistributionPolicyModel, {"offerTTL": "00:00:30"}, policy)
    assert changed.offer_expires_after_seconds == 30


def test_another_mode_starts_anew() -> None:
    current = define(DistributionPolicyModel, {**POLICY, "mode": {**MODE, "bypassSelectors": True}})
    patch = {"mode": {**MODE, "kind": "round-robin"}}
    assert not define(DistributionPolicyModel, patch, current).mode.bypass_selectors


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "document", "expected"),
    [
        (JobModel, {}, [("Required", "channelId")]),
        (JobModel, {"channelId": "c"}, [("Required", "queueId")]),
        (JobModel, {**JOB, "notes": {"soon": "n"}}, [("Invalid", "notes.soon")]),
        (JobModel, {**JOB, "notes": [{"message": "n"}]}, [("Invalid", "notes")]),
        (
            JobModel,
            {**JOB, "notes": {"2021-01-01T00:00:00Z": 5}},
            [("Invalid", "notes.2021-01-01T00:00:00Z")],
        ),
        (WorkerModel, {"capacity": 1}, [("Required", "totalCapacity")]),
        (WorkerModel, {**WORKER, "queueAssignments": ["q"]}, [("Invalid", "queueAssignments")]),
        (
            WorkerModel,
            {**WORKER, "queueAssignments": [{"queueId": "q"}, {"queueId": "q"}]},
            [("Invalid", "queueAssignments")],
        ),
        (
            WorkerModel,
            {**WORKER, "queueAssignments": {"a/b": {}}},
            [("Invalid", "queueAssignments.a/b")],
        ),
        (WorkerModel, {**WORKER, "queueIds": ["q", "q"]}, [("Invalid", "queueIds")]),
        (
            WorkerModel,
            {**WORKER, "channelConfigurations": {"chat": {}}},
            [("Required", "channelConfigurations.chat.capacityCostPerJob")],
        ),
        (
            WorkerModel,
            {**WORKER, "channelConfigurations": [{"channelId": "chat"}]},
            [("Required", "channelConfigurations.chat.capacityCostPerJob")],
        ),
        (QueueModel, {}, [("Required", "distributionPolicyId")]),
        (DistributionPolicyModel, {}, [("Required", "mode")]),
        (DistributionPolicyModel, {"mode": MODE}, [("Required", "offerTtlSeconds")]),
        (DistributionPolicyModel, {**POLICY, "offerTTL": "P91D"}, [("Invalid", "offerTTL")]),
        (DistributionPolicyModel, {**POLICY, "offerTTL": "PT0S"}, [("Invalid", "offerTTL")]),
        (
            DistributionPolicyModel,
            {**POLICY, "mode": {**MODE, "kind": "longestIdle"}},
            [("Invalid", "mode.kind")],
        ),
        (
            DistributionPolicyModel,
            {**POLICY, "mode": {"kind": "round-robin", "maxConcurrentOffers": 1}},
            [("Required", "mode.minConcurrentOffers")],
        ),
        (
            DistributionPolicyModel,
            {**POLICY, "mode": {**MODE, "minConcurrentOffers": 2}},
            [("Invalid", "mode.maxConcurrentOffers")],
        ),
        (
            ClassificationPolicyModel,
            {"prioritizationRule": {"kind": "static"}},
            [("Invalid", "prioritizationRule.kind")],
        ),
        (
            ClassificationPolicyModel,
            {"prioritizationRule": {"kind": "azure-function-rule"}},
            [("Required", "prioritizationRule.functionUrl")],
        ),
        (
            ClassificationPolicyModel,
            {"queueSelectors": [{"kind": "static"}]},
            [("Required", "queueSelectors[0].labelSelector")],
        ),
        (
            ClassificationPolicyModel,
            {"workerSelectors": [{"kind": "weighted-allocation-queue-selector"}]},
            [("Invalid", "workerSelectors[0].kind")],
        ),
        (
            ExceptionPolicyModel,
            {"exceptionRules": {"r": {"trigger": {"kind": "queue-length"}, "actions": {}}}},
            [("Required", "exceptionRules.r.trigger.threshold")],
        ),
        (
            ExceptionPolicyModel,
            {
                "exceptionRules": {
                    "r": {
                        "trigger": {"kind": "wait-time", "threshold": 60},
                        "actions": {"a": {"kind": "manualReclassify"}},
                    }
                }
            },
            [
                ("Invalid", "exceptionRules.r.trigger.threshold"),
                ("Invalid", "exceptionRules.r.actions.a.kind"),
            ],
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
        ({"key": "k", "value": 1}, [("Required", "labelOperator")]),
        ({**SELECTOR, "labelOperator": "lessThanOrEqual"}, [("Invalid", "labelOperator")]),
        ({"key": "k", "operator": "Equal", "value": 1}, [("Invalid", "operator")]),
        ({"key": "k", "operator": "lessThan", "value": "1"}, [("Invalid", "value")]),
        ({**SELECTOR, "labelOperator": "greaterThanEqual", "value": True}, [("Invalid", "value")]),
        ({**SELECTOR, "ttl": "1 minute"}, [("Invalid", "ttl")]),
        ({**SELECTOR, "ttl": 60}, [("Invalid", "ttl")]),
        ({**SELECTOR, "ttl": "P100000D"}, [("Invalid", "ttl")]),
        ({**SELECTOR, "ttlSeconds": 0}, [("Invalid", "ttlSeconds")]),
    ],
)
@pytest.mark.parametrize("member", ["requestedWorkerSelectors", "workerSelectors"])
def test_refuses_selectors_and_says_where(
    member: str, selector: JsonObject, expected: list[tuple[str, str]]
) -> None:
    found = problems(JobModel, {**JOB, member: [SELECTOR, selector]})
    assert found == [(code, f"{member}[1].{name}") for code, name in expected]
