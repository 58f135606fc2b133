"""Signatures made by the Python client (its vectors), and what other clients sign differently."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.api.authentication import (
    KEY_HOLDER,
    Authenticator,
    Caller,
    verify_content,
    verify_signature,
)
from shared.api.errors import Unauthorized
from shared.api.http_messages import Request
from shared.api.roles import Role

KEY = b"0123456789abcdef0123456789abcdef"
OTHER_KEY = b"another key, just as long as it!"
DATE = "Fri, 01 Nov 2024 00:00:00 GMT"
NOW = datetime(2024, 11, 1, tzinfo=UTC)
EMPTY_HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
SIGNED_HEADERS = "x-ms-date;host;x-ms-content-sha256"

LIST = "/routing/jobs?maxpagesize=2&status=queued&api-version=2023-11-01"
QUEUE = "/routing/queues/q1?api-version=2023-11-01"


def request(
    method: str,
    target: str,
    host: str,
    signature: str,
    content_hash: str = EMPTY_HASH,
    body: bytes = b"",
    date: str = DATE,
) -> Request:
    headers = {
        "host": host,
        "x-ms-date": date,
        "x-ms-content-sha256": content_hash,
        "authorization": f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}&Signature={signature}",
    }
    return Request(method=method, target=target, headers=headers, body=body)


def signed(
    *,
    target: str = QUEUE,
    signed_target: str = "",
    host: str = "router.example.net",
    signed_host: str = "",
    date: str = DATE,
    key: bytes = KEY,
) -> Request:
    text = f"GET\n{signed_target or target}\n{date};{signed_host or host};{EMPTY_HASH}"
    signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
    return request("GET", target, host, signature, date=date)


VECTORS = [
    request("GET", LIST, "router.example.net", "dHUcjWhE+ufmaScSFwUhGOLv0hYQWzDiJZm3bZkoGOE="),
    request(
        "PATCH",
        QUEUE,
        "router.example.net",
        "jWclEX4uwL4SzbVras/fQIx5jN8RARsa4WYtK2hmli4=",
        "VTCdiqMUK3FSnP2VmCQOu8WhKnys+Z21fCx4tzrcAW4=",
        b'{"distributionPolicyId": "dp1"}',
    ),
    request("GET", QUEUE, "localhost:7071", "boJOe9Q3xYJ4MFEQJre94rEcYq4e4loLWRz0RD4ybHA="),
]
A_REQUEST = VECTORS[1]


@pytest.mark.parametrize("vector", VECTORS, ids=["list", "patch", "port"])
def test_accepts_what_the_python_client_signs(vector: Request) -> None:
    verify_signature(vector, [KEY], NOW)
    verify_content(vector)


@pytest.mark.parametrize("keys", [[KEY, OTHER_KEY], [OTHER_KEY, KEY]])
def test_tries_every_key(keys: list[bytes]) -> None:
    verify_signature(A_REQUEST, keys, NOW)


@pytest.mark.parametrize("keys", [[OTHER_KEY], []])
def test_refuses_what_no_key_signed(keys: list[bytes]) -> None:
    with pytest.raises(Unauthorized, match="not signed with a valid access key"):
        verify_signature(A_REQUEST, keys, NOW)


@pytest.mark.parametrize(
    ("host", "signed_host"),
    [
        pytest.param("localhost:7071", "localhost:7071/", id="python: endpoint ends with a slash"),
        pytest.param("localhost:7071", "localhost", id="java: no port"),
        pytest.param("localhost:7071", "localhost:7071:7071", id="javascript: port twice"),
    ],
)
def test_accepts_the_clients_spellings_of_the_host(host: str, signed_host: str) -> None:
    verify_signature(signed(host=host, signed_host=signed_host), [KEY], NOW)


@pytest.mark.parametrize(
    ("query", "signed_query"),
    [
        ("queueId=my%20queue", "queueId=my+queue"),
        ("queueId=a(b)!~*", "queueId=a%28b%29%21%7E*"),
        ("queueId=%C3%A9&status=", "queueId=%C3%A9&status="),
    ],
)
def test_accepts_the_query_as_the_javascript_client_signs_it(query: str, signed_query: str) -> None:
    path = "/routing/jobs?"
    verify_signature(signed(target=path + query, signed_target=path + signed_query), [KEY], NOW)


@pytest.mark.parametrize(
    "signed_target",
    ["/routing/queues/q2?api-version=2023-11-01", "/routing/queues/q1", QUEUE + "&a=1"],
)
def test_refuses_the_signature_of_another_target(signed_target: str) -> None:
    with pytest.raises(Unauthorized):
        verify_signature(signed(signed_target=signed_target), [KEY], NOW)


def test_refuses_the_signature_for_another_host() -> None:
    with pytest.raises(Unauthorized):
        verify_signature(signed(signed_host="router.example.org"), [KEY], NOW)


def test_refuses_the_signature_of_another_method() -> None:
    with pytest.raises(Unauthorized):
        verify_signature(replace(A_REQUEST, method="DELETE"), [KEY], NOW)


def test_a_repeated_escape_is_another_target() -> None:
    with pytest.raises(Unauthorized):
        verify_signature(
            signed(target="/routing/queues/a%2520b", signed_target="/routing/queues/a%20b"),
            [KEY],
            NOW,
        )


@pytest.mark.parametrize("skew", [timedelta(minutes=5), timedelta(minutes=-5), timedelta()])
def test_tolerates_five_minutes_between_the_clocks(skew: timedelta) -> None:
    verify_signature(A_REQUEST, [KEY], NOW + skew)


@pytest.mark.parametrize(
    "skew", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)]
)
def test_refuses_an_old_or_early_request_and_says_why(skew: timedelta) -> None:
    with pytest.raises(Unauthorized, match="more than 300 seconds"):
        verify_signature(A_REQUEST, [KEY], NOW + skew)


def test_does_not_tell_a_stranger_about_the_clock() -> None:
    with pytest.raises(Unauthorized, match="not signed with a valid access key"):
        verify_signature(A_REQUEST, [OTHER_KEY], NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "date", ["", "2024-11-01T00:00:00Z", "tomorrow", "Fri, 99 Nov 2024 00:00:00 GMT"]
)
def test_refuses_a_signed_date_that_is_none(date: str) -> None:
    with pytest.raises(Unauthorized):
        verify_signature(signed(date=date), [KEY], NOW)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "HMAC-SHA256",
        "HMAC-SHA256 ",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "HMAC-SHA256 Signature=jWclEX4uwL4SzbVras/fQIx5jN8RARsa4WYtK2hmli4=",
        "HMAC-SHA256 SignedHeaders=host&Signature=jWclEX4uwL4SzbVras/fQIx5jN8RARsa4WYtK2hmli4=",
        f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}&Signature=",
        f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}&Signature=%%%",
        f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}&Signature=é",
        f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}",
        f"HMAC-SHA1 SignedHeaders={SIGNED_HEADERS}"
        "&Signature=jWclEX4uwL4SzbVras/fQIx5jN8RARsa4WYtK2hmli4=",
    ],
)
def test_refuses_other_credentials(authorization: str) -> None:
    headers = {**A_REQUEST.headers, "authorization": authorization}
    with pytest.raises(Unauthorized):
        verify_signature(replace(A_REQUEST, headers=headers), [KEY], NOW)


@pytest.mark.parametrize("missing", ["host", "x-ms-date", "x-ms-content-sha256", "authorization"])
def test_refuses_a_request_without_a_signed_header(missing: str) -> None:
    headers = {name: value for name, value in A_REQUEST.headers.items() if name != missing}
    with pytest.raises(Unauthorized):
        verify_signature(replace(A_REQUEST, headers=headers), [KEY], NOW)


@pytest.mark.parametrize("body", [b"", b'{"distributionPolicyId": "dp2"}'])
def test_refuses_a_body_that_was_not_signed(body: bytes) -> None:
    tampered = replace(A_REQUEST, body=body)
    verify_signature(tampered, [KEY], NOW)
    with pytest.raises(Unauthorized):
        verify_content(tampered)


def test_refuses_a_content_hash_that_is_not_ascii() -> None:
    with pytest.raises(Unauthorized):
        verify_content(Request(method="GET", target="/", headers={"x-ms-content-sha256": "é"}))


# -- signatures or tokens -------------------------------------------------------------------------


async def operators_token(token: str, now: datetime) -> Role | None:
    assert now == NOW
    if token != "valid":
        raise Unauthorized("The bearer token has expired.")
    return Role.OPERATOR


KEYS_ONLY = Authenticator([KEY])
BOTH = Authenticator([KEY], operators_token)


def with_authorization(authorization: str) -> Request:
    return replace(A_REQUEST, headers={**A_REQUEST.headers, "authorization": authorization})


@pytest.mark.parametrize("authenticator", [KEYS_ONLY, BOTH])
async def test_who_has_a_key_is_an_administrator(authenticator: Authenticator) -> None:
    caller = await authenticator.identify(A_REQUEST, NOW)
    assert caller == KEY_HOLDER == Caller(Role.ADMINISTRATOR, signs=True)


@pytest.mark.parametrize("authorization", ["Bearer valid", "bearer valid", " BEARER  valid "])
async def test_a_token_gives_its_role_and_signs_nothing(authorization: str) -> None:
    caller = await BOTH.identify(with_authorization(authorization), NOW)
    assert caller == Caller(Role.OPERATOR, signs=False)


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        ("", "not signed"),
        ("Bearer", "expired"),
        ("Bearer ", "expired"),
        ("Bearer valid valid", "expired"),
        ("Bearer another", "expired"),
        ("Bearervalid", "not signed"),
        ("Basic valid", "not signed"),
        ("Negotiate valid", "not signed"),
    ],
)
async def test_both_ways_in_are_told_to_who_has_neither(authorization: str, why: str) -> None:
    with pytest.raises(Unauthorized, match=why) as refused:
        await BOTH.identify(with_authorization(authorization), NOW)
    assert refused.value.schemes == ("HMAC-SHA256", "Bearer")


async def test_where_there_are_no_tokens_none_is_accepted() -> None:
    with pytest.raises(Unauthorized, match="not signed") as refused:
        await KEYS_ONLY.identify(with_authorization("Bearer valid"), NOW)
    assert refused.value.schemes == ("HMAC-SHA256",)
