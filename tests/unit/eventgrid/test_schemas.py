"""Envelopes, events that are too large, and the division into requests."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import events as e
from shared.eventgrid.batches import RequestLimits, request_body, split
from shared.eventgrid.catalogue import render
from shared.eventgrid.schemas import (
    MAX_FIELD_BYTES,
    MAX_SUBJECT_LENGTH,
    Encoded,
    EventSchema,
    encoded,
    enveloping,
    reduced,
)
from tests.unit.eventgrid.samples import large, recorded, sample

EVENT = render(recorded(sample(e.WorkerDeregistered)))


def test_event_grid_schema() -> None:
    assert enveloping(EventSchema.EVENT_GRID)(EVENT) == {
        "id": "event-1",
        "subject": "worker/worker-1",
        "eventType": "Microsoft.Communication.RouterWorkerDeregistered",
        "eventTime": "2026-03-01T09:30:15.250000Z",
        "dataVersion": "1.0",
        "data": {"workerId": "worker-1", "sequenceNumber": 3},
    }


def test_cloud_events_schema() -> None:
    assert enveloping(EventSchema.CLOUD_EVENTS, "/routers/main")(EVENT) == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/routers/main",
        "subject": "worker/worker-1",
        "type": "Microsoft.Communication.RouterWorkerDeregistered",
        "time": "2026-03-01T09:30:15.250000Z",
        "sequence": "3",
        "data": {"workerId": "worker-1", "sequenceNumber": 3},
    }


def test_reduction_leaves_the_small_fields_and_names_the_large_ones() -> None:
    whole = render(large("event-1", MAX_FIELD_BYTES))

    smaller = reduced(whole)

    assert smaller.data.pop("truncatedFields") == ["labels"]
    assert smaller.data == whole.data | {"labels": None}
    assert (smaller.id, smaller.type, smaller.subject) == (whole.id, whole.type, whole.subject)


def test_reduction_keeps_a_field_of_the_greatest_size() -> None:
    fitting = MAX_FIELD_BYTES - len('{"Transcript":""}')

    assert reduced(render(large("event-1", fitting))).data["truncatedFields"] == []
    assert reduced(render(large("event-1", fitting + 1))).data["truncatedFields"] == ["labels"]


@given(st.characters(exclude_categories=["Cs"]))
def test_whatever_is_large_the_reduced_event_fits(character: str) -> None:
    text = character * 20_000
    huge = e.JobCancelled(
        job_id="job-1",
        channel_id=text,
        channel_reference=text,
        queue_id=text,
        labels={"a": text},
        tags={text: 1},
        note=text,
        disposition_code=text,
    )

    smaller = reduced(render(recorded(huge)))

    assert len(smaller.subject) == MAX_SUBJECT_LENGTH
    assert RequestLimits().allow(encoded(enveloping(EventSchema.CLOUD_EVENTS)(smaller)))


def events_of(sizes: list[int]) -> list[Encoded]:
    return [encoded({"id": n, "data": "x" * size}) for n, size in enumerate(sizes)]


@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.builds(RequestLimits, st.integers(100, 400), st.integers(1, 10)),
)
def test_split_keeps_order_within_the_limits(sizes: list[int], limits: RequestLimits) -> None:
    events = events_of(sizes)

    batches = list(split(events, limits))

    assert [event for batch in batches for event in batch] == events
    assert all(0 < len(batch) <= limits.max_events for batch in batches)
    assert all(len(request_body(batch)) <= limits.max_bytes for batch in batches)


@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.builds(RequestLimits, st.integers(100, 400), st.integers(1, 10)),
)
def test_split_fills_requests(sizes: list[int], limits: RequestLimits) -> None:
    batches = list(split(events_of(sizes), limits))

    for batch, following in pairwise(batches):
        fuller = [*batch, following[0]]
        assert len(fuller) > limits.max_events or len(request_body(fuller)) > limits.max_bytes


@pytest.mark.parametrize(("room", "allowed"), [(0, True), (-1, False)])
def test_an_event_may_fill_a_request_alone(room: int, allowed: bool) -> None:
    (event,) = events_of([50])
    limits = RequestLimits(max_bytes=len(request_body([event])) + room)

    assert limits.allow(event) is allowed


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=5))
def test_a_request_body_is_the_list_of_the_events(envelopes: list[dict[str, int | str]]) -> None:
    assert json.loads(request_body(map(encoded, envelopes))) == envelopes
