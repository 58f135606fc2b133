"""The span of a request to the API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.api.http_messages import Request
from shared.telemetry import names
from shared.telemetry.spans import add_ids, span

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FIRST_FAULT: Final = 500


class ServedRequest:
    """A :class:`shared.telemetry.observability.Serving`."""

    def __init__(self, opened: Span) -> None:
        self._span = opened

    @property
    def trace_id(self) -> str:
        return format_trace_id(self._span.get_span_context().trace_id)

    def admitted(self, ids: Mapping[str, str]) -> None:
        known = names.PATH_PARAMETERS
        add_ids(self._span, {known[name]: id for name, id in ids.items() if name in known})

    def answered(self, status: int) -> None:
        self._span.set_attribute(names.STATUS_CODE, status)
        if status >= _FIRST_FAULT:
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def serving(
    tracer: Tracer, kind: SpanKind, request: Request, template: str
) -> Iterator[ServedRequest]:
    """``kind``: whether the platform has a span for the request itself, around this one."""
    attributes = {"http.request.method": request.method, "http.route": f"/{template}"}
    name = f"{request.method} /{template}"
    with span(tracer, name, attributes=attributes, kind=kind, context=_caller(request)) as opened:
        yield ServedRequest(opened)


def _caller(request: Request) -> Context:
    """The platform's span, if it has told of one; else the client's."""
    if get_current_span().get_span_context().is_valid:
        return get_current()
    carrier = {name: request.header(name) for name in ("traceparent", "tracestate")}
    return _PROPAGATOR.extract(carrier, Context())
