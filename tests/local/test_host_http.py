import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.http import MAX_BODY_BYTES
from tests.local.host_rig import ECHO, Answer, HostRig, loaded, write_app

OTHERS = """
@app.route("fails")
async def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("no")

@app.route("empty")
async def empty(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("ignored", status_code=204, headers={"ETag": '"1"'})

@app.route("length")
async def length(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("four", headers={"Content-Length": "99"})

@app.route("{id}:cancel", methods=["POST"])
async def cancel(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params["id"])
"""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[HostRig]:
    async with loaded(write_app(tmp_path, ECHO, OTHERS)) as worker:
        yield HostRig(worker)


async def seen(host: HostRig, target: str, *headers: tuple[str, str]) -> dict[str, Any]:
    answer = await host.send("GET", target, [("Host", "localhost:7071"), *headers])
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def post(host: HostRig, length: int | None, *chunks: bytes | None) -> Answer:
    headers = [] if length is None else [("Content-Length", str(length))]
    return await host.send("POST", "/echo/1", headers, chunks)


@pytest.mark.parametrize(
    ("target", "url", "params"),
    [
        ("/echo/1", "/echo/1", "1"),
        ("/echo/1?a=1&b=%20", "/echo/1?a=1&b=%20", "1"),
        ("/echo/a%3Ab", "/echo/a:b", "a:b"),
        ("/echo/a%2Fb", "/echo/a%2Fb", "a%2Fb"),
        ("/echo/a%2fb", "/echo/a%2fb", "a%2fb"),
        ("/echo/a%20b", "/echo/a%20b", "a b"),
        ("/echo/%C3%A9", "/echo/%C3%A9", "é"),
        ("/echo/%ff%C3%A9", "/echo/%FF%C3%A9", "%FFé"),
        ("/echo/100%", "/echo/100%25", "100%"),
        ("/echo/%25", "/echo/%25", "%"),
        ("/echo/%7E%41", "/echo/~A", "~A"),
        ("/echo/%22%5B", "/echo/%22%5B", '"['),
        ("/echo/x/../1", "/echo/1", "1"),
        ("/./echo/%2E/1", "/echo/1", "1"),
        ("/../echo/1/x/..", "/echo/1/", "1"),
        ("/echo/1/.", "/echo/1/", "1"),
        ("/echo/.a", "/echo/.a", ".a"),
    ],
)
async def test_the_path_is_decoded_and_shown_as_azures_host_does(
    host: HostRig, target: str, url: str, params: str
) -> None:
    found = await seen(host, target)
    assert found["url"] == f"http://localhost:7071{url}"
    assert found["params"] == {"id": params}
    assert found["headers"]["x-waws-unencoded-url"] == target


async def test_the_raw_target_never_comes_from_the_client(host: HostRig) -> None:
    found = await seen(host, "/echo/%41?x=%41", ("X-WAWS-Unencoded-URL", "/other"))
    assert found["headers"]["x-waws-unencoded-url"] == "/echo/%41?x=%41"


async def test_header_names_are_in_lower_case_and_repeats_are_joined(host: HostRig) -> None:
    found = await seen(host, "/echo/1", ("X-A", "1"), ("x-a", "2"), ("X-Blank", ""))
    assert found["headers"]["x-a"] == "1,2"
    assert found["headers"]["x-blank"] == ""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2&A=3", {"a": "1,2,3"}),
        ("a=&b", {}),
        ("a=&a=1", {"a": "1"}),
        ("a=x+y%2Bz%3D", {"a": "x y+z="}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=1;b=2", {"a": "1;b=2"}),
    ],
)
async def test_the_query_is_read_as_azures_host_does(
    host: HostRig, query: str, expected: dict[str, str]
) -> None:
    assert (await seen(host, f"/echo/1?{query}"))["query"] == expected


async def test_a_body_arrives_untouched(host: HostRig) -> None:
    answer = await post(host, 4, b"\x00\xff", b"", b"\r\n")
    assert json.loads(answer.body)["body"] == "\x00\xff\r\n"


async def test_a_body_without_a_length_arrives_empty_as_in_azure(host: HostRig) -> None:
    headers = [("Transfer-Encoding", "chunked")]
    answer = await host.send("POST", "/echo/1", headers, [b"lost"])
    assert json.loads(answer.body)["body"] == ""


async def test_a_body_of_the_greatest_size_is_taken(host: HostRig) -> None:
    half = b"x" * (MAX_BODY_BYTES // 2)
    answer = await post(host, MAX_BODY_BYTES, half, half)
    assert len(json.loads(answer.body)["body"]) == MAX_BODY_BYTES


async def test_a_larger_body_is_refused_unread(host: HostRig) -> None:
    answer = await post(host, MAX_BODY_BYTES + 1)
    assert (answer.status, answer.body) == (413, b"")
    assert answer.header("connection") == "close"


async def test_a_client_that_leaves_is_not_answered(host: HostRig) -> None:
    assert (await post(host, 4, b"ab", None)).status == 0


async def test_a_failing_function_answers_500_without_a_body(
    host: HostRig, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await host.send("GET", "/fails")
    assert (answer.status, answer.headers, answer.body) == (500, [("content-length", "0")], b"")
    assert "Function 'fails' failed: ValueError('no')" in caplog.messages


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/echo/1"), ("GET", "/1:cancel"), ("GET", "//")],
)
async def test_what_no_function_answers_is_not_found(
    host: HostRig, method: str, target: str
) -> None:
    answer = await host.send(method, target)
    assert (answer.status, answer.headers, answer.body) == (404, [("content-length", "0")], b"")


async def test_an_action_after_a_colon_finds_its_function(host: HostRig) -> None:
    assert (await host.send("POST", "/a%3Ab:cancel")).body == b"a:b"


async def test_an_answer_without_content_has_no_body_and_no_length(host: HostRig) -> None:
    answer = await host.send("GET", "/empty")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers == [("ETag", '"1"'), ("content-type", "text/plain; charset=utf-8")]


async def test_the_length_is_that_of_the_body(host: HostRig) -> None:
    answer = await host.send("GET", "/length")
    assert [value for name, value in answer.headers if name.lower() == "content-length"] == ["4"]


@pytest.mark.parametrize(("target", "header"), [("/echo/%00", "a"), ("/echo/1", "\xff")])
async def test_what_the_web_server_of_azure_refuses_is_refused(
    host: HostRig, target: str, header: str
) -> None:
    answer = await host.send("GET", target, [("x-a", header)])
    assert (answer.status, answer.body) == (400, b"")


async def test_local_paths_go_to_the_topic(host: HostRig) -> None:
    assert (await host.send("GET", "/_local/events")).body == b"topic"
    assert (await host.send("GET", "/_locals")).status == 404
    assert host.topic.paths == ["/_local/events"]


async def test_the_prefix_of_host_json_goes_before_the_routes(tmp_path: Path) -> None:
    async with loaded(write_app(tmp_path, ECHO)) as worker:
        host = HostRig(worker, prefix="api")
        assert (await host.send("GET", "/api/echo/1")).status == 200
        assert (await host.send("GET", "/echo/1")).status == 404
