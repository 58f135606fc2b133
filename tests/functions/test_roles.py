"""Callers with tokens of Entra ID, through the whole app: what each role may do, and no more."""

import json
import logging
import re
from collections.abc import AsyncIterator

import pytest

from shared import bootstrap
from shared.api.authentication import Authenticator
from shared.api.http_messages import MAX_BODY_BYTES
from shared.api.rate_limit import RateLimit
from shared.api.roles import Role
from shared.api.signing_keys import SigningKeys, published_at
from shared.api.tokens import TokenVerifier, issuers, keys_url
from tests.entra import AUDIENCE, TENANT, Tenant, running_tenant
from tests.functions.api import HOST, JOB, KEY, SECONDARY_KEY, VERSION, Api, Reply
from tests.functions.test_index import OPERATIONS

READER, OPERATOR, ADMINISTRATOR = Role
NEEDED = {
    "upsert_distribution_policy": ADMINISTRATOR,
    "get_distribution_policy": READER,
    "list_distribution_policies": READER,
    "delete_distribution_policy": ADMINISTRATOR,
    "upsert_classification_policy": ADMINISTRATOR,
    "get_classification_policy": READER,
    "list_classification_policies": READER,
    "delete_classification_policy": ADMINISTRATOR,
    "upsert_exception_policy": ADMINISTRATOR,
    "get_exception_policy": READER,
    "list_exception_policies": READER,
    "delete_exception_policy": ADMINISTRATOR,
    "upsert_queue": ADMINISTRATOR,
    "get_queue": READER,
    "list_queues": READER,
    "get_queue_statistics": READER,
    "delete_queue": ADMINISTRATOR,
    "upsert_worker": OPERATOR,
    "get_worker": READER,
    "list_workers": READER,
    "delete_worker": OPERATOR,
    "accept_offer": OPERATOR,
    "decline_offer": OPERATOR,
    "upsert_job": OPERATOR,
    "get_job": READER,
    "list_jobs": READER,
    "get_job_position": READER,
    "delete_job": OPERATOR,
    "cancel_job": OPERATOR,
    "complete_job": OPERATOR,
    "close_job": OPERATOR,
    "reclassify_job": OPERATOR,
    "unassign_job": OPERATOR,
    "complete_job_2021": OPERATOR,
    "close_job_2021": OPERATOR,
    "reclassify_job_2021": OPERATOR,
    "get_openapi": READER,
    "get_event_schemas": READER,
}
PUBLIC = {"healthz"}


class TokenApi:
    """The app, which accepts the tenant's tokens beside signatures."""

    def __init__(self, api: Api, tenant: Tenant) -> None:
        self.api = api
        self.tenant = tenant

    async def send(
        self, method: str, path: str, token: str, document: object = None, scheme: str = "Bearer"
    ) -> Reply:
        body = b"" if document is None else json.dumps(document).encode()
        headers = {
            "host": HOST,
            "authorization": f"{scheme} {token}",
            "content-type": "application/json",
        }
        return await self.api.send_raw(method, f"{path}?api-version={VERSION}", headers, body)

    async def get(self, path: str, token: str) -> Reply:
        return await self.send("GET", path, token)


@pytest.fixture
async def tokens(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TokenApi]:
    async with running_tenant(lambda: api.rig.clock()) as tenant:
        place = tenant.authority, TENANT
        keys = SigningKeys(published_at(keys_url(*place)))
        verify = TokenVerifier(keys, issuers(*place), (AUDIENCE,))
        authenticator = Authenticator((KEY, SECONDARY_KEY), verify)
        monkeypatch.setattr(bootstrap, "authenticator", lambda: authenticator)
        yield TokenApi(api, tenant)


def test_the_role_of_every_operation_is_decided() -> None:
    assert NEEDED.keys() | PUBLIC == OPERATIONS.keys()


@pytest.mark.parametrize("name", NEEDED)
async def test_every_operation_asks_for_its_role(tokens: TokenApi, name: str) -> None:
    method, template = OPERATIONS[name]
    path = "/" + re.sub(r"\{\w+\}", "x", template)
    for role in (None, *Role):
        token = tokens.tenant.token(role) if role else tokens.tenant.token("Other.Role")
        reply = await tokens.send(method, path, token, None if method == "GET" else {})
        allowed = role is not None and role >= NEEDED[name]
        assert (reply.status != 403) is allowed, reply
        assert reply.status < 500
        if not allowed:
            assert reply.error["code"] == "Forbidden"
            assert NEEDED[name].app_role in reply.error["message"]


async def test_who_is_refused_changes_nothing(tokens: TokenApi) -> None:
    await tokens.api.ready()
    reader, operator = tokens.tenant.token(READER), tokens.tenant.token(OPERATOR)
    assert (await tokens.send("PATCH", "/routing/jobs/job", reader, JOB)).status == 403
    assert (await tokens.get("/routing/jobs/job", reader)).status == 404
    assert (await tokens.send("DELETE", "/routing/queues/queue", operator)).status == 403
    assert (await tokens.get("/routing/queues/queue", operator)).status == 200


async def test_an_operator_runs_a_job_from_its_beginning_to_its_end(tokens: TokenApi) -> None:
    await tokens.api.ready()
    token = tokens.tenant.token(OPERATOR)
    assert (await tokens.send("PATCH", "/routing/jobs/job", token, JOB)).status == 201
    assert (await tokens.send("POST", "/routing/jobs/job:cancel", token)).status == 200
    assert (await tokens.send("DELETE", "/routing/jobs/job", token)).status == 204


