"""Spans: what is a part of what, and about whom."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from shared.domain.events import RecordedEvent, WorkerDeregistered
from shared.ports import ConcurrencyConflict, StoreUnavailable
from shared.services.outbox import Outbox
from shared.telemetry import names
from shared.telemetry.event_origins import EventOrigins
from shared.telemetry.spans import span
from tests.rig import START, CatchingPublisher, Rig
from tests.telemetry_rig import TelemetryRig, attributes_of

type Watched = tuple[Rig, TelemetryRig]


def path(telemetry: TelemetryRig, last: ReadableSpan) -> list[str]:
    """Names from the root down to the span."""
    by_id = {each.context.span_id: each for each in telemetry.spans}
    parents = [last]
    while (parent := parents[-1].parent) is not None:
        parents.append(by_id[parent.span_id])
    return [each.name for each in reversed(parents)]


async def test_a_life_cycle_is_one_tree(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    telemetry.clear()
    with telemetry.tracer.start_as_current_span("life cycle"):
        await rig.job()
        offer_id = await rig.offer_id()
        await rig.finish(await rig.accept())
    assert len({each.context.trace_id for each in telemetry.spans}) == 1
    assert [each.name for each in telemetry.spans if each.parent is None] == ["life cycle"]
    [created] = telemetry.named("create jobs")
    assert path(telemetry, created) == ["life cycle", "match job", "commit job", "create jobs"]
    assert {tuple(path(telemetry, each)) for each in telemetry.named("replace jobs")} == {
        ("life cycle", "commit job", "replace jobs"),
    }
    happened = [
        attributes_of(each)[names.EVENT_TYPES]
        for each in telemetry.named("commit job")
        if names.EVENT_TYPES in attributes_of(each)
    ]
    assert happened == [
        ("JobReceived", "JobQueued", "OfferIssued"),
        ("OfferAccepted",),
        ("JobCompleted",),
        ("JobClosed",),
    ]
    offered = telemetry.named("commit job")[0]
    assert attributes_of(offered) == {
        names.JOB_ID: "job",
        names.WORKER_ID: "worker",
        names.QUEUE_ID: "queue",
        names.OFFER_ID: offer_id,
        names.EVENT_TYPES: ("JobReceived", "JobQueued", "OfferIssued"),
    }


async def test_a_store_operation_tells_on_what(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    [created] = telemetry.named("create workers")
    assert created.kind is SpanKind.CLIENT
    assert attributes_of(created) == {
        "db.operation.name": "create",
        "db.collection.name": "workers",
        names.WORKER_ID: "worker",
    }


async def test_the_store_by_itself_leaves_no_trace(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.router.store.jobs.get("job")
    assert telemetry.spans == ()


async def test_several_ids_are_separated_by_commas(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.policy(max_concurrent_offers=2)
    await rig.worker("w1")
    await rig.worker("w2")
    await rig.job()
    [issued] = [
        each
        for each in telemetry.named("commit job")
        if attributes_of(each)[names.EVENT_TYPES][-2:] == ("OfferIssued", "OfferIssued")
    ]
    assert attributes_of(issued)[names.WORKER_ID].split(",") == ["w1", "w2"]


async def test_events_are_published_in_the_trace_that_committed_them(watched: Watched) -> None:
    rig, telemetry = watched
    await submit_by_courier(rig, telemetry, "one")
    [published] = telemetry.named("publish events")
    assert path(telemetry, published) == [
        "request one",
        "match job",
        "commit job",
        "publish events",
    ]
    assert published.kind is SpanKind.PRODUCER
    assert attributes_of(published)["messaging.batch.message_count"] == 2
    assert attributes_of(published)[names.JOB_ID] == "one"


async def test_a_load_of_several_traces_is_linked_to_all(watched: Watched) -> None:
    rig, telemetry = watched
    await submit_by_courier(rig, telemetry, "one", "two", "three")
    [published] = telemetry.named("publish events")
    assert published.parent is None
    origins = {each.context.trace_id for each in telemetry.spans if each.name == "commit job"}
    assert {link.context.trace_id for link in published.links} == origins
    assert len(origins) == 3
    assert names.JOB_ID not in attributes_of(published)


async def submit_by_courier(rig: Rig, telemetry: TelemetryRig, *job_ids: str) -> None:
    """Each in a trace of its own; published together, outside of all of them."""
    outbox = Outbox(telemetry.observability.publisher(rig.events), rig.clock)
    object.__setattr__(rig.router, "outbox", outbox)
    for job_id in job_ids:
        with telemetry.tracer.start_as_current_span(f"request {job_id}"):
            await rig.job(job_id)
    await outbox.close()


async def test_what_failed_is_published_in_its_trace_later(watched: Watched) -> None:
    rig, telemetry = watched
    rig.events.down = True
    await rig.job()
    rig.events.down = False
    rig.clock.forward(seconds=20)
    await rig.sweep()
    failed, published = telemetry.named("publish events")
    assert (failed.status.status_code, published.status.status_code) == (
        StatusCode.ERROR,
        StatusCode.UNSET,
    )
    assert attributes_of(failed)[names.ERROR_TYPE] == "PublishFailed"
    assert published.context.trace_id == failed.context.trace_id


async def test_events_of_another_process_are_published_in_the_sweep() -> None:
    rig, telemetry = await Rig().ready(), TelemetryRig()
    rig.events.down = True
    await rig.job()
    rig.events.down = False
    telemetry.watch(rig)
    rig.clock.forward(seconds=20)
    await rig.sweep()
    [published] = telemetry.named("publish events")
    assert path(telemetry, published) == ["sweep publish_outbox", "publish events"]
    await telemetry.observability.close()


async def test_idle_sweeps_leave_no_trace(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.sweep()
    assert telemetry.spans == ()


async def test_a_sweep_tells_what_it_did(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    await rig.job()
    telemetry.clear()
    rig.clock.forward(seconds=61)
    await rig.sweep()
    expired = next(
        each
        for each in telemetry.named("commit job")
        if attributes_of(each).get(names.EVENT_TYPES) == ("OfferExpired",)
    )
    assert path(telemetry, expired) == ["sweep expire", "commit job"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("secret-label"), StatusCode.ERROR),
        (ConcurrencyConflict("secret-label"), StatusCode.UNSET),
    ],
)
def test_of_an_error_the_class_is_told(error: Exception, status: StatusCode) -> None:
    telemetry = TelemetryRig()
    with pytest.raises(type(error)), span(telemetry.tracer, "work"):
        raise error
    [work] = telemetry.spans
    assert work.status.status_code is status
    assert dict(attributes_of(work)) == {names.ERROR_TYPE: type(error).__name__}
    assert work.events == ()
    assert work.status.description is None


async def test_only_ids_are_told(watched: Watched) -> None:
    rig, telemetry = watched
    labels = {"secret-label": "secret-label"}
    await rig.worker(labels=labels)
    await rig.submit(queue_id="queue", labels=labels, tags=labels, channel_reference="secret-label")
    await rig.finish(await rig.accept())
    assert len(telemetry.spans) > 10
    assert "secret-label" not in "".join(each.to_json() for each in telemetry.spans)


def test_origins_are_forgotten_oldest_first() -> None:
    telemetry, origins = TelemetryRig(), EventOrigins(most=2)
    with telemetry.tracer.start_as_current_span("request") as opened:
        context = opened.get_span_context()
    gone = WorkerDeregistered(worker_id="worker")
    events = [
        RecordedEvent(id=str(number), sequence=number, occurred_at=START, event=gone)
        for number in range(3)
    ]
    origins.remember(events, context)
    assert origins.of(events[:1]) == []
    assert origins.of(events) == [context]
    origins.forget(events)
    assert origins.of(events) == []


async def test_publishing_is_cancelled_and_closed_as_it_is_meant(watched: Watched) -> None:
    _, telemetry = watched

    class Hanging(CatchingPublisher):
        closed = False

        async def publish(self, events: object) -> None:  # noqa: ARG002
            await asyncio.sleep(60)

        async def close(self) -> None:
            self.closed = True

    hanging = Hanging()
    publisher = telemetry.observability.publisher(hanging)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await publisher.publish([])
    await publisher.close()
    assert hanging.closed
