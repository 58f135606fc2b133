"""How the latest events are shown: as JSON, and as a live page that polls this JSON."""

import base64
import hashlib
import json
import re
from http import HTTPStatus
from importlib.resources import files

from infra.local.topic.history import DeliveryRecord, EventPage, EventRecord
from infra.local.topic.http import Response
from infra.local.topic.schema import JsonObject, timestamp

_HTML = files(__package__).joinpath("page.html").read_text(encoding="utf-8")


def render_json(page: EventPage) -> str:
    """The events as they are delivered, each with a member `_local` of what the topic knows.

    The member's name cannot be that of a CloudEvents attribute, which has no underscore.
    """
    events = ",".join(_event_json(record) for record in page.events)
    return f'{{"events":[{events}],"cursor":{page.cursor}}}'


def page_response() -> Response:
    """The live page. It holds no event: its script fetches them and sets them as text only."""
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", _CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("vary", "accept"),
    )
    return Response(HTTPStatus.OK, _HTML.encode(), headers)


def _event_json(record: EventRecord) -> str:
    local = json.dumps(_local(record), separators=(",", ":"))
    return f'{record.event.body[:-1]},"_local":{local}}}'


def _local(record: EventRecord) -> JsonObject:
    return {
        "cursor": record.sequence,
        "schema": record.event.schema,
        "publishTime": timestamp(record.published_at),
        "deliveries": [_delivery(delivery) for delivery in record.deliveries],
    }


def _delivery(record: DeliveryRecord) -> JsonObject:
    return {
        "webhook": record.webhook,
        "state": record.state,
        "attempts": record.attempts,
        "lastOutcome": record.last_outcome,
        "lastAttemptTime": _optional_timestamp(record.last_attempt_at),
        "nextAttemptTime": _optional_timestamp(record.next_attempt_at),
    }


def _optional_timestamp(seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(seconds)


def _hash_of(element: str) -> str:
    match = re.search(f"<{element}>(.*?)</{element}>", _HTML, re.DOTALL)
    assert match is not None, f"page.html has one <{element}>"
    digest = hashlib.sha256(match[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_hash_of('script')}",
        f"style-src {_hash_of('style')}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
