"""Spans, and the ids that are known within them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer

from shared.domain.errors import RouterError
from shared.ports import AlreadyExists, ConcurrencyConflict
from shared.telemetry.names import ERROR_TYPE

type Attributes = Mapping[str, str | int | Sequence[str]]

_OUTCOMES: Final = (AlreadyExists, ConcurrencyConflict, RouterError)
"""Not faults: races that are decided again, and refusals."""

_ids: ContextVar[Mapping[str, str]] = ContextVar("jobrouter_ids")
_NO_IDS: Final[Mapping[str, str]] = {}


def known_ids() -> Mapping[str, str]:
    """Of what the present span and those around it are about, by the names of attributes."""
    return _ids.get(_NO_IDS)


@contextmanager
def span(
    tracer: Tracer,
    name: str,
    ids: Mapping[str, str] = _NO_IDS,
    *,
    attributes: Attributes = _NO_IDS,
    kind: SpanKind = SpanKind.INTERNAL,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """A span about ``ids``. Of an error it keeps the class only: messages may quote labels."""
    around = _ids.set({**known_ids(), **ids})
    try:
        with tracer.start_as_current_span(
            name,
            context=context,
            kind=kind,
            attributes={**attributes, **ids},
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            try:
                yield opened
            except Exception as error:
                _note_error(opened, error)
                raise
    finally:
        _ids.reset(around)


def add_ids(opened: Span, ids: Mapping[str, str]) -> None:
    """What turned out while the span, the present one, was open."""
    opened.set_attributes(ids)
    _ids.set({**known_ids(), **ids})


def _note_error(opened: Span, error: Exception) -> None:
    opened.set_attribute(ERROR_TYPE, type(error).__qualname__)
    if not isinstance(error, _OUTCOMES):
        opened.set_status(StatusCode.ERROR)
