"""A webhook as an application would have one: a real HTTP server which subscribes and remembers."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PATIENCE_SECONDS = 20.0
"""Longer than a record of a router that died waits: 10 seconds, and for the next sweep after."""
PREFIX = "Microsoft.Communication."

type EventGridEvent = dict[str, Any]


class Webhook:
    """Answers the validation handshake and keeps every event it is sent."""

    def __init__(self) -> None:
        self.events: list[EventGridEvent] = []
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/events"

    def receive(self, events: list[EventGridEvent]) -> None:
        with self._arrived:
            self.events += events
            self._arrived.notify_all()

    def names(self, about: str) -> list[str]:
        """Short type names of the events about a job or worker, in order of their number."""
        found = [event for event in self.events if f"/{about}/" in f"/{event['subject']}/"]
        found.sort(key=lambda event: event["data"]["sequenceNumber"])
        return [event["eventType"].removeprefix(PREFIX) for event in found]

    def wait_for(self, name: str, **data: object) -> EventGridEvent:
        """The first event of this type whose data has these members."""

        def matching() -> EventGridEvent | None:
            for event in self.events:
                if event["eventType"] == PREFIX + name and data.items() <= event["data"].items():
                    return event
            return None

        return self._wait(matching, f"{name} {data}")

    def _wait[T](self, find: Callable[[], T | None], wanted: str) -> T:
        with self._arrived:
            self._arrived.wait_for(lambda: find() is not None, PATIENCE_SECONDS)
            found = find()
            seen = [event["eventType"] for event in self.events]
        assert found is not None, f"{wanted} did not arrive, but {seen}"
        return found


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["aeg-event-type"] == "SubscriptionValidation":
                self._answer({"validationResponse": events[0]["data"]["validationCode"]})
            else:
                webhook.receive(events)
                self._answer({})

        def _answer(self, body: object) -> None:
            payload = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: ARG002
            return

    return Handler
