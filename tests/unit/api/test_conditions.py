from datetime import UTC, datetime

import pytest

from shared.api.conditions import is_known, precondition, validators
from shared.api.errors import InvalidRequest
from shared.api.http_messages import Request
from shared.ports import Stored
from shared.services.preconditions import Precondition

STORED = Stored("value", "00000001-ab", datetime(2024, 11, 1, 0, 0, 0, 999, tzinfo=UTC))


def with_header(name: str, value: str) -> Request:
    return Request(method="PATCH", target="/", headers={name: value})


@pytest.mark.parametrize(
    ("text", "etag"),
    [('"abc"', "abc"), ('W/"abc"', "abc"), ("*", "*"), (' "a-b" ', "a-b"), ('""', ""), ("", None)],
)
def test_reads_entity_tags(text: str, etag: str | None) -> None:
    assert precondition(with_header("if-match", text)).if_match == etag
    assert precondition(with_header("if-none-match", text)).if_none_match == etag


@pytest.mark.parametrize("header", ["if-match", "if-none-match"])
@pytest.mark.parametrize("text", ["abc", '"abc', '"a", "b"', 'w/"abc"', '"a"b"', '"é"'])
def test_refuses_malformed_entity_tags(header: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        precondition(with_header(header, text))
    assert refused.value.problems[0].target == header


def test_reads_the_date() -> None:
    request = with_header("if-unmodified-since", "Fri, 01 Nov 2024 00:00:00 GMT")
    assert precondition(request).if_unmodified_since == datetime(2024, 11, 1, tzinfo=UTC)


def test_refuses_a_malformed_date() -> None:
    with pytest.raises(InvalidRequest) as refused:
        precondition(with_header("if-unmodified-since", "2024-11-01"))
    assert refused.value.problems[0].target == "if-unmodified-since"


def test_no_header_is_no_condition() -> None:
    condition = precondition(Request(method="PATCH", target="/"))
    assert condition == Precondition()


def test_what_was_answered_as_validator_is_known() -> None:
    headers = validators(STORED)
    assert headers == {
        "ETag": '"00000001-ab"',
        "Last-Modified": "Fri, 01 Nov 2024 00:00:00 GMT",
    }
    assert is_known(with_header("if-none-match", headers["ETag"]), STORED)
    assert is_known(with_header("if-none-match", "*"), STORED)
    assert not is_known(with_header("if-none-match", '"00000002-ab"'), STORED)
    assert not is_known(Request(method="GET", target="/"), STORED)
