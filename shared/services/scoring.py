"""Planning offers, with the scores of those queues whose workers are ranked by a rule.

The planner decides whose scores it needs, and a rule may ask other services for them. A score ranks
workers and no more: a worker without one is offered the job after all who have one.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.labels import Labels
from shared.domain.queues import ID_LABEL
from shared.domain.workers import Worker
from shared.matching.distributions import Scores
from shared.matching.planner import Candidates, Match, planning
from shared.ports import Scored, ScoringQuestion
from shared.services.known_scores import Subject
from shared.services.router import Router

PLANNING_TIME = timedelta(seconds=10)
"""No more scores are asked for after it, so that a slow rule holds up its own queue alone."""

MOST_LOGGED = 10
"""Reasons and workers that one warning names."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """``is_whole`` ``False``: there was no time for the scores of some jobs, which are left out."""

    matches: Sequence[Match]
    is_whole: bool = True


async def plan_offers(
    router: Router,
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
) -> Plan:
    """As :func:`shared.matching.planner.plan`, for any modes."""
    end_at = router.clock() + PLANNING_TIME
    is_late = False
    steps = planning(jobs, workers, modes, last_offered)
    try:
        candidates = next(steps)
        while True:
            is_late = router.clock() >= end_at
            mode = modes[candidates.job.own_queue_id]
            scores = None if is_late else await _scores(router, mode, candidates)
            candidates = steps.send(scores)
    except StopIteration as end:
        return Plan(end.value, not is_late)


async def _scores(router: Router, mode: DistributionMode, candidates: Candidates) -> Scores:
    async with router.scores.turns.of(candidates.job.id):
        subject = _subject(candidates.job, mode)
        scores, unknown = router.scores.split(subject, candidates.workers, router.clock())
        if not unknown:
            return scores
        scored = await _ask(router, mode, candidates.job, unknown)
        router.scores.note(subject, unknown, scored, router.clock())
        return {**scores, **scored.scores}


async def _ask(
    router: Router, mode: DistributionMode, job: Job, workers: Sequence[Worker]
) -> Scored:
    assert mode.scoring_rule is not None, "the planner asks only where there is one"
    question = ScoringQuestion(
        job_labels=job.definition.labels,
        selectors=tuple(selector for selector in job.selectors if selector.is_active),
        workers={worker.id: _labels(worker) for worker in workers},
        options=mode.scoring,
    )
    scored = await router.rules.score(mode.scoring_rule, question)
    without = question.workers.keys() - scored.scores.keys()
    if without:
        _log(job, sorted(without), scored)
    return scored


def _log(job: Job, worker_ids: Sequence[str], scored: Scored) -> None:
    reasons = sorted(set(scored.failures.values())) or ["There was no time to ask about them."]
    log.warning(
        "%d workers have no score and come last: %s",
        len(worker_ids),
        " ".join(reasons[:MOST_LOGGED]),
        extra={
            "job_id": job.id,
            "queue_id": job.own_queue_id,
            "worker_ids": worker_ids[:MOST_LOGGED],
        },
    )


def _subject(job: Job, mode: DistributionMode) -> Subject:
    demands = [
        (s.key, s.operator.value, s.value, s.expires_after_seconds)
        for s in job.selectors
        if s.is_active
    ]
    facts = (mode.scoring_rule, mode.scoring.parameters, job.definition.labels, demands)
    return Subject(job.id, repr(facts))


def _labels(worker: Worker) -> Labels:
    return {**worker.profile.labels, ID_LABEL: worker.id}
