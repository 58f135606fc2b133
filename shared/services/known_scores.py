"""The scores that rules gave, so that each is asked for once while neither job nor worker changes.

Of this process: another one asks for itself, and so does this one after it was started anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.labels import Labels, identical
from shared.domain.workers import Worker
from shared.ports import Scored
from shared.services.turns import Turns

MOST_KNOWN = 100_000
"""Pairs of job and worker. Beyond them the oldest are forgotten, and asked for again."""

FAILED_FOR = timedelta(seconds=30)
"""So long a score that failed is not asked for again."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A job as its scores depend on it: ``facts`` are equal as long as they are the same."""

    job_id: str
    facts: str


@dataclass(frozen=True, slots=True)
class _Known:
    """``score`` ``None``: it failed, at this time."""

    facts: str
    labels: Labels
    score: float | None
    at: datetime


class KnownScores:
    def __init__(self, most_known: int = MOST_KNOWN) -> None:
        self._most_known = most_known
        self._known: dict[tuple[str, str], _Known] = {}
        self.turns = Turns()
        """By job id: who asks for a job's scores lets nobody else ask for them meanwhile."""

    def __len__(self) -> int:
        return len(self._known)

    def split(
        self, subject: Subject, workers: Iterable[Worker], now: datetime
    ) -> tuple[dict[str, float], list[Worker]]:
        """The scores that are known, by worker id; and the workers to be asked about."""
        scores: dict[str, float] = {}
        unknown: list[Worker] = []
        for worker in workers:
            known = self._known.get((subject.job_id, worker.id))
            if known is None or not _still_holds(known, subject, worker, now):
                unknown.append(worker)
            elif known.score is not None:
                scores[worker.id] = known.score
        return scores, unknown

    def note(
        self, subject: Subject, workers: Iterable[Worker], scored: Scored, now: datetime
    ) -> None:
        """What became of asking about the workers; those it says nothing of were not asked about"""
        for worker in workers:
            if worker.id in scored.scores or worker.id in scored.failures:
                score = scored.scores.get(worker.id)
                known = _Known(subject.facts, worker.profile.labels, score, now)
                self._keep((subject.job_id, worker.id), known)

    def _keep(self, pair: tuple[str, str], known: _Known) -> None:
        self._known.pop(pair, None)
        if len(self._known) >= self._most_known:
            del self._known[next(iter(self._known))]
        self._known[pair] = known


def _still_holds(known: _Known, subject: Subject, worker: Worker, now: datetime) -> bool:
    if known.score is None and now - known.at >= FAILED_FOR:
        return False
    labels = worker.profile.labels
    same_worker = known.labels is labels or identical(known.labels, labels)
    return same_worker and known.facts == subject.facts
