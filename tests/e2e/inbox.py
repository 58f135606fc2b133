"""The webhook of a test that receives many events: it keeps them all and passes them on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from tests.e2e.signed_client import JsonObject

PREFIX = "Microsoft.Communication.Router"
LARGEST_BODY = 2**22


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was delivered. ``name`` is short: ``WorkerOfferIssued``."""

    id: str
    name: str
    at: datetime
    data: JsonObject

    @property
    def sequence(self) -> int:
        number: int = self.data["sequenceNumber"]
        return number

    @property
    def aggregate(self) -> str:
        """Offers are decided by their job, so their events are the job's."""
        job_id = self.data.get("jobId")
        return f"job/{job_id}" if job_id else f"worker/{self.data['workerId']}"


def read_event(sent: JsonObject) -> Event:
    at = datetime.fromisoformat(sent["eventTime"])
    return Event(sent["id"], sent["eventType"].removeprefix(PREFIX), at, sent["data"])


@dataclass
class Inbox:
    """``notify`` is told of each event once, however often it is delivered."""

    notify: Callable[[Event], None] = lambda _: None
    events: list[Event] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def receive(self, request: web.Request) -> web.Response:
        sent = await request.json()
        if request.headers.get("aeg-event-type") == "SubscriptionValidation":
            return web.json_response({"validationResponse": sent[0]["data"]["validationCode"]})
        for event in map(read_event, sent):
            self.events.append(event)
            if event.id not in self._seen:
                self._seen.add(event.id)
                self.notify(event)
        return web.Response()


@asynccontextmanager
async def open_inbox() -> AsyncIterator[tuple[Inbox, str]]:
    """An inbox and its URL."""
    inbox = Inbox()
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_post("/events", inbox.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield inbox, f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    finally:
        await runner.cleanup()
