from urllib.parse import parse_qs, quote, urlparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.errors import InvalidRequest
from shared.api.http_messages import Request
from shared.api.paging import PageRequest, next_link, page_request

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("20", 20), ("100", 100), ("101", 100), ("007", 7), ("9" * 5000, 100)],
)
def test_page_sizes(text: str, size: int) -> None:
    assert page_request({"maxpagesize": text}) == PageRequest(size=size)


def test_default_page_size() -> None:
    assert page_request({}) == PageRequest(size=20)


@pytest.mark.parametrize("text", ["0", "000", "-1", "+1", "1.0", "ten", " 1", "٣", "²"])
def test_refuses_page_sizes(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        page_request({"maxpagesize": text})
    assert refused.value.problems[0].target == "maxpagesize"


@pytest.mark.parametrize("token", ["a", "é", "====", "_w", "a b", "abc!"])
def test_refuses_damaged_tokens(token: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        page_request({"continuationToken": token})
    assert refused.value.problems[0].target == "continuationToken"


def followed_by_the_python_client(link: str) -> str:
    """The client takes the query apart, quotes each value once and adds its version."""
    parsed = urlparse(link)
    values = {name: quote(value[0]) for name, value in parse_qs(parsed.query).items()}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    return f"{parsed.path}?{query}&api-version=2023-11-01"


@given(TEXT, TEXT, st.integers(1, 100))
def test_a_link_leads_on_with_the_same_filters(queue_id: str, continuation: str, size: int) -> None:
    query = {"queueId": queue_id, "maxpagesize": str(size), "api-version": "2023-11-01"}
    link = next_link("/routing/jobs", query, continuation)
    following = Request(method="GET", target=followed_by_the_python_client(link)).query()
    assert following["queueId"] == queue_id
    assert page_request(following) == PageRequest(size=size, continuation=continuation)


def test_a_link_is_relative_and_names_no_version() -> None:
    query = {"api-version": "2023-11-01", "continuationToken": "b2xk", "status": "queued"}
    link = next_link("/routing/jobs", query, "new")
    assert link == "/routing/jobs?continuationToken=bmV3&status=queued"
