"""What is true of every answer: headers, conditions, authentication, versions."""

import re

import pytest

from functions.endpoint import UNENCODED_TARGET
from shared import bootstrap
from shared.api.http_messages import MAX_BODY_BYTES
from shared.api.versions import SUPPORTED
from shared.ports import StoreUnavailable
from shared.services.router import TooMuchContention
from tests.functions.api import HOST, JOB, KEY, SECONDARY_KEY, VERSION, Api, Reply, signature

POLICY = "/routing/distributionPolicies/p"
QUEUE = "/routing/queues/queue"


async def test_an_entity_tells_its_version(api: Api) -> None:
    created = await api.patch(POLICY, {})
    read = await api.get(POLICY)
    for reply in (created, read):
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert re.fullmatch(r'"[^"]+"', reply.headers["etag"])
        assert reply.json["etag"] == reply.headers["etag"]
        assert reply.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    api.rig.clock.forward(hours=1)
    changed = await api.patch(POLICY, {"name": "x"})
    assert changed.headers["etag"] != created.headers["etag"]
    assert changed.headers["last-modified"] == "Thu, 01 Jan 2026 01:00:00 GMT"


async def test_lists_actions_and_deletions_tell_no_version(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    replies = [
        await api.get("/routing/jobs"),
        await api.post("/routing/jobs/job:cancel"),
        await api.delete("/routing/jobs/job"),
        await api.get("/routing/jobs/job"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 204, 404]
    assert all({"etag", "last-modified"}.isdisjoint(reply.headers) for reply in replies)


async def test_a_deletion_has_no_content(api: Api) -> None:
    await api.patch(POLICY, {})
    deleted = await api.delete(POLICY)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "content-type" not in deleted.headers


async def test_every_answer_has_the_common_headers(api: Api) -> None:
    await api.patch(POLICY, {})
    replies = [
        await api.get(POLICY),
        await api.get("/routing/jobs/unknown"),
        await api.send_raw("GET", POLICY, {"host": HOST}),
        await api.delete(POLICY),
    ]
    assert [reply.status for reply in replies] == [200, 404, 401, 204]
    for reply in replies:
        assert reply.headers["api-supported-versions"] == ", ".join(SUPPORTED)
        assert re.fullmatch("[0-9a-f]{32}", reply.headers["trace-id"])
    assert len({reply.headers["trace-id"] for reply in replies}) == 4


async def test_the_trace_of_the_caller_goes_on(api: Api) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = await api.get(POLICY, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    assert reply.headers["trace-id"] == trace_id


@pytest.mark.parametrize(
    ("request_id", "wanted", "echoed"),
    [
        ("7f3a", "true", "7f3a"),
        ("7f3a", "TRUE", "7f3a"),
        ("7f3a", "false", None),
        ("x" * 129, "true", None),
        ("a b", "true", None),
    ],
)
async def test_the_callers_request_id_is_echoed_on_demand(
    api: Api, request_id: str, wanted: str, echoed: str | None
) -> None:
    headers = {"x-ms-client-request-id": request_id, "x-ms-return-client-request-id": wanted}
    reply = await api.send("GET", POLICY, headers=headers)
    assert reply.headers.get("x-ms-client-request-id") == echoed


# -- conditions -------------------------------------------------------------------------------


async def test_a_known_version_is_not_sent_again(api: Api) -> None:
    etag = (await api.patch(POLICY, {})).headers["etag"]
    unchanged = await api.get(POLICY, if_none_match=etag)
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert unchanged.headers["etag"] == etag
    assert "content-type" not in unchanged.headers
    await api.patch(POLICY, {"name": "x"})
    assert (await api.get(POLICY, if_none_match=etag)).status == 200


async def test_a_change_may_demand_the_version_it_knows(api: Api) -> None:
    old = (await api.patch(POLICY, {})).headers["etag"]
    new = (await api.patch(POLICY, {"name": "a"}, if_match=old)).headers["etag"]
    assert new != old
    stale = await api.patch(POLICY, {"name": "b"}, if_match=old)
    assert (stale.status, stale.error["code"]) == (412, "PreconditionFailed")
    assert (await api.get(POLICY)).headers["etag"] == new
    assert (await api.patch(POLICY, {"name": "c"}, if_match="*")).status == 200


@pytest.mark.parametrize("path", ["/routing/jobs/j", "/routing/workers/w", QUEUE])
async def test_a_stale_change_changes_nothing(api: Api, path: str) -> None:
    await api.ready()
    document = {**JOB, "capacity": 1, "distributionPolicyId": "policy"}
    await api.patch(path, document)
    before = (await api.get(path)).json
    stale = await api.patch(path, {"labels": {"x": 1}}, if_match='"0"')
    assert stale.status == 412
    assert (await api.get(path)).json == before


async def test_creating_may_demand_that_there_is_nothing(api: Api) -> None:
    assert (await api.patch(POLICY, {}, if_none_match="*")).status == 201
    assert (await api.patch(POLICY, {}, if_none_match="*")).status == 412
    assert (await api.patch(f"{POLICY}2", {}, if_match="*")).status == 412
    assert (await api.get(f"{POLICY}2")).status == 404


async def test_a_change_may_demand_that_nobody_changed_it_since(api: Api) -> None:
    await api.patch(POLICY, {})
    modified = (await api.get(POLICY)).headers["last-modified"]
    assert (await api.patch(POLICY, {}, if_unmodified_since=modified)).status == 200
    api.rig.clock.forward(seconds=2)
    await api.patch(POLICY, {"name": "x"})
    assert (await api.patch(POLICY, {}, if_unmodified_since=modified)).status == 412


@pytest.mark.parametrize(
    ("header", "value"),
    [("if-match", "abc"), ("if-none-match", '"a", "b"'), ("if-unmodified-since", "yesterday")],
)
async def test_malformed_conditions_are_refused(api: Api, header: str, value: str) -> None:
    reply = await api.send("PATCH", POLICY, {}, {header: value})
    assert reply.problems == [("Invalid", header)]
    assert (await api.get(POLICY)).status == 404


# -- authentication ---------------------------------------------------------------------------


async def test_either_key_will_do(api: Api) -> None:
    assert (await api.send("GET", "/routing/jobs", key=KEY)).status == 200
    assert (await api.send("GET", "/routing/jobs", key=SECONDARY_KEY)).status == 200
    assert (await api.send("GET", "/routing/jobs", key=b"another")).status == 401


async def is_refused(api: Api, target: str, headers: dict[str, str], body: bytes) -> None:
    all_headers = {"host": HOST, "content-type": "application/json", **headers}
    reply = await api.send_raw("PATCH", target, all_headers, body)
    assert (reply.status, reply.error["code"]) == (401, "Unauthorized")
    assert reply.headers["www-authenticate"] == "HMAC-SHA256"
    assert (await api.get(POLICY)).status == 404


@pytest.mark.parametrize(
    ("method", "more_target", "more_body", "key", "minutes_ago"),
    [
        pytest.param("GET", "", b"", KEY, 0, id="another method"),
        pytest.param("PATCH", "&a=b", b"", KEY, 0, id="another target"),
        pytest.param("PATCH", "", b" ", KEY, 0, id="another body"),
        pytest.param("PATCH", "", b"", b"another", 0, id="another key"),
        pytest.param("PATCH", "", b"", KEY, 6, id="long ago"),
    ],
)
async def test_who_signed_something_else_changes_nothing(
    api: Api, method: str, more_target: str, more_body: bytes, key: bytes, minutes_ago: int
) -> None:
    target = f"{POLICY}?api-version={VERSION}"
    signed = signature(method, target + more_target, b"{}" + more_body, api.rig.clock(), key)
    api.rig.clock.forward(minutes=minutes_ago)
    await is_refused(api, target, signed, b"{}")


@pytest.mark.parametrize("authorization", ["", "Bearer abc", "HMAC-SHA256 Signature=abc"])
async def test_who_did_not_sign_changes_nothing(api: Api, authorization: str) -> None:
    target = f"{POLICY}?api-version={VERSION}"
    await is_refused(api, target, {"authorization": authorization}, b"{}")


async def test_a_stranger_learns_nothing_from_bad_requests(api: Api) -> None:
    for target in ("/routing/jobs", "/routing/jobs/a%2Fb?api-version=x", "/routing/jobs?a=1&a=2"):
        reply = await api.send_raw("GET", target, {"host": HOST})
        assert reply.status == 401


@pytest.mark.parametrize("host", ["[", "a:b:c", "", "é"])
async def test_a_strange_host_is_a_stranger(api: Api, host: str) -> None:
    # Header text arrives as the bytes of UTF-8.
    sent = host.encode().decode("latin-1")
    reply = await api.send_raw("GET", "/routing/jobs", {"host": sent})
    assert reply.status == 401


async def test_escapes_are_signed_as_they_are_sent(api: Api) -> None:
    for target in ("/routing/jobs/a%3ab", "/routing/jobs/a%3Ab", "/routing/jobs/a:b"):
        full = f"{target}?api-version={VERSION}&blank=&x=%2B"
        headers = {"host": HOST, **signature("GET", full, b"", api.rig.clock())}
        reply = await api.send_raw("GET", full, headers)
        assert (reply.status, reply.error["target"]) == (404, "/routing/jobs/a:b")


async def test_a_target_from_elsewhere_only_repeats_a_signed_request(api: Api) -> None:
    """Where no front end writes the header, it is the client's: all it can say was signed."""
    await api.patch(POLICY, {"name": "signed"})
    await api.patch("/routing/distributionPolicies/other", {"name": "other"})
    signed = f"{POLICY}?api-version={VERSION}"
    routed = f"http://{HOST}/routing/distributionPolicies/other?api-version={VERSION}"
    headers = {UNENCODED_TARGET: signed, "host": HOST} | signature(
        "GET", signed, b"", api.rig.clock()
    )
    reply = await api.invoke("get_distribution_policy", "GET", routed, headers)
    assert reply.json["name"] == "signed"
    deleted = await api.invoke("delete_distribution_policy", "DELETE", routed, headers)
    assert deleted.status == 401
    listed = await api.invoke("list_jobs", "GET", routed, headers)
    assert listed.status == 401


async def test_a_target_of_another_operation_is_refused_though_signed(api: Api) -> None:
    target = f"{POLICY}?api-version={VERSION}"
    headers = {"host": HOST, **signature("GET", target, b"", api.rig.clock())}
    reply = await api.invoke("list_jobs", "GET", f"https://{HOST}{target}", headers)
    assert (reply.status, reply.error["code"]) == (401, "Unauthorized")


async def test_without_the_platforms_header_the_url_is_the_target(api: Api) -> None:
    target = f"/routing/jobs/x?api-version={VERSION}"
    headers = {"host": HOST, **signature("GET", target, b"", api.rig.clock())}
    reply = await api.invoke("get_job", "GET", f"https://{HOST}{target}", headers)
    assert reply.status == 404


# -- versions ---------------------------------------------------------------------------------


async def test_a_version_is_required(api: Api) -> None:
    headers = {"host": HOST, **signature("GET", "/routing/jobs", b"", api.rig.clock())}
    reply = await api.send_raw("GET", "/routing/jobs", headers)
    assert (reply.status, reply.error["code"]) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize("version", ["2021-04-07-preview1", "x"])
async def test_only_known_versions_are_served(api: Api, version: str) -> None:
    reply = await api.send("GET", "/routing/jobs", version=version)
    assert (reply.status, reply.error["code"]) == (400, "UnsupportedApiVersion")
    assert ", ".join(SUPPORTED) in reply.error["message"]


# -- what goes wrong behind the edge ----------------------------------------------------------


async def failing(api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Reply:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(api.rig.store.jobs), "list", fail)
    return await api.get("/routing/jobs")


async def test_a_store_that_is_down_is_unavailable(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await failing(api, monkeypatch, StoreUnavailable("disk full", 2.5))
    assert (reply.status, reply.error["code"]) == (503, "ServiceUnavailable")
    assert reply.headers["retry-after"] == "3"
    assert b"disk" not in reply.body


async def test_contention_is_unavailability(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = await failing(api, monkeypatch, TooMuchContention("x"))
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


async def test_the_unforeseen_is_logged_and_not_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await failing(api, monkeypatch, RuntimeError("the inner life"))
    assert (reply.status, reply.error["code"]) == (500, "InternalServerError")
    assert b"inner life" not in reply.body
    [record] = [record for record in caplog.records if record.name == "functions.endpoint"]
    assert record.exc_info is not None
    assert record.__dict__["trace_id"] == reply.headers["trace-id"]
    assert "Signature" not in caplog.text


async def test_a_router_that_cannot_start_is_answered_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def router() -> None:
        raise StoreUnavailable("locked")

    monkeypatch.setattr(bootstrap, "router", router)
    assert (await api.get("/routing/jobs")).status == 503


# -- bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_an_oversized_body_is_refused(api: Api, method: str) -> None:
    path = POLICY if method == "PATCH" else "/routing/jobs/x:cancel"
    body = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'
    reply = await api.send(method, path, body)
    assert (reply.status, reply.error["code"]) == (413, "RequestEntityTooLarge")
    assert (await api.get(POLICY)).status == 404


async def test_an_oversized_body_of_a_stranger_is_a_strangers(api: Api) -> None:
    reply = await api.send("PATCH", POLICY, b"x" * (MAX_BODY_BYTES + 1), key=b"another")
    assert reply.status == 401


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [
        ("PATCH", "application/merge-patch+json", 201),
        ("PATCH", "application/json; charset=utf-8", 201),
        ("PATCH", "text/plain", 415),
        ("PATCH", "", 415),
        ("POST", "application/json", 404),
        ("POST", "application/merge-patch+json", 415),
    ],
)
async def test_content_types(api: Api, method: str, content_type: str, status: int) -> None:
    path = POLICY if method == "PATCH" else "/routing/jobs/x:cancel"
    reply = await api.send(method, path, {}, {"content-type": content_type})
    assert reply.status == status
    if status == 415:
        assert reply.error["code"] == "UnsupportedMediaType"


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain"])
async def test_an_action_needs_no_body(api: Api, content_type: str) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    path = "/routing/jobs/job:cancel"
    reply = await api.send("POST", path, b"", {"content-type": content_type})
    assert (reply.status, reply.json) == (200, {})