@pytest.mark.parametrize("key", [KEY, SECONDARY_KEY])
async def test_signatures_go_on_being_accepted(tokens: TokenApi, key: bytes) -> None:
    policy = "/routing/distributionPolicies/p"
    assert (await tokens.api.send("PATCH", policy, {}, key=key)).status == 201
    assert tokens.tenant.asked == 0


async def test_the_body_of_a_token_holder_is_not_signed_but_bounded(tokens: TokenApi) -> None:
    token = tokens.tenant.token(ADMINISTRATOR)
    document = {"name": "x" * MAX_BODY_BYTES}
    reply = await tokens.send("PATCH", "/routing/distributionPolicies/p", token, document)
    assert reply.status == 413


@pytest.mark.parametrize("token", ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_who_has_no_valid_token_is_told_the_ways_in(tokens: TokenApi, token: str) -> None:
    reply = await tokens.get("/routing/jobs", token)
    assert (reply.status, reply.error["code"]) == (401, "Unauthorized")
    assert reply.headers["www-authenticate"] == "HMAC-SHA256, Bearer"


async def test_a_token_expires(tokens: TokenApi) -> None:
    token = tokens.tenant.token(READER)
    assert (await tokens.get("/routing/jobs", token)).status == 200
    tokens.api.rig.clock.forward(minutes=65)
    reply = await tokens.get("/routing/jobs", token)
    assert (reply.status, reply.error["message"]) == (401, "The bearer token has expired.")


async def test_who_cannot_be_checked_may_come_back(tokens: TokenApi) -> None:
    tokens.tenant.status = 503
    reply = await tokens.get("/routing/jobs", tokens.tenant.token(READER))
    assert (reply.status, reply.error["code"]) == (503, "ServiceUnavailable")
    assert reply.headers["retry-after"] == "1"
    assert (await tokens.api.get("/routing/jobs")).status == 200, "keys need no network"


async def test_nothing_of_a_token_is_logged(
    tokens: TokenApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = await tokens.get("/routing/jobs", "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmVk")
    forbidden = await tokens.get("/routing/jobs", tokens.tenant.token())
    valid = tokens.tenant.token(READER)
    assert (await tokens.get("/routing/jobs", valid)).status == 200
    tokens.tenant.status = 500
    tokens.api.rig.clock.forward(days=2)
    unknown = await tokens.get("/routing/jobs", tokens.tenant.token(READER))
    assert [r.status for r in (stranger, forbidden, unknown)] == [401, 403, 503]
    written = caplog.text + "".join(r.body.decode() for r in (stranger, forbidden, unknown))
    assert "cannot be fetched" in written
    for part in [*valid.split("."), "c2VjcmV0", "c2lnbmVk", "eyJ"]:
        assert part not in written


# -- keys are changed without an interruption -----------------------------------------------------


OLD, NEW, NEXT = (bytes([number]) * 32 for number in range(3))


@pytest.mark.parametrize(
    ("keys", "used"),
    [
        pytest.param((OLD,), {OLD}, id="before"),
        pytest.param((OLD, NEW), {OLD, NEW}, id="secondary set: clients move"),
        pytest.param((NEXT, NEW), {NEW, NEXT}, id="primary replaced: the old key is worth nothing"),
        pytest.param((NEW,), {NEW}, id="or only the new one is kept"),
    ],
)
async def test_clients_are_served_at_every_step_of_a_change_of_keys(
    api: Api, monkeypatch: pytest.MonkeyPatch, keys: tuple[bytes, ...], used: set[bytes]
) -> None:
    authenticator = Authenticator(keys)
    monkeypatch.setattr(bootstrap, "authenticator", lambda: authenticator)
    for key in (OLD, NEW, NEXT):
        status = (await api.send("GET", "/routing/jobs", key=key)).status
        assert status == (200 if key in used else 401)


# -- too many requests ----------------------------------------------------------------------------


@pytest.fixture
def limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    limit = RateLimit(3)
    monkeypatch.setattr(bootstrap, "rate_limit", lambda: limit)
    return api


async def test_too_many_requests_are_told_to_come_back(limited: Api) -> None:
    replies = [await limited.get("/routing/jobs") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[-1].error["code"] == "TooManyRequests"
    assert replies[-1].headers["retry-after"] == "10"
    assert (await limited.patch("/routing/distributionPolicies/p", {})).status == 429
    limited.rig.clock.forward(seconds=10)
    assert (await limited.get("/routing/distributionPolicies/p")).status == 404


async def test_strangers_use_up_nothing(limited: Api) -> None:
    for _ in range(10):
        assert (await limited.send("GET", "/routing/jobs", key=b"another")).status == 401
    assert (await limited.get("/routing/jobs")).status == 200


@pytest.mark.usefixtures("limited")
async def test_who_has_no_role_is_counted(tokens: TokenApi) -> None:
    replies = [await tokens.get("/routing/jobs", tokens.tenant.token()) for _ in range(4)]
    assert [reply.status for reply in replies] == [403, 403, 403, 429]


async def test_health_is_not_counted(limited: Api) -> None:
    for _ in range(10):
        assert (await limited.send_raw("GET", "/healthz", {"host": HOST})).status == 200
    assert (await limited.get("/routing/jobs")).status == 200
