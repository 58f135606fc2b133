"""How well a worker suits a job, where the distribution policy has no scoring rule of its own.

The score is the mean of the points for its terms: one for each label of the job, which the worker
should have too, and one for each active selector.
"""

import sys
from collections.abc import Sequence
from functools import lru_cache
from math import exp

from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, Labels, LabelValue, satisfies
from shared.domain.selectors import WorkerSelector

type Condition = tuple[str, LabelOperator, LabelValue, type[LabelValue]]
"""Label key, operator and value. With the value's type, as ``1`` and ``True`` are one dict key."""

SCORE_WITHOUT_TERMS = 1.0
"""Score of every worker for a job that has neither labels nor active selectors."""

EXACT = (LabelOperator.EQUAL, LabelOperator.NOT_EQUAL)
"""The operators that give all points or none."""

_HIGHER_IS_BETTER = frozenset({LabelOperator.GREATER_THAN, LabelOperator.GREATER_THAN_OR_EQUAL})
_LOWER_IS_BETTER = frozenset({LabelOperator.LESS_THAN, LabelOperator.LESS_THAN_OR_EQUAL})
_LARGEST = sys.float_info.max


def condition(selector: WorkerSelector) -> Condition:
    return (selector.key, selector.operator, selector.value, type(selector.value))


def default_score(job: Job, labels: Labels) -> float:
    """The score, 0 to 1, of a worker with these labels."""
    return mean_score([term_points(labels.get(term[0]), term) for term in scoring_terms(job)])


def mean_score(points: Sequence[float]) -> float:
    return sum(points) / len(points) if points else SCORE_WITHOUT_TERMS


def scoring_terms(job: Job) -> list[Condition]:
    return label_terms(job) + [condition(s) for s in job.selectors if s.is_active]


def label_terms(job: Job) -> list[Condition]:
    """The terms for the job's labels."""
    labels = job.definition.labels.items()
    return [(key, LabelOperator.EQUAL, value, type(value)) for key, value in labels]


def term_points(label: LabelValue | None, term: Condition) -> float:
    """The points, 0 to 1, of a worker's label for one term; none if the term does not hold."""
    _, operator, value, _ = term
    return _points(label, operator, value)


# Levels and bounds are few, so that most points were computed before. By type: 1 is not True.
@lru_cache(maxsize=4096, typed=True)
def _points(label: LabelValue | None, operator: LabelOperator, value: LabelValue) -> float:
    if not satisfies(label, operator, value):
        return 0.0
    if operator in _HIGHER_IS_BETTER:
        return _logistic(_excess(label, value))
    if operator in _LOWER_IS_BETTER:
        return _logistic(-_excess(label, value))
    return 1.0


def _excess(label: LabelValue | None, value: LabelValue) -> float:
    """By how much the label exceeds the value, relative to it; absolutely if it is 0."""
    bound = _finite(value)
    return (_finite(label) - bound) / (bound or 1.0)


def _finite(number: LabelValue | None) -> float:
    """The number as a float; what floats cannot hold becomes the largest of its sign."""
    assert isinstance(number, int | float), "only numbers have an order"
    return float(max(-_LARGEST, min(_LARGEST, number)))


def _logistic(x: float) -> float:
    """``1 / (1 + e**-x)``, without overflow."""
    if x >= 0:
        return 1 / (1 + exp(-x))
    return exp(x) / (1 + exp(x))
