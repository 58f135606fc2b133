"""What every event publisher promises, kept against a topic on loopback."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken, AzureKeyCredential

from shared.domain.events import RecordedEvent
from shared.eventgrid.batches import RequestLimits
from shared.eventgrid.publisher import EventGridPublisher
from shared.eventgrid.schemas import EventSchema
from shared.ports import EventPublisher, PublishFailed
from tests.unit.eventgrid.samples import NOW, SAMPLES, large, numbered, recorded

KEY = "c2VjcmV0LWtleQ=="
TIMEOUT = 0.5
"""Seconds; long enough for a loopback request on a busy machine."""
MARGIN = 2.0
"""Seconds by which a publish may exceed its time-out on such a machine."""

type Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = json.loads(self.body)
        return events


async def accept(_request: web.Request) -> web.StreamResponse:
    return web.Response()


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError("the publisher waited")


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def answer(status: int, **headers: str) -> Behaviour:
    async def respond(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    respond.__name__ = f"answer {status}"
    return respond


class Topic:
    """Records what is posted and answers as told: first as ``script`` says, then as ``usual``."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.usual: Behaviour = accept
        self.script: list[Behaviour] = []
        self.reached = asyncio.Event()
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/events"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for post in self.posts for event in post.events]

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve, on the same port as before if it has served already."""
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/api/events", self._receive)
        # Handlers that hang are cancelled when their connection closes, not waited for.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self.posts.append(Post(request.path_qs, dict(request.headers), await request.read()))
        self.reached.set()
        behaviour = self.script.pop(0) if self.script else self.usual
        return await behaviour(request)


@pytest.fixture
async def topic() -> AsyncIterator[Topic]:
    topic = Topic()
    async with topic.listening():
        yield topic


def direct(topic: Topic, **settings: Any) -> EventPublisher:
    credential = AzureKeyCredential(KEY)
    return EventGridPublisher(topic.endpoint, credential, timeout=TIMEOUT, **settings)


type Open = Callable[..., AbstractAsyncContextManager[EventPublisher]]


@pytest.fixture(params=[direct])
def opened(request: pytest.FixtureRequest) -> Open:
    """Opens a publisher to a topic, and closes it."""

    @asynccontextmanager
    async def open_publisher(topic: Topic, **settings: Any) -> AsyncIterator[EventPublisher]:
        publisher = request.param(topic, **settings)
        try:
            yield publisher
        finally:
            await publisher.close()

    return open_publisher


async def failing(publisher: EventPublisher, events: Sequence[RecordedEvent]) -> PublishFailed:
    """The failure of a publish that fails in time."""
    begin = time.monotonic()
    with pytest.raises(PublishFailed) as failure:
        await publisher.publish(events)
    assert time.monotonic() - begin < TIMEOUT + MARGIN
    return failure.value


# -- on the wire ------------------------------------------------------------------------------


async def test_event_grid_schema_on_the_wire(topic: Topic, opened: Open) -> None:
    async with opened(topic) as publisher:
        await publisher.publish(numbered(1))

    (post,) = topic.posts
    assert post.path == "/api/events?api-version=2018-01-01"
    assert post.headers["aeg-sas-key"] == KEY
    assert post.headers["Content-Type"] == "application/json; charset=utf-8"
    assert post.events == [
        {
            "id": "event-1",
            "subject": "worker/worker-1",
            "eventType": "Microsoft.Communication.RouterWorkerDeregistered",
            "eventTime": "2026-03-01T09:30:15.250000Z",
            "dataVersion": "1.0",
            "data": {"workerId": "worker-1", "sequenceNumber": 1},
        }
    ]


async def test_cloud_events_schema_on_the_wire(topic: Topic, opened: Open) -> None:
    settings = {"schema": EventSchema.CLOUD_EVENTS, "source": "/routers/main"}
    async with opened(topic, **settings) as publisher:
        await publisher.publish(numbered(1))

    (post,) = topic.posts
    assert post.headers["aeg-sas-key"] == KEY
    assert post.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
    (event,) = post.events
    assert datetime.fromisoformat(event.pop("time")).astimezone(UTC) == NOW
    assert event == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/routers/main",
        "subject": "worker/worker-1",
        "type": "Microsoft.Communication.RouterWorkerDeregistered",
        "sequence": "1",
        "data": {"workerId": "worker-1", "sequenceNumber": 1},
    }


@pytest.mark.parametrize("schema", EventSchema)
async def test_every_event_arrives_with_its_data(
    topic: Topic, opened: Open, schema: EventSchema
) -> None:
    events = [recorded(event, f"event-{n}") for n, event in enumerate(SAMPLES)]
    async with opened(topic, schema=schema) as publisher:
        await publisher.publish(events)

    assert topic.ids == [event.id for event in events]
    offer = next(event["data"] for event in topic.events if "offeredOn" in event["data"])
    assert offer["workerLabels"] == {"Skill": 11, "English": True, "Score": 0.5}
    assert offer["offeredOn"] == offer["offerTimeUtc"] == "2026-03-01T09:30:15.2500000+00:00"
    deleted = topic.events[-1]["data"]
    assert deleted["jobId"] is None


# -- order and division -----------------------------------------------------------------------


async def test_order_is_kept(topic: Topic, opened: Open) -> None:
    async with opened(topic) as publisher:
        await publisher.publish(numbered(3, "a"))
        await publisher.publish(numbered(2, "b"))

    assert topic.ids == ["a-1", "a-2", "a-3", "b-1", "b-2"]


async def test_no_events_no_request(topic: Topic, opened: Open) -> None:
    async with opened(topic) as publisher:
        await publisher.publish([])

    assert topic.posts == []


async def test_many_events_are_divided_by_number(topic: Topic, opened: Open) -> None:
    async with opened(topic, limits=RequestLimits(max_events=4)) as publisher:
        await publisher.publish(numbered(10))

    assert [len(post.events) for post in topic.posts] == [4, 4, 2]
    assert topic.ids == [f"event-{n}" for n in range(1, 11)]


@pytest.mark.parametrize("schema", EventSchema)
async def test_large_events_are_divided_by_size(
    topic: Topic, opened: Open, schema: EventSchema
) -> None:
    events = [large(f"event-{n}", 300_000) for n in range(5)]
    async with opened(topic, schema=schema) as publisher:
        await publisher.publish(events)

    assert [len(post.events) for post in topic.posts] == [3, 2]
    assert all(len(post.body) <= RequestLimits().max_bytes for post in topic.posts)
    assert topic.ids == [event.id for event in events]


async def test_an_event_too_large_arrives_without_its_large_fields(
    topic: Topic, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(topic) as publisher:
        await publisher.publish([*numbered(1), large("huge", 1_000_000), *numbered(1, "later")])

    assert topic.ids == ["event-1", "huge", "later-1"]
    data = topic.events[1]["data"]
    assert (data["jobId"], data["queueId"], data["labels"]) == ("job-1", "queue-1", None)
    assert data["truncatedFields"] == ["labels"]
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert vars(record)["event_id"] == "huge"
    assert vars(record)["fields"] == ["labels"]


async def test_what_follows_a_failed_request_is_not_sent(topic: Topic, opened: Open) -> None:
    topic.script = [accept, answer(400)]
    async with opened(topic, limits=RequestLimits(max_events=1)) as publisher:
        await failing(publisher, numbered(3))

    assert topic.ids == ["event-1", "event-2"]


# -- failure ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429, 500, 502, 503])
async def test_a_refusal_is_a_failure(topic: Topic, opened: Open, status: int) -> None:
    topic.usual = answer(status)
    async with opened(topic) as publisher:
        failure = await failing(publisher, numbered(1))

    assert failure.__cause__ is not None


@pytest.mark.parametrize("behaviour", [hang, trickle, drop])
async def test_no_proper_answer_is_a_failure_in_time(
    topic: Topic, opened: Open, behaviour: Behaviour
) -> None:
    topic.usual = behaviour
    async with opened(topic) as publisher:
        await failing(publisher, numbered(1))


async def test_a_long_retry_after_is_a_failure_in_time(topic: Topic, opened: Open) -> None:
    topic.usual = answer(503, **{"Retry-After": "3600"})
    async with opened(topic) as publisher:
        await failing(publisher, numbered(1))


async def test_nobody_listening_is_a_failure_and_recovery_follows(opened: Open) -> None:
    topic = Topic()
    async with topic.listening():
        pass
    async with opened(topic) as publisher:
        await failing(publisher, numbered(1))
        async with topic.listening():
            await publisher.publish(numbered(2))

    assert topic.ids == ["event-1", "event-2"]


@pytest.mark.parametrize("behaviour", [answer(400), hang, trickle])
async def test_a_publisher_recovers(topic: Topic, opened: Open, behaviour: Behaviour) -> None:
    topic.script = [behaviour]
    async with opened(topic) as publisher:
        await failing(publisher, numbered(1))
        await publisher.publish(numbered(1))

    assert topic.ids == ["event-1", "event-1"]


@pytest.mark.parametrize("behaviour", [answer(500), answer(503), drop])
async def test_a_passing_failure_is_not_noticed(
    topic: Topic, opened: Open, behaviour: Behaviour
) -> None:
    topic.script = [accept, behaviour]
    async with opened(topic) as publisher:
        await publisher.publish(numbered(1))
        await publisher.publish(numbered(1, "second"))

    assert topic.ids == ["event-1", "second-1", "second-1"]


async def test_a_cancelled_publish_is_cancelled(topic: Topic, opened: Open) -> None:
    topic.script = [hang]
    async with opened(topic) as publisher:
        publishing = asyncio.create_task(publisher.publish(numbered(1)))
        await asyncio.wait_for(topic.reached.wait(), MARGIN)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing


async def test_the_key_is_not_logged(
    topic: Topic, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    topic.script = [accept, answer(401)]
    with caplog.at_level(logging.DEBUG):
        async with opened(topic) as publisher:
            await publisher.publish(numbered(1))
            failure = await failing(publisher, numbered(1))

    logged = "".join(str(vars(record)) for record in caplog.records)
    assert "aeg-sas-key" in logged
    assert KEY not in logged
    assert KEY not in str(failure)


class TokenCredential:
    """Gives out a token, as a managed identity does."""

    async def get_token(
        self,
        *_scopes: str,
        claims: str | None = None,  # noqa: ARG002
        tenant_id: str | None = None,  # noqa: ARG002
        enable_cae: bool = False,  # noqa: ARG002
        **_options: Any,
    ) -> AccessToken:
        return AccessToken("the-token", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "TokenCredential":
        return self

    async def __aexit__(self, *_error: object) -> None: ...


async def test_a_token_does_not_go_over_an_open_line(topic: Topic) -> None:
    publisher = EventGridPublisher(topic.endpoint, TokenCredential(), timeout=TIMEOUT)

    failure = await failing(publisher, numbered(1))
    await publisher.close()

    assert "TLS" in str(failure)
    assert topic.posts == []


# -- life cycle, and many callers -------------------------------------------------------------


async def test_a_publisher_never_used_can_be_closed(topic: Topic, opened: Open) -> None:
    async with opened(topic) as publisher:
        await publisher.close()

    assert topic.posts == []


async def test_callers_at_once_lose_nothing_and_keep_their_order(
    topic: Topic, opened: Open
) -> None:
    async with opened(topic) as publisher:
        await asyncio.gather(*(publisher.publish(numbered(3, f"caller{n}")) for n in range(20)))

    assert len(topic.ids) == 60
    for n in range(20):
        own = [id for id in topic.ids if id.startswith(f"caller{n}-")]
        assert own == [f"caller{n}-1", f"caller{n}-2", f"caller{n}-3"]
