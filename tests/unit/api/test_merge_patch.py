"""Merge patch by the examples of RFC 7396, appendix A, and by its properties."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.merge_patch import JsonObject, merge

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_examples_of_the_standard(document: JsonObject, patch: JsonObject, merged: Any) -> None:
    assert merge(document, patch) == merged


def test_a_list_is_replaced_whole_with_the_nulls_in_it() -> None:
    assert merge({"a": [1, 2]}, {"a": [{"b": None}]}) == {"a": [{"b": None}]}


@given(DOCUMENTS, DOCUMENTS)
def test_applying_a_patch_twice_changes_no_more(document: JsonObject, patch: JsonObject) -> None:
    once = merge(document, patch)
    assert merge(once, patch) == once


@given(DOCUMENTS, DOCUMENTS)
def test_neither_document_nor_patch_is_changed(document: JsonObject, patch: JsonObject) -> None:
    before = deepcopy((document, patch))
    merge(document, patch, ("a", "b"))
    assert (document, patch) == before


@given(DOCUMENTS, DOCUMENTS)
def test_members_that_are_not_named_stay(document: JsonObject, patch: JsonObject) -> None:
    merged = merge(document, patch)
    assert all(merged[name] == document[name] for name in document.keys() - patch.keys())


MODE = {"mode": {"kind": "roundRobin", "maxConcurrentOffers": 3}}


@pytest.mark.parametrize(
    ("patch", "mode"),
    [
        ({"kind": "longestIdle"}, {"kind": "longestIdle"}),
        ({"kind": "roundRobin"}, {"kind": "roundRobin", "maxConcurrentOffers": 3}),
        ({"minConcurrentOffers": 2}, MODE["mode"] | {"minConcurrentOffers": 2}),
        ({"kind": None}, {}),
        ({}, MODE["mode"]),
    ],
)
def test_another_kind_starts_anew(patch: JsonObject, mode: JsonObject) -> None:
    assert merge(MODE, {"mode": patch}, ("mode",)) == {"mode": mode}


def test_only_polymorphic_members_start_anew() -> None:
    assert merge(MODE, {"mode": {"kind": "x"}}) == {"mode": {**MODE["mode"], "kind": "x"}}


@pytest.mark.parametrize("patch", [None, 5, "x", []])
def test_a_polymorphic_member_may_be_removed_or_become_nonsense(patch: Any) -> None:
    expected = {} if patch is None else {"mode": patch}
    assert merge(MODE, {"mode": patch}, ("mode",)) == expected
