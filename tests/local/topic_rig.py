"""A local topic on a real server, and webhooks that behave as a test wants."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from aiohttp import web
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from infra.local.topic import DeliverySettings, LocalTopic

KEY = "c2VjcmV0IG9mIHRoZSB0b3BpYw=="
EVENTS = "/_local/topic/api/events"
API_VERSION = {"api-version": "2018-01-01"}
PATIENCE = 10.0

FAST = DeliverySettings(
    retry_delays=(0.03,),
    max_attempts=3,
    validation_delays=(0.05,),
    poll_interval=0.05,
    patience=0.2,
    lease=0.5,
    sweep_interval=0.05,
    stop_grace=0.1,
)

type Answer = Callable[["Post"], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Post:
    """A request that a webhook received, other than a handshake."""

    content_type: str
    headers: dict[str, str]
    body: Any

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.body if isinstance(self.body, list) else [self.body]

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


async def accept(_post: Post) -> int:
    return 200


def answer(*statuses: int) -> Answer:
    """Answer with the statuses in turn, and with the last one from then on."""
    left = list(statuses)

    async def next_status(_post: Post) -> int:
        return left.pop(0) if len(left) > 1 else left[0]

    return next_status


@dataclass(slots=True)
class Receiver:
    """A webhook. `accepted` holds the events of the POSTs it answered with 200."""

    url: str
    handshake: str = "event"
    answer: Answer = accept
    posts: list[Post] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)
    options: list[dict[str, str]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def accepted_ids(self) -> list[str]:
        return [event["id"] for event in self.accepted]

    async def handle(self, request: web.Request) -> web.Response:
        response = await self._respond(request)
        await self._notify()
        return response

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _respond(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return self._preflight(request)
        body = await request.json()
        if request.headers.get("aeg-event-type") == "SubscriptionValidation":
            return self._validate(body)
        post = Post(request.content_type, {k.lower(): v for k, v in request.headers.items()}, body)
        self.posts.append(post)
        await self._notify()
        status = await self.answer(post)
        if status == 200:
            self.accepted.extend(post.events)
        return web.Response(status=status)

    def _preflight(self, request: web.Request) -> web.Response:
        self.options.append({k.lower(): v for k, v in request.headers.items()})
        if self.handshake != "options":
            return web.Response(status=405)
        origin = request.headers["WebHook-Request-Origin"]
        return web.Response(headers={"WebHook-Allowed-Origin": origin})

    def _validate(self, events: list[dict[str, Any]]) -> web.Response:
        self.validations.extend(events)
        code = events[0]["data"]["validationCode"]
        if self.handshake == "event":
            return web.json_response({"validationResponse": code})
        return web.Response(status=200 if self.handshake == "silent" else 400)

    async def until(self, condition: Callable[["Receiver"], object]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    async def receives(self, *ids: str) -> None:
        """Wait until each of these events was accepted."""
        await self.until(lambda _: set(ids) <= set(self.accepted_ids))


def free_socket() -> socket.socket:
    # With its protocol named, asyncio turns off the delay that would hold back small answers.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound


@asynccontextmanager
async def receiver(
    *, handshake: str = "event", answer: Answer = accept, bound: socket.socket | None = None
) -> AsyncIterator[Receiver]:
    bound = bound or free_socket()
    webhook = Receiver(f"http://127.0.0.1:{bound.getsockname()[1]}/hook", handshake, answer)
    application = web.Application(client_max_size=4 * 1024 * 1024)
    application.router.add_route("*", "/hook", webhook.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    try:
        yield webhook
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Served:
    """A running topic and a plain HTTP client for it."""

    url: str
    http: aiohttp.ClientSession
    dead_letters: Path

    def publisher(self, key: str = KEY) -> EventGridPublisherClient:
        return EventGridPublisherClient(
            self.url + EVENTS, AzureKeyCredential(key), retry_total=0, network_tracing_enabled=False
        )

    async def publish(self, *ids: str, **changes: Any) -> None:
        async with self.publisher() as publisher:
            await publisher.send([event(id, **changes) for id in ids])

    async def post(
        self, body: bytes | str, content_type: str = "application/json", **extra: str
    ) -> tuple[int, Any]:
        """Post raw bytes; the status and the JSON of the answer."""
        headers = {"aeg-sas-key": KEY, "Content-Type": content_type, **extra}
        url = self.url + EVENTS
        async with self.http.post(url, data=body, headers=headers, params=API_VERSION) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def history(self, **query: str | int) -> dict[str, Any]:
        async with self.http.get(self.url + "/_local/events", params=query) as answer:
            assert answer.status == 200
            page: dict[str, Any] = await answer.json()
            return page

    async def shows(self, *ids: str) -> None:
        """Wait until the history is exactly these events."""
        async with asyncio.timeout(PATIENCE):
            while True:
                events = (await self.history(limit=1000))["events"]
                if [shown["id"] for shown in events] == list(ids):
                    return
                await asyncio.sleep(0.01)

    async def settled(self, count: int) -> list[dict[str, Any]]:
        """The latest events once so many are there and no delivery of them is pending."""
        async with asyncio.timeout(PATIENCE):
            while True:
                events: list[dict[str, Any]] = (await self.history(limit=1000))["events"]
                if len(events) == count and "pending" not in states(events):
                    return events
                await asyncio.sleep(0.01)

    def dead(self) -> list[dict[str, Any]]:
        if not self.dead_letters.exists():
            return []
        return [json.loads(line) for line in self.dead_letters.read_text().splitlines()]


def states(events: Iterable[dict[str, Any]]) -> Counter[str]:
    """How many deliveries of the events are in which state."""
    return Counter(d["state"] for event in events for d in event["_local"]["deliveries"])


def event(id: str, **changes: Any) -> EventGridEvent:
    members: dict[str, Any] = {
        "id": id,
        "event_type": "Microsoft.Communication.RouterJobQueued",
        "subject": "job/job-1/channel/chat/queue/queue-1",
        "data": {"jobId": "job-1", "labels": {"Skill": 11, "English": True}},
        "data_version": "1.0",
    }
    return EventGridEvent(**(members | changes))


def raw_event(**changes: Any) -> dict[str, Any]:
    """An event of the Event Grid schema as JSON; a member changed to None is left out."""
    members = {
        "id": "1",
        "eventType": "Microsoft.Communication.RouterJobQueued",
        "subject": "job/job-1",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"jobId": "job-1"},
        "dataVersion": "1.0",
    }
    return {name: value for name, value in (members | changes).items() if value is not None}


@asynccontextmanager
async def served(
    folder: Path,
    *webhooks: str,
    settings: DeliverySettings = FAST,
    **changes: Any,
) -> AsyncIterator[Served]:
    """A topic over the files in `folder`, served by uvicorn on a free port."""
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    dead_letters = folder / "dead-letters.jsonl"
    topic = LocalTopic(
        folder / "topic.db",
        KEY,
        webhooks,
        dead_letters,
        public_url=url,
        settings=replace(settings, **changes),
    )
    with closing(bound):
        await topic.start()
        try:
            async with _uvicorn(topic, bound), aiohttp.ClientSession() as http:
                yield Served(url, http, dead_letters)
        finally:
            await topic.stop()


@asynccontextmanager
async def _uvicorn(topic: LocalTopic, bound: socket.socket) -> AsyncIterator[None]:
    """Uvicorn without its main loop and its shutdown, which poll and make each test wait."""
    config = uvicorn.Config(topic, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    try:
        yield
    finally:
        for listener in server.servers:
            listener.close()
            listener.close_clients()
            await listener.wait_closed()
