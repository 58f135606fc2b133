"""What is published is as the JSON Schemas say, and they say no more and no less."""

from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest

from infra import event_schemas
from shared.domain import events as e
from shared.eventgrid.catalogue import CATALOGUE, render
from shared.eventgrid.json_schemas import describe_events
from shared.eventgrid.schemas import EventSchema, enveloping, reduced
from tests.unit.eventgrid.samples import SAMPLES, large, recorded, sample

DOCUMENT = describe_events()
JUDGE = jsonschema_rs.validator_for(DOCUMENT, validate_formats=True)


def published(event: e.Event, schema: EventSchema = EventSchema.EVENT_GRID) -> dict[str, Any]:
    return enveloping(schema)(render(recorded(event)))


@pytest.mark.parametrize("schema", EventSchema)
@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_is_as_it_is_described(event: e.Event, schema: EventSchema) -> None:
    JUDGE.validate(published(event, schema))


def test_what_is_not_set_is_described_too() -> None:
    received = sample(e.JobReceived)
    bare = replace(
        received, channel_reference=None, queue_id=None, priority=None, scheduled_at=None
    )
    JUDGE.validate(published(bare))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_every_field_is_described_and_no_other(event: e.Event) -> None:
    wire = render(recorded(event))
    described = DOCUMENT["$defs"][CATALOGUE[type(event)].name]
    assert described["properties"].keys() == wire.data.keys()
    assert set(described["required"]) == wire.data.keys()


@pytest.mark.parametrize("schema", EventSchema)
def test_an_event_without_its_large_fields_is_described_too(schema: EventSchema) -> None:
    JUDGE.validate(enveloping(schema)(reduced(render(large("event-1", 20_000)))))


@pytest.mark.parametrize(
    "change",
    [
        {"offeredOn": "yesterday"},
        {"offeredOn": None},
        {"jobPriority": "5"},
        {"workerLabels": {"a": []}},
        {"sequenceNumber": 0},
    ],
)
def test_another_value_is_noticed(change: dict[str, Any]) -> None:
    event = published(sample(e.OfferIssued))
    assert JUDGE.is_valid(event)
    assert not JUDGE.is_valid({**event, "data": event["data"] | change})


@pytest.mark.parametrize("member", ["eventType", "data", "subject", "id", "eventTime"])
def test_an_envelope_without_a_member_is_noticed(member: str) -> None:
    event = published(sample(e.OfferIssued))
    assert not JUDGE.is_valid({name: value for name, value in event.items() if name != member})


def test_data_of_another_type_is_noticed() -> None:
    event = published(sample(e.OfferIssued))
    assert not JUDGE.is_valid({**event, "eventType": "Microsoft.Communication.RouterJobQueued"})
    assert not JUDGE.is_valid({**event, "eventType": "Microsoft.Communication.Other"})


def test_every_definition_is_referred_to() -> None:
    text = str(DOCUMENT)
    assert [name for name in DOCUMENT["$defs"] if f"'#/$defs/{name}'" not in text] == []


def test_the_documentation_has_them() -> None:
    written = event_schemas.PAGE.read_text(encoding="utf-8")
    assert written == event_schemas.text(), "Run python -m infra.event_schemas."
