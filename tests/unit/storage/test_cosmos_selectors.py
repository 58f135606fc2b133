"""Selectors as conditions: they let pass every worker that the domain lets pass."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.labels import LabelOperator, Labels, LabelValue
from shared.domain.selectors import WorkerSelector
from shared.storage.cosmos.conditions import Conditions, Query
from shared.storage.cosmos.selectors import label_members, require_selector
from tests.factories import make_selector
from tests.strategies import LABEL_KEYS, LABEL_VALUES

KEYS = st.sampled_from(["Skill", "Language"]) | LABEL_KEYS
SELECTORS = st.builds(
    WorkerSelector, key=KEYS, operator=st.sampled_from(LabelOperator), value=LABEL_VALUES
)
VALUES: tuple[LabelValue, ...] = (
    *("", "1", "true", "é", True, False, 0, -0.0, 1, 1.0, 10.5, -1e300, 1e308, 5e-324),
    *(2**53 - 1, 2**53, 2.0**53, 2**53 + 1, -(2**53) - 1, 10**400, 10**400 + 1, -(10**400)),
)

COMPARISONS = {
    "<": lambda number, bound: number < bound,
    "<=": lambda number, bound: number <= bound,
    ">": lambda number, bound: number > bound,
    ">=": lambda number, bound: number >= bound,
}


def query_of(selector: WorkerSelector) -> Query | None:
    conditions = Conditions()
    require_selector(conditions, selector)
    return conditions.select("idleKey") if conditions.satisfiable else None


def passes(query: Query | None, labels: Labels) -> bool:
    """What the database makes of the query's one condition, for a worker with these labels."""
    if query is None:
        return False
    members = json.loads(json.dumps(label_members(labels), allow_nan=False))
    condition = query.text.removeprefix("SELECT * FROM c WHERE ").removesuffix(
        " ORDER BY c.idleKey"
    )
    values = [parameter["value"] for parameter in query.parameters]
    match condition.split():
        case ["ARRAY_CONTAINS(c.labelTokens,", "@p0)"]:
            return values[0] in members["labelTokens"]
        case ["NOT", "ARRAY_CONTAINS(c.labelTokens,", "@p0)"]:
            return values[0] not in members["labelTokens"]
        case [*_, "n.key", "=", "@p0", "AND", "n.number", comparison, "@p1)"]:
            return any(
                label["key"] == values[0] and COMPARISONS[comparison](label["number"], values[1])
                for label in members["numbers"]
            )
    raise AssertionError(f"an unknown condition: {condition}")


@given(SELECTORS, st.dictionaries(KEYS, LABEL_VALUES, max_size=4))
def test_no_eligible_worker_is_missed(selector: WorkerSelector, labels: Labels) -> None:
    if selector.accepts(labels):
        assert passes(query_of(selector), labels)


def test_no_eligible_worker_is_missed_where_values_are_nearly_equal() -> None:
    for operator, value, label in itertools.product(LabelOperator, VALUES, VALUES):
        selector = make_selector("Skill", operator, value)
        labels = {"Skill": label}
        if selector.accepts(labels):
            assert passes(query_of(selector), labels), (selector, label)


def test_small_numbers_and_texts_are_selected_exactly() -> None:
    exact = [value for value in VALUES if not isinstance(value, int) or abs(value) < 2**53]
    for operator, value, label in itertools.product(LabelOperator, exact, exact):
        if isinstance(value, float) and abs(value) >= 2**53:
            continue
        selector = make_selector("Skill", operator, value)
        labels = {"Skill": label}
        assert passes(query_of(selector), labels) is selector.accepts(labels), (selector, label)


@pytest.mark.parametrize("text", ["' OR true --", '"', "\\", "@p1", "{}", "{0}", "c.id", "\0"])
def test_keys_and_values_are_parameters(text: str) -> None:
    for operator in LabelOperator:
        value: Any = text if operator in {LabelOperator.EQUAL, LabelOperator.NOT_EQUAL} else 1
        query = query_of(make_selector(text, operator, value))
        plain = query_of(make_selector("Skill", operator, "English" if value == text else 1))
        assert query is not None
        assert plain is not None
        assert query.text == plain.text
