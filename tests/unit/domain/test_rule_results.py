"""What results of rules are taken for, where a policy uses them."""

from typing import Any

import pytest

from shared.domain.labels import LabelOperator
from shared.domain.rule_results import (
    UnusableResult,
    as_condition,
    as_priority,
    as_queue_selectors,
    as_score,
    as_worker_selectors,
)
from shared.domain.selectors import QueueSelector, WorkerSelector

FRENCH = {"key": "language", "labelOperator": "equal", "value": "fr"}


@pytest.mark.parametrize(
    ("result", "holds"),
    [(True, True), (False, False), ("true", True), ("False", False), ("TRUE", True)],
    ids=repr,
)
def test_conditions(result: Any, holds: bool) -> None:
    assert as_condition(result) is holds


@pytest.mark.parametrize("result", [None, 0, 1, "", "yes", [], {}], ids=repr)
def test_no_conditions(result: Any) -> None:
    with pytest.raises(UnusableResult, match="true or false"):
        as_condition(result)


@pytest.mark.parametrize(
    ("result", "priority"), [(-100, -100), (100, 100), ("3", 3), (4.0, 4)], ids=repr
)
def test_priorities(result: Any, priority: int) -> None:
    assert as_priority(result) == priority
    assert type(as_priority(result)) is int


@pytest.mark.parametrize(
    "result",
    [None, True, "", "ten", 1.5, "1.5", 101, -101, "1e3", float("nan"), float("inf"), []],
    ids=repr,
)
def test_no_priorities(result: Any) -> None:
    with pytest.raises(UnusableResult, match="priority"):
        as_priority(result)


@pytest.mark.parametrize("score", [0, -1, 0.5, 1e308, 10**400], ids=lambda score: repr(score)[:9])
def test_scores(score: Any) -> None:
    assert as_score(score) is score


@pytest.mark.parametrize("result", [None, True, "1", float("nan"), float("-inf"), [], {}], ids=repr)
def test_no_scores(result: Any) -> None:
    with pytest.raises(UnusableResult, match="score"):
        as_score(result)


def test_a_long_result_is_not_told_whole() -> None:
    with pytest.raises(UnusableResult) as refused:
        as_score("x" * 9_999)
    assert len(str(refused.value)) < 200


def test_text_names_a_queue_by_its_id() -> None:
    expected = QueueSelector(key="Id", operator=LabelOperator.EQUAL, value="sales")
    assert as_queue_selectors("sales") == (expected,)


def test_selectors_as_the_api_has_them() -> None:
    french = WorkerSelector(key="language", operator=LabelOperator.EQUAL, value="fr")
    assert as_worker_selectors([FRENCH]) == (french,)
    assert as_worker_selectors(FRENCH) == (french,)
    assert as_worker_selectors(
        {**FRENCH, "expiresAfterSeconds": 30, "expedite": True, "labelOperator": "notEqual"}
    ) == (
        WorkerSelector(
            key="language",
            operator=LabelOperator.NOT_EQUAL,
            value="fr",
            expires_after_seconds=30,
            expedite=True,
        ),
    )


def test_labels_are_each_to_be_equal() -> None:
    assert as_queue_selectors({"Region": "eu", "Level": 2}) == (
        QueueSelector(key="Region", operator=LabelOperator.EQUAL, value="eu"),
        QueueSelector(key="Level", operator=LabelOperator.EQUAL, value=2),
    )


@pytest.mark.parametrize("result", [None, [], {}], ids=repr)
def test_nothing_is_no_selector(result: Any) -> None:
    assert as_queue_selectors(result) == ()


@pytest.mark.parametrize(
    "result",
    [1, True, ["sales"], [{"key": "a"}], [{**FRENCH, "key": None}], [{**FRENCH, "value": None}],
     [{**FRENCH, "labelOperator": "like"}], [{**FRENCH, "labelOperator": 1}], {"a": []},
     {**FRENCH, "expiresAfterSeconds": -1}, {**FRENCH, "expiresAfterSeconds": "soon"}],
    ids=repr,
)  # fmt: skip
def test_no_selectors(result: Any) -> None:
    with pytest.raises(UnusableResult):
        as_worker_selectors(result)
