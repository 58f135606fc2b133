"""Spellings and formats of single fields."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import events as e
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.statuses import JobStatus
from shared.domain.workers import WorkerProfile
from shared.eventgrid.catalogue import render
from shared.eventgrid.payloads import UPDATED_PROPERTY_NAMES, duration, instant
from tests.unit.eventgrid.samples import TEMPORARY, recorded, sample


def data_of(event: e.Event) -> dict[str, Any]:
    return render(recorded(event)).data


def selectors_of(event: e.Event, name: str = "requestedWorkerSelectors") -> list[str]:
    return [selector["key"] for selector in data_of(event)[name]]


def selector_data(selector: Any) -> dict[str, Any]:
    queued = replace(sample(e.JobQueued), requested_worker_selectors=(selector,))
    selectors: list[dict[str, Any]] = data_of(queued)["requestedWorkerSelectors"]
    return selectors[0]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.0000000+00:00"),
        (datetime(2026, 1, 2, 3, 4, 5, 67, tzinfo=UTC), "2026-01-02T03:04:05.0000670+00:00"),
        (
            datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T01:04:00.0000000+00:00",
        ),
        (
            datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=-2))),
            "2026-01-02T05:04:00.0000000+00:00",
        ),
    ],
)
def test_instants_are_utc_with_seven_digits(moment: datetime, text: str) -> None:
    assert instant(moment) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (60, "PT60S"),
        (100.0, "PT100S"),
        (0.5, "PT0.5S"),
        (86_400.25, "PT86400.25S"),
        (1e20, "PT100000000000000000000S"),
        (0, "PT0S"),
    ],
)
def test_durations_are_iso_8601(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("status", JobStatus)
def test_job_status_is_in_pascal_case(status: JobStatus) -> None:
    received = replace(sample(e.JobReceived), status=status)

    text = data_of(received)["jobStatus"]

    assert text[0].isupper()
    assert text.lower() == status.value.lower()


def test_job_status_of_several_words() -> None:
    assert data_of(sample(e.JobReceived))["jobStatus"] == "PendingSchedule"


@pytest.mark.parametrize("operator", LabelOperator)
def test_operators_are_spelled_as_in_the_rest_api(operator: LabelOperator) -> None:
    assert selector_data(replace(TEMPORARY, operator=operator))["labelOperator"] == operator.value


@pytest.mark.parametrize(
    "value", [1, 1.0, 0, True, False, "true", "1", "", -2.5, 2**70], ids=lambda value: f"{value!r}"
)
def test_label_values_keep_their_types(value: LabelValue) -> None:
    received = replace(sample(e.JobReceived), labels={"key": value})

    label = data_of(received)["labels"]["key"]
    selected = selector_data(replace(TEMPORARY, value=value))["value"]

    assert (label, type(label)) == (value, type(value))
    assert (selected, type(selected)) == (value, type(value))


def test_running_selector() -> None:
    assert selector_data(TEMPORARY) == {
        "key": "English",
        "labelOperator": "equal",
        "value": True,
        "ttlSeconds": 60.0,
        "ttl": "PT60S",
        "state": "active",
        "expireTime": "2026-03-01T09:31:15.2500000+00:00",
        "expirationTime": "2026-03-01T09:31:15.2500000+00:00",
    }


def test_selector_without_expiry_has_nulls() -> None:
    permanent = replace(TEMPORARY, expires_after_seconds=None, expires_at=None)

    rendered = selector_data(permanent)

    assert [rendered[name] for name in ("ttlSeconds", "ttl", "expireTime", "expirationTime")] == [
        None,
        None,
        None,
        None,
    ]


def test_expired_selectors_go_under_both_names() -> None:
    expired = sample(e.JobWorkerSelectorsExpired)
    data = data_of(expired)

    assert selectors_of(expired, "requestedWorkerSelectorsExpired") == ["English"]
    assert data["requestedWorkerSelectorsExpired"] == data["expiredRequestedWorkerSelectors"]
    assert data["requestedWorkerSelectorsExpired"][0]["state"] == "expired"
    assert selectors_of(expired, "attachedWorkerSelectorsExpired") == ["Attached"]
    assert data["attachedWorkerSelectorsExpired"] == data["expiredAttachedWorkerSelectors"]


def test_waiting_for_activation_lists_expired_selectors_apart() -> None:
    waiting = sample(e.JobWaitingForActivation)

    assert selectors_of(waiting) == ["Skill", "English"]
    assert selectors_of(waiting, "requestedWorkerSelectorsExpired") == ["English"]
    assert selectors_of(waiting, "expiredRequestedWorkerSelectors") == ["English"]
    assert selectors_of(waiting, "attachedWorkerSelectors") == ["Attached"]
    assert selectors_of(waiting, "attachedWorkerSelectorsExpired") == []
    assert data_of(waiting)["unavailableForMatching"] is True


def test_a_failed_classification_says_why() -> None:
    assert data_of(sample(e.JobClassificationFailed))["errors"] == [
        {
            "code": "RuleFailed",
            "message": "It gives no number.",
            "target": "prioritizationRule",
            "innererror": None,
            "details": None,
        }
    ]


def test_a_classified_job_tells_its_queue_twice() -> None:
    data = data_of(sample(e.JobClassified))
    assert data["queueDetails"] == {"id": "queue-1", "name": "Queue 1", "labels": {"Region": 1}}
    assert data["queueInfo"] == data["queueDetails"]


def test_an_exception_names_its_rule_twice() -> None:
    data = data_of(sample(e.JobExceptionTriggered))
    assert (data["ruleKey"], data["exceptionRuleId"]) == ("too long", "too long")


def test_every_property_of_a_worker_has_a_wire_name() -> None:
    assert set(UPDATED_PROPERTY_NAMES) == {field.name for field in fields(WorkerProfile)}


LABELS = st.dictionaries(
    st.text(),
    st.text() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    max_size=5,
)


@given(LABELS, LABELS)
def test_labels_and_tags_are_carried_unchanged(
    labels: dict[str, LabelValue], tags: dict[str, LabelValue]
) -> None:
    issued = replace(sample(e.OfferIssued), job_labels=labels, worker_tags=tags)

    data = data_of(issued)

    assert repr(data["jobLabels"]) == repr(labels)
    assert repr(data["workerTags"]) == repr(tags)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_any_time_to_live_can_be_written(seconds: float) -> None:
    assert selector_data(replace(TEMPORARY, expires_after_seconds=seconds))["ttlSeconds"] == seconds
