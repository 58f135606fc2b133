"""Telemetry that is on: the adapter to OpenTelemetry's API, over any providers."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from opentelemetry._logs import LoggerProvider
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import SpanKind, TracerProvider

from shared.api.http_messages import Request
from shared.ports import EventPublisher, Store, Telemetry
from shared.telemetry.event_origins import EventOrigins
from shared.telemetry.instruments import Instruments
from shared.telemetry.logs import sent_logs
from shared.telemetry.names import SCOPE
from shared.telemetry.observability import OnCharge, Serving
from shared.telemetry.publisher import ObservedPublisher
from shared.telemetry.recorder import Recorder
from shared.telemetry.requests import serving
from shared.telemetry.store import ObservedStore


@dataclass(frozen=True, slots=True)
class Providers:
    """``shut_down``: sends what is left; blocks. ``request_kind``: of the spans of requests."""

    traces: TracerProvider
    metrics: MeterProvider
    logs: LoggerProvider
    shut_down: Callable[[], None]
    request_kind: SpanKind = SpanKind.SERVER


class OpenTelemetry:
    """A :class:`shared.telemetry.observability.Observability`."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._tracer = providers.traces.get_tracer(SCOPE)
        self._instruments = Instruments(providers.metrics.get_meter(SCOPE))
        self._origins = EventOrigins()
        self._recorder = Recorder(self._tracer, self._instruments, self._origins)
        self._opened = ExitStack()
        self._opened.enter_context(sent_logs(providers.logs))

    @property
    def telemetry(self) -> Telemetry:
        return self._recorder

    @property
    def on_charge(self) -> OnCharge:
        return self._recorder.charged

    def serving(self, request: Request, template: str) -> AbstractContextManager[Serving]:
        return serving(self._tracer, self._providers.request_kind, request, template)

    def store(self, store: Store) -> Store:
        return ObservedStore(store, self._tracer)

    def publisher(self, publisher: EventPublisher) -> EventPublisher:
        return ObservedPublisher(publisher, self._tracer, self._instruments.events, self._origins)

    async def close(self) -> None:
        self._opened.close()
        await asyncio.to_thread(self._providers.shut_down)
