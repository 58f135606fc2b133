"""Records what the services tell of as spans and measurements."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.trace import Tracer, get_current_span

from shared.domain.events import (
    Event,
    OfferAccepted,
    OfferDeclined,
    OfferEvent,
    OfferExpired,
    OfferIssued,
    OfferRevoked,
    RecordedEvent,
)
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import MatchSubject, OutboxRecord, Span, Sweep
from shared.telemetry import names
from shared.telemetry.event_origins import EventOrigins
from shared.telemetry.instruments import Instruments
from shared.telemetry.spans import Attributes, add_ids, span

OUTCOMES: Final[Mapping[type[OfferEvent], str]] = {
    OfferIssued: "issued",
    OfferAccepted: "accepted",
    OfferDeclined: "declined",
    OfferExpired: "expired",
    OfferRevoked: "revoked",
}
_SUBJECTS: Final = {
    MatchSubject.JOB: names.JOB_ID,
    MatchSubject.WORKER: names.WORKER_ID,
    MatchSubject.QUEUE: names.QUEUE_ID,
}


class Recorder:
    """A :class:`shared.ports.Telemetry`. Durations are real ones, whatever the router's clock."""

    is_on: Final = True

    def __init__(self, tracer: Tracer, instruments: Instruments, origins: EventOrigins) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._origins = origins

    def committing(self, aggregate: Job | Worker) -> Span:
        if isinstance(aggregate, Job):
            return span(self._tracer, "commit job", {names.JOB_ID: aggregate.id})
        return span(self._tracer, "commit worker", {names.WORKER_ID: aggregate.id})

    def committed(self, before: Job | Worker, record: OutboxRecord) -> None:
        opened = get_current_span()
        self._origins.remember(record.events, opened.get_span_context())
        if opened.is_recording():
            _describe(opened, record.events)
        for recorded in record.events:
            if isinstance(recorded.event, OfferEvent):
                self._count(recorded.event)
            if isinstance(recorded.event, OfferAccepted) and isinstance(before, Job):
                self._note_wait(before, recorded)

    def settling(self) -> Span:
        return span(self._tracer, "settle")

    def matching(self, subject: MatchSubject, id: str) -> Span:
        return self._matching(subject, {_SUBJECTS[subject]: id})

    def sweep_run(self, sweep: Sweep) -> Span:
        return _timed(self._instruments.sweep_duration, {names.SWEEP: sweep.value})

    def sweep_batch(self, sweep: Sweep) -> Span:
        return span(self._tracer, f"sweep {sweep}", {names.SWEEP: sweep.value})

    def sweep_lag(self, sweep: Sweep, lag: timedelta) -> None:
        self._instruments.sweep_lag.record(lag.total_seconds(), {names.SWEEP: sweep.value})

    def outbox_age(self, age: timedelta) -> None:
        self._instruments.outbox_age.record(age.total_seconds())

    def queue_seen(self, queue_id: str, length: int, longest_wait: timedelta) -> None:
        attributes = {names.QUEUE_ID: queue_id}
        self._instruments.queue_length.set(length, attributes)
        self._instruments.longest_wait.set(longest_wait.total_seconds(), attributes)

    def charged(self, container: str, status: int, units: float) -> None:
        """See :data:`shared.telemetry.observability.OnCharge`."""
        attributes: Attributes = {names.CONTAINER: container, names.STATUS_CODE: status}
        self._instruments.request_units.record(units, attributes)

    @contextmanager
    def _matching(self, subject: MatchSubject, ids: Mapping[str, str]) -> Iterator[None]:
        timed = _timed(self._instruments.match_duration, {names.MATCH_SUBJECT: subject.value})
        with span(self._tracer, f"match {subject}", ids), timed:
            yield

    def _count(self, event: OfferEvent) -> None:
        outcome = OUTCOMES[type(event)]
        attributes = {names.OFFER_OUTCOME: outcome, names.QUEUE_ID: event.queue_id}
        self._instruments.offers.add(1, attributes)

    def _note_wait(self, job: Job, accepted: RecordedEvent) -> None:
        if job.enqueued_at is None:
            return
        wait = max(accepted.occurred_at - job.enqueued_at, timedelta())
        self._instruments.job_wait.record(wait.total_seconds(), {names.QUEUE_ID: job.own_queue_id})


@contextmanager
def _timed(histogram: Histogram, attributes: Mapping[str, str]) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        histogram.record(time.perf_counter() - start, attributes)


def _describe(opened: OpenSpan, events: Sequence[RecordedEvent]) -> None:
    """What happened in a commit, and to whom."""
    happened = [recorded.event for recorded in events]
    opened.set_attribute(names.EVENT_TYPES, [type(event).__name__ for event in happened])
    add_ids(opened, ids_in(happened))


def ids_in(events: Iterable[Event]) -> dict[str, str]:
    """Of jobs, workers, queues and offers; several of one kind are separated by commas."""
    found: dict[str, dict[str, None]] = {}
    for event in events:
        for field, attribute in _FIELDS.items():
            if id := getattr(event, field, None):
                found.setdefault(attribute, {})[id] = None
    return {attribute: ",".join(ids) for attribute, ids in found.items()}


_FIELDS: Final = {
    "job_id": names.JOB_ID,
    "worker_id": names.WORKER_ID,
    "queue_id": names.QUEUE_ID,
    "offer_id": names.OFFER_ID,
    "assignment_id": names.ASSIGNMENT_ID,
}
