"""Telemetry that nobody looks at."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Final

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import MatchSubject, OutboxRecord, Span, Sweep, Telemetry

_NOTHING: Final[Span] = nullcontext()
"""Has no state, so one is enough."""


class NoTelemetry:
    is_on: Final = False

    def committing(self, _aggregate: Job | Worker) -> Span:
        return _NOTHING

    def committed(self, _before: Job | Worker, _record: OutboxRecord) -> None:
        return

    def settling(self) -> Span:
        return _NOTHING

    def matching(self, _subject: MatchSubject, _id: str) -> Span:
        return _NOTHING

    def sweep_run(self, _sweep: Sweep) -> Span:
        return _NOTHING

    def sweep_batch(self, _sweep: Sweep) -> Span:
        return _NOTHING

    def sweep_lag(self, _sweep: Sweep, _lag: timedelta) -> None:
        return

    def outbox_age(self, _age: timedelta) -> None:
        return

    def queue_seen(self, _queue_id: str, _length: int, _longest_wait: timedelta) -> None:
        return


NO_TELEMETRY: Final[Telemetry] = NoTelemetry()
