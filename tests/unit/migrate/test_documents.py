"""What of a definition travels, when two are the same, and what makes one the other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.migrate.documents import canonical, is_same, merge_patch, portable
from tests.unit.migrate.routers import merge

SELECTOR = {"key": "k", "labelOperator": "equal", "value": 1}


def test_neither_secrets_nor_the_routers_own_label_travel() -> None:
    rule = {
        "kind": "function",
        "functionUri": "https://rules.example/",
        "credential": {"functionKey": "key", "appKey": None, "clientId": "c"},
    }
    document = {"name": None, "labels": {"Id": "q", "a": 1}, "rules": [rule]}
    shown = {**rule, "credential": {"clientId": "c"}}
    assert portable(document) == {"labels": {"a": 1}, "rules": [shown]}


def test_data_of_the_application_travels_as_it_is() -> None:
    document = {"value": {"clientSecret": None, "functionKey": 1}, "tags": {"appKey": "x"}}
    assert portable(document) == document


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"labels": {}, "queues": [], "availableForOffers": False}),
        ({}, {"offerExpiresAfterSeconds": 60.0}),
        ({}, {"mode": {"kind": "longestIdle", "minConcurrentOffers": 1, "maxConcurrentOffers": 1}}),
        (
            {"mode": {"kind": "bestWorker"}},
            {
                "mode": {
                    "kind": "bestWorker",
                    "bypassSelectors": False,
                    "scoringRuleOptions": {
                        "batchSize": 20,
                        "scoringParameters": ["jobLabels", "workerSelectors"],
                        "isBatchScoringEnabled": False,
                        "descendingOrder": True,
                    },
                }
            },
        ),
        (
            {"workerSelectorAttachments": [{"kind": "static", "workerSelector": SELECTOR}]},
            {
                "workerSelectorAttachments": [
                    {"kind": "static", "workerSelector": {**SELECTOR, "expedite": False}}
                ]
            },
        ),
        ({"queues": ["a", "b"]}, {"queues": ["b", "a"]}),
        (
            {"channels": [{"channelId": "a"}, {"channelId": "b"}]},
            {"channels": [{"channelId": "b"}, {"channelId": "a"}]},
        ),
    ],
)
def test_different_words_for_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert merge_patch(one, other) is None
    assert merge_patch(other, one) is None


@pytest.mark.parametrize(
    ("present", "wanted", "patch"),
    [
        ({"name": "a"}, {"name": "b"}, {"name": "b"}),
        ({"name": "a", "x": 1}, {"x": 1}, {"name": None}),
        ({"labels": {"a": 1, "b": 2}}, {"labels": {"b": 3}}, {"labels": {"a": None, "b": 3}}),
        ({"labels": {"a": 1}}, {"labels": {"a": True}}, {"labels": {"a": True}}),
        ({"labels": {"expedite": False}}, {"labels": {}}, {"labels": {"expedite": None}}),
        ({"maxConcurrentOffers": 1}, {}, {"maxConcurrentOffers": None}),
        (
            {"mode": {"kind": "roundRobin", "bypassSelectors": True}},
            {"mode": {"kind": "roundRobin"}},
            {"mode": {"kind": "roundRobin", "bypassSelectors": None}},
        ),
        (
            {"rule": {"kind": "function", "functionUri": "u", "credential": {}}},
            {"rule": {"kind": "function", "functionUri": "u"}},
            {"rule": {"kind": "function", "functionUri": "u", "credential": None}},
        ),
        ({"rule": {"value": {"a": []}}}, {"rule": {"value": {}}}, {"rule": {"value": {"a": None}}}),
    ],
)
def test_a_patch_is_what_differs(
    present: dict[str, Any], wanted: dict[str, Any], patch: dict[str, Any]
) -> None:
    assert merge_patch(present, wanted) == patch
    assert merge_patch(merge(present, patch), wanted) is None


NAMES = st.sampled_from(["name", "labels", "mode", "kind", "expedite", "value", "credential"])
JSON = st.recursive(
    st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "longestIdle"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, JSON, max_size=4)


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_present_document_the_wanted_one(
    present: dict[str, Any], wanted: dict[str, Any]
) -> None:
    patch = merge_patch(present, wanted)
    assert merge_patch(merge(present, patch or {}), wanted) is None
    assert is_same(canonical(merge(present, patch or {})), canonical(wanted))


@given(DOCUMENTS)
def test_what_is_canonical_stays_so(document: dict[str, Any]) -> None:
    assert canonical(canonical(document)) == canonical(document)
