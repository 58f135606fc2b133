import json

import pytest

from shared.api.bodies import read_options, read_patch
from shared.api.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from shared.api.http_messages import MAX_BODY_BYTES, Request
from shared.api.wire import Text, WireModel


class Options(WireModel):
    note: Text | None = None


def request(body: bytes, content_type: str = "application/json") -> Request:
    headers = {"content-type": content_type} if content_type else {}
    return Request(method="POST", target="/", headers=headers, body=body)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/merge-patch+json",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json;charset=UTF-8",
    ],
)
def test_a_patch_is_a_json_object(content_type: str) -> None:
    assert read_patch(request(b'{"a": [1, null, "x"]}', content_type)) == {"a": [1, None, "x"]}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", "application/json+x"]
)
def test_refuses_a_patch_of_another_type(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_patch(request(b"{}", content_type))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1}x',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
)
def test_refuses_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_patch(request(body))
    assert [problem.code for problem in refused.value.problems] == ["InvalidJson"]


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_an_empty_body_is_no_options(content_type: str) -> None:
    assert read_options(request(b"", content_type), Options) == Options()


def test_reads_options() -> None:
    assert read_options(request(b'{"note": "n", "other": 1}'), Options) == Options(note="n")
    assert read_options(request(b'{"note": null}'), Options) == Options()


@pytest.mark.parametrize("content_type", ["", "application/merge-patch+json"])
def test_refuses_options_of_another_type(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_options(request(b"{}", content_type), Options)


def test_refuses_options_of_another_shape() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_options(request(b'{"note": 5}'), Options)
    assert [problem.target for problem in refused.value.problems] == ["note"]


def test_the_size_of_a_body_is_limited() -> None:
    request(b"x" * MAX_BODY_BYTES).require_size()
    with pytest.raises(BodyTooLarge):
        request(b"x" * (MAX_BODY_BYTES + 1)).require_size()


def test_a_patch_may_not_make_a_resource_too_large() -> None:
    text = json.dumps({"note": "x" * MAX_BODY_BYTES})
    with pytest.raises(InvalidRequest) as refused:
        Options.parse(json.loads(text))
    assert [problem.code for problem in refused.value.problems] == ["TooLarge"]


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Request(method="GET", target="/?a=1&b=2&a=1").query()
    assert [problem.target for problem in refused.value.problems] == ["a"]


def test_blank_parameters_are_missing() -> None:
    assert Request(method="GET", target="/?a=&b=%20x&c").query() == {"b": " x"}
