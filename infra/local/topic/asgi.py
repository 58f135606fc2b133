"""The topic as an ASGI application: publishing, manual validation and the latest events."""

import hmac
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from infra.local.topic.database import DatabaseClosedError
from infra.local.topic.dead_letters import DeadLetterFile
from infra.local.topic.delivery import Topic, TopicDeliverer
from infra.local.topic.http import (
    BodyTooLargeError,
    ClientDisconnectedError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    error_response,
    json_response,
    prefers_html,
)
from infra.local.topic.page import page_response, render_json
from infra.local.topic.schema import InvalidEventsError, TooManyEventsError, parse_events
from infra.local.topic.settings import DeliverySettings
from infra.local.topic.store import Store
from infra.local.topic.urls import check_webhook_url, is_safe_host

logger = logging.getLogger(__name__)

EVENTS_PATH = "/_local/topic/api/events"
VALIDATE_PATH = "/_local/topic/validate"
HISTORY_PATH = "/_local/events"

API_VERSION = "2018-01-01"
MAX_BODY_BYTES = 1_048_576
DEFAULT_PAGE = 100
MAX_PAGE = 1_000
_MAX_CURSOR = 2**63 - 1
DEFAULT_TOPIC_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
    "/providers/Microsoft.EventGrid/topics/job-router"
)


class LocalTopic:
    """An Event Grid custom topic with webhook subscriptions, kept in one SQLite file.

    Several processes may run one each on the same files: an event is delivered at least once,
    and normally once.

    :param key: what publishers must send as `aeg-sas-key`.
    :param webhooks: absolute URLs; each is subscribed to all events.
    :param dead_letters: file of the events that could not be delivered, one JSON object a line.
    :param public_url: where this application is reached, for the validation URL.
    :param topic_id: the `topic` of events of the Event Grid schema.
    :param clock: seconds since the epoch, the same for all processes on the files.
    :param new_id: ids that no other process makes.
    :raises ValueError: a webhook is not an absolute http or https URL, or the key is empty.
    """

    def __init__(
        self,
        database: Path,
        key: str,
        webhooks: Sequence[str],
        dead_letters: Path,
        *,
        public_url: str = "http://127.0.0.1:7071",
        topic_id: str = DEFAULT_TOPIC_ID,
        settings: DeliverySettings | None = None,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        if not key:
            raise ValueError("The topic's key must not be empty.")
        self._key = key.encode()
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._store = Store(database, holder=new_id())
        self._topic = Topic(
            id=topic_id,
            store=self._store,
            dead_letters=DeadLetterFile(dead_letters),
            settings=settings or DeliverySettings(),
            clock=clock,
            new_id=new_id,
            validation_url=self._validation_url,
        )
        urls = tuple(dict.fromkeys(check_webhook_url(url) for url in webhooks))
        self._deliverer = TopicDeliverer(self._topic, urls)

    async def start(self) -> None:
        """Open the files and begin to deliver, first of all what a former run left undelivered.

        :raises sqlite3.Error: the database cannot be opened.
        """
        await self._store.start()
        try:
            await self._deliverer.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop delivering and close the files. Undelivered events wait for the next start."""
        await self._deliverer.stop()
        await self._store.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request.

        :raises NotImplementedError: the scope is not HTTP; `start` and `stop` are the lifespan.
        """
        if scope["type"] != "http":
            raise NotImplementedError(f"ASGI scope {scope['type']!r}")
        request = Request.of(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnectedError:
            return
        await response.send(send, with_body=request.method != "HEAD")

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except (sqlite3.Error, DatabaseClosedError):
            logger.exception("%s %s could not be served", request.method, request.path)
            return error_response(
                HTTPStatus.SERVICE_UNAVAILABLE, "The topic's database is not available."
            )

    async def _route(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", path if path == EVENTS_PATH:
                return await self._publish(request)
            case (("GET" | "HEAD"), path) if path == HISTORY_PATH:
                return await self._history(request)
            case (("GET" | "POST"), path) if path == VALIDATE_PATH:
                return await self._validate(request)
        return error_response(
            HTTPStatus.NOT_FOUND, "There is nothing at this path for this method."
        )

    async def _publish(self, request: Request) -> Response:
        if not self._is_authorized(request):
            return error_response(
                HTTPStatus.UNAUTHORIZED, "The aeg-sas-key header is missing or wrong."
            )
        if request.query.get("api-version") != API_VERSION:
            return _bad_request(f"The query parameter api-version must be {API_VERSION}.")
        try:
            await self._accept(request)
        except (BodyTooLargeError, TooManyEventsError):
            return error_response(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "At most 1 MB and 5,000 events."
            )
        except InvalidEventsError as error:
            return _bad_request(str(error))
        return Response(HTTPStatus.OK)

    def _is_authorized(self, request: Request) -> bool:
        return hmac.compare_digest(request.headers.get("aeg-sas-key", "").encode(), self._key)

    async def _accept(self, request: Request) -> None:
        body = await request.body(MAX_BODY_BYTES)
        events = parse_events(request.headers.get("content-type", ""), body, self._topic.id)
        if events:
            await self._store.append(events, self._deliverer.subscription_ids, self._clock())
            self._deliverer.posted()

    async def _validate(self, request: Request) -> Response:
        if not await self._store.validate(request.query.get("id", ""), self._clock()):
            return error_response(HTTPStatus.NOT_FOUND, "No subscription has this validation code.")
        self._deliverer.validated()
        return json_response(HTTPStatus.OK, '{"message":"The subscription is validated."}')

    def _validation_url(self, code: str) -> str:
        return f"{self._public_url}{VALIDATE_PATH}?{urlencode({'id': code})}"

    async def _history(self, request: Request) -> Response:
        if not is_safe_host(request.headers.get("host", ""), self._public_url):
            return error_response(HTTPStatus.FORBIDDEN, "Use localhost or an IP address.")
        if prefers_html(request.headers.get("accept", "")):
            return page_response()
        try:
            limit = _integer(request, "limit", default=DEFAULT_PAGE, least=1)
            after = _integer(request, "after", default=None, least=0)
        except ValueError as error:
            return _bad_request(str(error))
        page = await self._store.page(
            after=after, limit=min(limit, MAX_PAGE), event_type=request.query.get("type", "")
        )
        return json_response(HTTPStatus.OK, render_json(page))


def _integer[T](request: Request, name: str, *, default: T, least: int) -> int | T:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= _MAX_CURSOR):
        raise ValueError(f"The query parameter {name} must be a whole number from {least}.")
    return int(text)


def _bad_request(message: str) -> Response:
    return error_response(HTTPStatus.BAD_REQUEST, message)
