"""The default score of bestWorker: the documented examples, and the cases they leave open."""

from math import exp, isclose
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.labels import LabelOperator, Labels, LabelValue
from shared.domain.selectors import SelectorStatus, WorkerSelector
from shared.matching.scoring import default_score
from tests.factories import make_job, make_selector
from tests.strategies import INTEGERS, LABEL_VALUES
from tests.unit.matching.snapshots import TRICKY_VALUES, World, snapshot

EQUAL = LabelOperator.EQUAL
NOT_EQUAL = LabelOperator.NOT_EQUAL
LESS = LabelOperator.LESS_THAN
AT_MOST = LabelOperator.LESS_THAN_OR_EQUAL
MORE = LabelOperator.GREATER_THAN
AT_LEAST = LabelOperator.GREATER_THAN_OR_EQUAL


def score(labels: Labels, *selectors: WorkerSelector, job_labels: Labels | None = None) -> float:
    job = make_job(labels=job_labels or {}, requested_worker_selectors=selectors)
    return default_score(job, labels)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"language": "english", "department": "sales"}, 1.0),
        ({"language": "english"}, 0.5),
        ({"language": "english", "department": "support"}, 0.5),
    ],
)
def test_documented_label_scores(labels: Labels, expected: float) -> None:
    assert score(labels, job_labels={"language": "english", "department": "sales"}) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"department": "billing", "segment": "vip"}, 0.5),
        ({"department": "billing"}, 1.0),
        ({"department": "sales", "segment": "new"}, 0.5),
    ],
)
def test_documented_scores_of_equality(labels: Labels, expected: float) -> None:
    billing = make_selector("department", value="billing")
    no_vip = make_selector("segment", NOT_EQUAL, "vip")

    assert score(labels, billing, no_vip) == expected


@pytest.mark.parametrize(
    ("sales", "cost", "expected"), [(10, 10, 0.667), (15, 10, 0.707), (10, 9, 0.675)]
)
def test_documented_scores_of_order(sales: int, cost: int, expected: float) -> None:
    selectors = (
        make_selector("language", value="french"),
        make_selector("sales", AT_LEAST, 10),
        make_selector("cost", AT_MOST, 10),
    )

    actual = score({"language": "french", "sales": sales, "cost": cost}, *selectors)
    assert round(actual, 3) == expected


def test_labels_and_selectors_count_alike() -> None:
    skill = make_selector("skill", value=1)

    assert score({"skill": 1}, skill, job_labels={"a": "x", "b": "y"}) == 1 / 3


def test_nothing_to_score_by_is_full_score() -> None:
    assert score({"any": "thing"}) == 1.0


def test_only_active_selectors_count() -> None:
    expired = make_selector("skill", value=1, status=SelectorStatus.EXPIRED)

    assert score({}, expired) == 1.0


@pytest.mark.parametrize("operator", [EQUAL, LESS, AT_MOST, MORE, AT_LEAST])
@pytest.mark.parametrize("label", [None, "10", True])
def test_a_selector_that_does_not_hold_gives_no_points(
    operator: LabelOperator, label: LabelValue | None
) -> None:
    labels = {} if label is None else {"skill": label}

    assert score(labels, make_selector("skill", operator, 10)) == 0.0


def test_of_label_values_true_is_not_one() -> None:
    assert score({"a": True}, job_labels={"a": 1}) == 0.0
    assert score({"a": 1.0}, job_labels={"a": 1}) == 1.0


def test_a_selector_value_of_zero_measures_absolutely() -> None:
    assert isclose(score({"x": 2}, make_selector("x", MORE, 0)), 1 / (1 + exp(-2)))
    assert isclose(score({"x": -2}, make_selector("x", LESS, 0.0)), 1 / (1 + exp(-2)))
    assert score({"x": 0}, make_selector("x", AT_LEAST, 0)) == 0.5


@pytest.mark.parametrize(
    ("label", "operator", "value", "expected"),
    [
        (1e308, MORE, 1e-308, 1.0),
        (1e308, MORE, -1e-308, 0.0),
        (10**400, MORE, -(10**400), 0.0),
        (-(10**400), LESS, 10**400, 1.0),
        (10**400, AT_LEAST, 10**400, 0.5),
    ],
)
def test_no_number_is_too_large(
    label: float, operator: LabelOperator, value: float, expected: float
) -> None:
    assert score({"x": label}, make_selector("x", operator, value)) == expected


@given(
    st.dictionaries(st.sampled_from("abc"), LABEL_VALUES),
    st.dictionaries(st.sampled_from("abc"), LABEL_VALUES),
    st.sampled_from(LabelOperator),
    LABEL_VALUES | INTEGERS,
)
def test_every_score_is_between_nothing_and_one(
    labels: Labels, job_labels: Labels, operator: LabelOperator, value: LabelValue
) -> None:
    assert 0.0 <= score(labels, make_selector("a", operator, value), job_labels=job_labels) <= 1.0


@pytest.mark.parametrize("seed", range(50))
def test_the_score_is_the_formula(seed: int) -> None:
    """Against the documented formula written out, where that does not overflow."""
    ordinary = tuple(v for v in TRICKY_VALUES if isinstance(v, str) or abs(v) < 2**60)
    world = snapshot(Random(seed), World(values=ordinary))
    for job in world.jobs:
        for worker in world.workers:
            labels = worker.profile.labels
            active = [s for s in job.selectors if s.is_active]
            wanted = job.definition.labels.items()
            points = [float(make_selector(k, value=v).accepts(labels)) for k, v in wanted]
            points += [documented_points(labels, selector) for selector in active]
            mean = sum(points) / len(points) if points else 1.0
            assert isclose(default_score(job, labels), mean, abs_tol=1e-12)


def documented_points(labels: Labels, selector: WorkerSelector) -> float:
    label, value = labels.get(selector.key), selector.value
    if not selector.accepts(labels):
        return 0.0
    if selector.operator in (EQUAL, NOT_EQUAL):
        return 1.0
    assert isinstance(label, int | float)
    assert isinstance(value, int | float)
    above = (label - value) / (value or 1)
    x = above if selector.operator in (MORE, AT_LEAST) else -above
    return 1 / (1 + exp(-x)) if x > -700 else 0.0
