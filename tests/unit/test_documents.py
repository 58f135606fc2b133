"""Stored documents: exact round trips, and what other releases wrote."""

import json
from dataclasses import replace
from datetime import UTC
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.classification import Attachment, ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.events import Event
from shared.domain.exception_policies import (
    ExceptionAction,
    ExceptionPolicy,
    ExceptionTrigger,
)
from shared.domain.follow_ups import FollowUp
from shared.domain.jobs import Job
from shared.domain.labels import identical
from shared.domain.matching_modes import MatchingMode, ScheduleAndSuspend, Suspend
from shared.domain.queues import Queue
from shared.domain.rules import Rule, Secret, StaticRule
from shared.domain.workers import Worker
from shared.ports import OutboxRecord
from shared.storage.documents import (
    CLASSIFICATION_POLICIES,
    DISTRIBUTION_POLICIES,
    EXCEPTION_POLICIES,
    JOBS,
    OUTBOX_RECORDS,
    QUEUES,
    WORKERS,
    Codec,
    UnreadableDocument,
)
from tests.factories import NOW, make_event, make_job, make_queue, make_record
from tests.strategies import values_of

CODECS: dict[Any, Codec[Any]] = {
    Job: JOBS,
    Worker: WORKERS,
    Queue: QUEUES,
    DistributionPolicy: DISTRIBUTION_POLICIES,
    ClassificationPolicy: CLASSIFICATION_POLICIES,
    ExceptionPolicy: EXCEPTION_POLICIES,
    OutboxRecord: OUTBOX_RECORDS,
}


@pytest.mark.parametrize("kind", CODECS)
@given(data=st.data())
def test_a_value_is_the_same_after_a_round_trip(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    codec = CODECS[kind]
    assert identical(codec.from_json(codec.to_json(value)), value)


@pytest.mark.parametrize("variant", get_args(Event.__value__))
@settings(max_examples=10)
@given(data=st.data())
def test_every_event_can_be_stored(variant: Any, data: st.DataObject) -> None:
    recorded = replace(make_event(), event=data.draw(values_of(variant)))
    record = make_record(events=(recorded,))
    assert identical(OUTBOX_RECORDS.from_json(OUTBOX_RECORDS.to_json(record)), record)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", 2**70, -0.0, 1e300, "true", ""], ids=repr)
def test_a_label_keeps_its_type(value: Any) -> None:
    queue = make_queue(labels={'a "key". ключ': value})
    (label,) = QUEUES.from_json(QUEUES.to_json(queue)).labels.values()
    assert (label, type(label)) == (value, type(value))


@pytest.mark.parametrize("value", [None, [{"a": None}], {"type": "StaticRule"}, [1, 1.0], {}])
def test_the_value_of_a_static_rule_is_any_json(value: Any) -> None:
    policy = ClassificationPolicy(id="c", prioritization_rule=StaticRule(value=value))
    read = CLASSIFICATION_POLICIES.from_json(CLASSIFICATION_POLICIES.to_json(policy))
    assert identical(read, policy)


def test_times_come_back_in_utc() -> None:
    assert JOBS.from_json(JOBS.to_json(make_job())).created_at.tzinfo is UTC


def test_documents_are_json_objects_with_the_members_of_the_domain() -> None:
    document = json.loads(QUEUES.to_json(make_queue(name="Sales", labels={"a": 1})))
    assert document == {
        "id": "queue-1",
        "distribution_policy_id": "policy-1",
        "name": "Sales",
        "labels": {"a": 1},
        "exception_policy_id": None,
    }


def test_unknown_members_are_ignored() -> None:
    document = JOBS.encode(make_job())
    document["later"] = {"x": 1}
    document["definition"]["later"] = 1
    assert JOBS.decode(document) == make_job()


def test_missing_members_get_the_defaults_of_the_domain() -> None:
    oldest = {
        "id": "job-1",
        "definition": {"channel_id": "chat", "queue_id": "queue-1"},
        "status": "queued",
        "created_at": "2024-05-06T07:08:09.123456+00:00",
        "enqueued_at": "2024-05-06T07:08:09.123456+00:00",
    }
    assert JOBS.decode(oldest) == make_job()


@pytest.mark.parametrize("mode", [Suspend(), ScheduleAndSuspend(schedule_at=NOW)])
def test_the_matching_mode_is_stored_with_its_type(mode: MatchingMode) -> None:
    document = JOBS.encode(make_job(matching_mode=mode))
    assert document["definition"]["matching_mode"]["type"] == type(mode).__name__


def test_type_names_which_documents_hold_do_not_change() -> None:
    stored = [*get_args(Event.__value__), *get_args(FollowUp.__value__)]
    chosen = [MatchingMode, Rule, Secret, ExceptionTrigger, ExceptionAction, Attachment]
    parts = [get_origin(part) or part for kind in chosen for part in get_args(kind.__value__)]
    assert {kind.__name__ for kind in (*stored, *parts)} >= {
        *("JobReceived", "JobQueued", "JobWorkerSelectorsExpired", "JobCompleted", "JobClosed"),
        *("JobCancelled", "JobUnassigned", "JobWaitingForActivation", "JobDeleted"),
        *("OfferIssued", "OfferAccepted", "OfferDeclined", "OfferRevoked", "OfferExpired"),
        *("WorkerRegistered", "WorkerUpdated", "WorkerDeregistered", "WorkerDeleted"),
        *("AssignReservation", "ReleaseReservation", "RevokeOffer"),
        *("QueueAndMatch", "Suspend", "ScheduleAndSuspend"),
        *("StaticRule", "DirectMapRule", "ExpressionRule", "FunctionRule", "WebhookRule"),
        "SealedSecret",
        *("QueueLengthTrigger", "WaitTimeTrigger"),
        *("CancelAction", "ReclassifyAction", "ManualReclassifyAction"),
        *("StaticAttachment", "ConditionalAttachment", "PassThroughAttachment"),
        *("RuleAttachment", "WeightedAttachment"),
    }


def test_an_unknown_type_is_reported() -> None:
    document = OUTBOX_RECORDS.encode(make_record())
    document["events"][0]["event"]["type"] = "JobTeleported"
    with pytest.raises(UnreadableDocument, match="JobTeleported"):
        OUTBOX_RECORDS.decode(document)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "{}", '{"id": "q"}', '{"id": 1, "distribution_policy_id": {', "null"],
)
def test_a_damaged_document_is_reported(text: str) -> None:
    with pytest.raises(UnreadableDocument):
        QUEUES.from_json(text)


def test_an_unknown_status_is_reported() -> None:
    with pytest.raises(UnreadableDocument, match="asleep"):
        JOBS.decode(JOBS.encode(make_job()) | {"status": "asleep"})
