"""Every event goes out under the hosted service's name and subject, with all its fields."""

from typing import get_args

import pytest

from shared.domain import events as e
from shared.domain.events import Event
from shared.eventgrid.catalogue import CATALOGUE, render
from tests.unit.eventgrid import catalogue
from tests.unit.eventgrid.catalogue import CHANNEL_FIELDS, QUEUE_FIELDS, SELECTOR_FIELDS
from tests.unit.eventgrid.samples import NOW, SAMPLES, recorded, sample

MEMBERS: frozenset[type[object]] = frozenset(get_args(Event.__value__))


def name_of(event: object) -> str:
    return type(event).__name__


def test_every_event_of_the_domain_is_in_the_catalogue() -> None:
    assert frozenset(CATALOGUE) == MEMBERS
    assert frozenset(catalogue.CATALOGUE) == MEMBERS
    assert frozenset(type(event) for event in SAMPLES) == MEMBERS


def test_no_two_events_share_a_type_name() -> None:
    assert len({kind.type for kind in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("event", SAMPLES, ids=name_of)
def test_type_subject_and_fields_are_the_catalogues(event: Event) -> None:
    expected = catalogue.CATALOGUE[type(event)]

    rendered = render(recorded(event))

    assert rendered.type == f"Microsoft.Communication.{expected.name}"
    assert rendered.subject == expected.subject
    assert set(rendered.data) == expected.fields | {"sequenceNumber"}


@pytest.mark.parametrize("event", SAMPLES, ids=name_of)
def test_id_time_and_sequence_are_those_of_the_record(event: Event) -> None:
    rendered = render(recorded(event, "event-9", 41))

    assert (rendered.id, rendered.occurred_at, rendered.sequence) == ("event-9", NOW, 41)
    assert rendered.data["sequenceNumber"] == 41


@pytest.mark.parametrize("event", SAMPLES, ids=name_of)
def test_parts_have_the_catalogues_fields(event: Event) -> None:
    parts = {
        "Selectors": SELECTOR_FIELDS,
        "queueAssignments": QUEUE_FIELDS,
        "channelConfigurations": CHANNEL_FIELDS,
    }
    for name, value in render(recorded(event)).data.items():
        for part, fields in parts.items():
            if part in name:
                assert all(set(item) == fields for item in value)


def test_ids_stand_in_the_subject_as_they_are() -> None:
    event = e.WorkerDeregistered(worker_id="a/b {0} c%20ä")

    assert render(recorded(event)).subject == "worker/a/b {0} c%20ä"


def test_the_queue_of_a_job_may_be_unknown() -> None:
    deleted = e.JobDeleted(
        job_id="job-1",
        channel_id="voice",
        channel_reference=None,
        queue_id=None,
        labels={},
        tags={},
    )

    data = render(recorded(deleted)).data

    assert data["queueId"] is None
    assert data["channelReference"] is None
    assert data["labels"] == {}


def test_offer_issued_in_full() -> None:
    assert render(recorded(sample(e.OfferIssued))).data == {
        "workerId": "worker-1",
        "jobId": "job-1",
        "channelReference": "call-7",
        "channelId": "voice",
        "queueId": "queue-1",
        "offerId": "offer-1",
        "offeredOn": "2026-03-01T09:30:15.2500000+00:00",
        "offerTimeUtc": "2026-03-01T09:30:15.2500000+00:00",
        "expiresOn": "2026-03-01T09:31:15.2500000+00:00",
        "expiryTimeUtc": "2026-03-01T09:31:15.2500000+00:00",
        "jobPriority": 5,
        "jobLabels": {"Locale": "en-us"},
        "jobTags": {"Vip": True},
        "workerLabels": {"Skill": 11, "English": True, "Score": 0.5},
        "workerTags": {"Team": "blue"},
        "sequenceNumber": 3,
    }


def test_worker_updated_in_full() -> None:
    assert render(recorded(sample(e.WorkerUpdated))).data == {
        "workerId": "worker-1",
        "totalCapacity": 2,
        "queueAssignments": [{"id": "queue-1", "name": "Queue 1", "labels": {"Region": 1}}],
        "channelConfigurations": [
            {"channelId": "voice", "capacityCostPerJob": 2, "maxNumberOfJobs": None},
            {"channelId": "chat", "capacityCostPerJob": 1, "maxNumberOfJobs": 2},
        ],
        "labels": {"Skill": 11},
        "tags": {"Team": "blue"},
        "availableForOffers": True,
        "updatedWorkerProperties": ["TotalCapacity", "ChannelConfigurations"],
        "sequenceNumber": 3,
    }
