"""Ids of items: different for different ids, and such that the database takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.wire import MAX_ID_LENGTH
from shared.storage.cosmos.items import item_id

FORBIDDEN = set("/\\?#")
MOST_BYTES = 1_023


@given(st.text(max_size=MAX_ID_LENGTH))
def test_every_id_makes_an_item_id(id: str) -> None:
    made = item_id(id)
    assert not FORBIDDEN & set(made)
    assert not set(made) & {".", "%", " "}


@given(st.text("a~7E.%é", max_size=6), st.text("a~7E.%é", max_size=6))
def test_different_ids_make_different_item_ids(one: str, other: str) -> None:
    assert (item_id(one) == item_id(other)) == (one == other)


@pytest.mark.parametrize("character", ["\U0001f4de", "/", "é", "~"])
def test_the_longest_ids_fit(character: str) -> None:
    assert len(item_id(character * MAX_ID_LENGTH).encode()) <= MOST_BYTES
