"""Calls to webhooks: the validation handshake and the delivery of events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO

import aiohttp

from infra.local.topic.http import status_name
from infra.local.topic.schema import Event, EventSchema, JsonObject

_MAX_ANSWER_BYTES = 64 * 1024
_ORIGIN = "eventgrid.local"
# ValueError: a host name that cannot be encoded.
_NO_ANSWER = (aiohttp.ClientError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery attempt ended: the HTTP status, if an answer came, and its name."""

    name: str
    status: int | None = None

    @property
    def succeeded(self) -> bool:
        """Event Grid counts these and no other 2xx."""
        return self.status is not None and 200 <= self.status <= 204

    @property
    def is_final(self) -> bool:
        """Event Grid never tries these again for a webhook."""
        return self.status in (400, 401, 403, 413)


TIMED_OUT = Outcome("TimedOut")
UNREACHABLE = Outcome("SocketError")


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """What a webhook is asked to confirm, and where a person may confirm it by hand."""

    event_id: str
    topic_id: str
    event_time: str
    code: str
    url: str


def open_session(answer_timeout: float) -> aiohttp.ClientSession:
    """A session for all webhooks. Its callers bound the number of calls, so it need not."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=answer_timeout),
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class Webhook:
    """One webhook, as Event Grid calls it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, subscription_name: str) -> None:
        self._session = session
        self._url = url
        self._name = subscription_name

    async def deliver(self, events: Sequence[Event], attempts: int, *, batch: bool) -> Outcome:
        """POST events of one schema and report how it ended. Never raises for the far side.

        :param attempts: how often these events were tried before.
        :param batch: CloudEvents only: the batch format rather than that of a single event.
        """
        body, content_type = _encode(events, batch=batch)
        headers = {
            "Content-Type": content_type,
            "aeg-event-type": "Notification",
            "aeg-subscription-name": self._name,
            "aeg-delivery-count": str(attempts),
        }
        try:
            return _outcome_of(await self._call("POST", headers, body))
        except TimeoutError:
            return TIMED_OUT
        except _NO_ANSWER:
            return UNREACHABLE

    async def validate(self, request: ValidationRequest) -> bool:
        """Whether the webhook agrees to receive events, by either of the two handshakes."""
        return await self._agrees_to_event(request) or await self._agrees_to_options(request)

    async def _agrees_to_event(self, request: ValidationRequest) -> bool:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": self._name,
            "aeg-delivery-count": "0",
        }
        answer = await self._try_call("POST", headers, json.dumps([_validation_event(request)]))
        if answer is None or answer.status != HTTPStatus.OK:
            return False
        return _confirms(answer.body, request.code)

    async def _agrees_to_options(self, request: ValidationRequest) -> bool:
        headers = {"WebHook-Request-Origin": _ORIGIN, "WebHook-Request-Callback": request.url}
        answer = await self._try_call("OPTIONS", headers, "")
        if answer is None or answer.status != HTTPStatus.OK:
            return False
        return answer.headers.get("WebHook-Allowed-Origin") in (_ORIGIN, "*")

    async def _try_call(
        self, method: str, headers: Mapping[str, str], body: str
    ) -> "_Answer | None":
        try:
            return await self._call(method, headers, body)
        except (TimeoutError, *_NO_ANSWER):
            return None

    async def _call(self, method: str, headers: Mapping[str, str], body: str) -> "_Answer":
        content = BytesIO(body.encode("ascii"))
        async with self._session.request(
            method, self._url, headers=headers, data=content, allow_redirects=False
        ) as response:
            beginning = await _read_bounded(response.content)
            return _Answer(response.status, response.headers, beginning)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    """The beginning of the answer; the session closes a connection that is not read to its end."""
    body = b""
    while len(body) < _MAX_ANSWER_BYTES and (chunk := await content.read(_MAX_ANSWER_BYTES)):
        body += chunk
    return body


def _encode(events: Sequence[Event], *, batch: bool) -> tuple[str, str]:
    array = "[" + ",".join(event.body for event in events) + "]"
    if events[0].schema is EventSchema.EVENT_GRID:
        return array, "application/json; charset=utf-8"
    if batch:
        return array, "application/cloudevents-batch+json; charset=utf-8"
    return events[0].body, "application/cloudevents+json; charset=utf-8"


def _outcome_of(answer: _Answer) -> Outcome:
    return Outcome(status_name(answer.status), answer.status)


def _validation_event(request: ValidationRequest) -> JsonObject:
    return {
        "id": request.event_id,
        "topic": request.topic_id,
        "subject": "",
        "data": {"validationCode": request.code, "validationUrl": request.url},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": request.event_time,
        "metadataVersion": "1",
        "dataVersion": "2",
    }


def _confirms(body: bytes, code: str) -> bool:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("validationResponse") == code
