"""Publishes events to an Event Grid topic."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.eventgrid.aio import EventGridPublisherClient

from shared.domain.events import RecordedEvent
from shared.eventgrid.batches import RequestLimits, request_body, split
from shared.eventgrid.catalogue import render
from shared.eventgrid.schemas import (
    DEFAULT_SOURCE,
    Encoded,
    EventSchema,
    encoded,
    enveloping,
    reduced,
)
from shared.ports import PublishFailed

DEFAULT_TIMEOUT = 5.0
"""Seconds that one call of ``publish`` may take."""

log = logging.getLogger(__name__)


_BODY = "encoded_events"
_NO_EVENTS: list[dict[str, Any]] = [{}]


class _EncodedEvents(SansIOHTTPPolicy[Any, Any]):
    """Sends events that are encoded already, for the SDK's way of it takes as long as all the rest.

    It also lets the SDK repeat a POST whose connection broke. It would not by itself, since a POST
    may have been carried out. Events are published at least once, and the server may close a
    connection just as it is used again.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        options = request.context.options
        request.http_request.set_bytes_body(options.pop(_BODY))
        options["retry_on_methods"] = frozenset({"POST"})


class EventGridPublisher:
    """An :class:`shared.ports.EventPublisher` over the SDK's client.

    Use it in one event loop; the client is made at the first publish. A token credential is closed
    with it.
    """

    def __init__(
        self,
        endpoint: str,
        credential: AzureKeyCredential | AsyncTokenCredential,
        *,
        schema: EventSchema = EventSchema.EVENT_GRID,
        source: str = DEFAULT_SOURCE,
        timeout: float = DEFAULT_TIMEOUT,
        limits: RequestLimits | None = None,
    ) -> None:
        """``schema`` must be the topic's. ``source``: of CloudEvents. ``timeout``: seconds."""
        self._endpoint = endpoint
        self._credential = credential
        self._enveloped = enveloping(schema, source)
        self._content_type = schema.content_type
        self._timeout = timeout
        self._limits = limits or RequestLimits()
        self._client: EventGridPublisherClient | None = None

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        """See :meth:`shared.ports.EventPublisher.publish`."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._send(events)
        except TimeoutError as error:
            raise PublishFailed(f"no answer within {self._timeout:g} s") from error
        except (AzureError, OSError) as error:
            raise PublishFailed(str(error)) from error

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        if isinstance(self._credential, AsyncTokenCredential):
            await self._credential.close()

    async def _send(self, events: Sequence[RecordedEvent]) -> None:
        for batch in split(map(self._encoded, events), self._limits):
            body: dict[str, Any] = {_BODY: request_body(batch)}
            await self._connected().send(_NO_EVENTS, content_type=self._content_type, **body)

    def _encoded(self, recorded: RecordedEvent) -> Encoded:
        event = render(recorded)
        whole = encoded(self._enveloped(event))
        if self._limits.allow(whole):
            return whole
        smaller = reduced(event)
        log.error(
            "event too large, published without some fields",
            extra={
                "event_id": event.id,
                "event_type": event.type,
                "fields": smaller.data["truncatedFields"],
            },
        )
        return encoded(self._enveloped(smaller))

    def _connected(self) -> EventGridPublisherClient:
        if self._client is None:
            self._client = EventGridPublisherClient(
                self._endpoint,
                self._credential,
                # One more try, at once. What is still not published then is the outbox's to repeat.
                retry_total=1,
                per_call_policies=[_EncodedEvents()],
                # Looking for proxies and .netrc reads files for every request, on the event loop.
                transport=AioHttpTransport(use_env_settings=False),
            )
        return self._client
