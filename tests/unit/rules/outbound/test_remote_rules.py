"""Function and webhook rules against real servers: what is sent, what answers will do."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web

from shared.domain.rules import (
    ClientCredential,
    FunctionCredential,
    FunctionRule,
    Json,
    NewSecret,
    RemoteRule,
    SealedSecret,
    WebhookRule,
)
from shared.ports import InvalidRule, RuleFailed
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.client import OutboundClient
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import KEY_BYTES, Vault
from tests.rig import SetClock
from tests.unit.rules.outbound.servers import Server, dropping, running

KEY = "the-key+/=="
VAULT = Vault([b"k" * KEY_BYTES])
LOOPBACK = AllowedHosts.parse(["127.0.0.1"])
QUESTION: dict[str, Json] = {"job": {"Product": "phone", "Urgency": 3, "Escalated": True}}


@dataclass
class Rig:
    """``server`` is function, authorization server (``/token``) and webhook (``/hook``)."""

    server: Server
    clock: SetClock
    rules: RemoteRules
    token_number: int = 0
    valid_token: str = ""
    token_status: int = 200

    def function(self, key: str | None = None, client_id: str | None = None) -> FunctionRule:
        credential = FunctionCredential(key=NewSecret(key), client_id=client_id) if key else None
        return FunctionRule(function_uri=self.server.uri("/api/f?x=1"), credential=credential)

    def webhook(self) -> WebhookRule:
        return WebhookRule(
            authorization_server_uri=self.server.uri("/token"),
            webhook_uri=self.server.uri("/hook"),
            credential=ClientCredential(client_id="client", secret=NewSecret(KEY)),
        )

    async def ask(self, rule: RemoteRule) -> Json:
        return await self.rules.ask(self.rules.sealed(rule), QUESTION)

    async def failure(self, rule: RemoteRule) -> str:
        with pytest.raises(RuleFailed) as failed:
            await self.ask(rule)
        return str(failed.value)

    def paths(self) -> list[str]:
        return [seen.path for seen in self.server.seen]

    async def answer(self, request: web.Request) -> web.Response:
        """As an authorization server, and as a webhook that trusts its latest token."""
        if request.path == "/token":
            self.token_number += 1
            self.valid_token = f"token-{self.token_number}"
            granted = {"access_token": self.valid_token, "expires_in": 3600}
            return web.json_response(granted, status=self.token_status)
        known = request.headers["authorization"] == f"Bearer {self.valid_token}"
        return web.Response(status=200 if known else 401, body=self.server.body)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    clock = SetClock()
    async with running() as server:
        rules = RemoteRules(clock, LOOPBACK, VAULT, OutboundClient(LOOPBACK, timeout=0.3))
        yield Rig(server, clock, rules)
        await rules.close()


@pytest.fixture
def webhook(rig: Rig) -> WebhookRule:
    rig.server.handler = rig.answer
    return rig.webhook()


# -- functions --------------------------------------------------------------------------------


async def test_a_function_is_asked_with_the_labels(rig: Rig) -> None:
    await rig.ask(rig.function())
    (seen,) = rig.server.seen
    assert (seen.path, seen.json) == ("/api/f?x=1", QUESTION)
    assert seen.headers["content-type"] == "application/json"
    assert not {"x-functions-key", "x-functions-clientid", "authorization"} & set(seen.headers)


async def test_a_functions_key_is_sent_as_its_host_reads_it(rig: Rig) -> None:
    await rig.ask(rig.function(KEY))
    assert rig.server.seen[0].headers["x-functions-key"] == KEY
    assert "x-functions-clientid" not in rig.server.seen[0].headers


async def test_the_key_of_an_app_is_sent_with_its_name(rig: Rig) -> None:
    await rig.ask(rig.function(KEY, "default"))
    headers = rig.server.seen[0].headers
    assert (headers["x-functions-key"], headers["x-functions-clientid"]) == (KEY, "default")


@pytest.mark.parametrize(
    "value", [5, 1.5, "MainQueue", True, False, None, "", [{"key": "a"}], {"a": [1]}], ids=repr
)
async def test_any_json_is_an_answer(rig: Rig, value: Json) -> None:
    rig.server.body = json.dumps(value).encode()
    result = await rig.ask(rig.function())
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 404, 500, 503])
async def test_any_status_but_200_fails(rig: Rig, status: int) -> None:
    rig.server.status = status
    assert await rig.failure(rig.function()) == (
        f"The function answered with status {status}, not 200."
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"MainQueue", b"{", b"1 2", b"NaN", b"\xff", b"[" * 100_000],
    ids=["nothing", "a word", "a half", "two", "no number", "no text", "too deep"],
)
async def test_what_is_no_json_fails(rig: Rig, body: bytes) -> None:
    rig.server.body = body
    assert await rig.failure(rig.function()) == "The function did not answer with JSON."


async def test_too_long_an_answer_fails(rig: Rig) -> None:
    rig.server.body = b'"' + b"x" * 300_000 + b'"'
    assert "more than 262144 bytes" in await rig.failure(rig.function())


async def test_a_function_that_hangs_fails(rig: Rig) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    rig.server.handler = hang
    assert "did not answer within 0.3 seconds" in await rig.failure(rig.function())


async def test_a_function_that_hangs_up_fails(rig: Rig) -> None:
    async with dropping(b"") as (uri, _):
        failed = await rig.failure(replace(rig.function(), function_uri=uri))
    assert "broke off" in failed


# -- webhooks ---------------------------------------------------------------------------------


async def test_a_webhook_is_asked_with_an_access_token(rig: Rig, webhook: WebhookRule) -> None:
    rig.server.body = b"7"
    assert await rig.ask(webhook) == 7
    assert rig.paths() == ["/token", "/hook"]
    asked = rig.server.seen[1]
    assert (asked.json, asked.headers["authorization"]) == (QUESTION, "Bearer token-1")
    assert KEY not in repr(asked)


async def test_the_token_is_kept(rig: Rig, webhook: WebhookRule) -> None:
    for _ in range(3):
        await rig.ask(webhook)
    assert rig.paths() == ["/token", "/hook", "/hook", "/hook"]
    rig.clock.forward(hours=1)
    await rig.ask(webhook)
    assert rig.paths()[4:] == ["/token", "/hook"]


async def test_a_token_that_is_refused_is_renewed(rig: Rig, webhook: WebhookRule) -> None:
    await rig.ask(webhook)
    rig.valid_token = "another"
    await rig.ask(webhook)
    assert rig.paths()[2:] == ["/hook", "/token", "/hook"]


async def test_it_is_renewed_once_only(rig: Rig) -> None:
    async def refuse(request: web.Request) -> web.Response:
        if request.path == "/token":
            return await rig.answer(request)
        return web.Response(status=401)

    rig.server.handler = refuse
    assert "webhook answered with status 401" in await rig.failure(rig.webhook())
    assert rig.paths() == ["/token", "/hook"] * 2


async def test_without_a_token_the_webhook_is_not_asked(rig: Rig, webhook: WebhookRule) -> None:
    rig.token_status = 401
    assert "authorization server answered with status 401" in await rig.failure(webhook)
    assert rig.paths() == ["/token"]


async def test_a_rule_as_a_whole_may_take_only_so_long(rig: Rig, webhook: WebhookRule) -> None:
    rules = RemoteRules(rig.clock, LOOPBACK, VAULT, timeout=0.1)

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.07)
        return await rig.answer(request)

    rig.server.handler = slow
    with pytest.raises(RuleFailed, match=r"no answer within 0\.1 seconds"):
        await rules.ask(webhook, QUESTION)
    await rules.close()


# -- what may be saved ------------------------------------------------------------------------


def invalid(rules: RemoteRules, rule: RemoteRule) -> tuple[str | None, str]:
    with pytest.raises(InvalidRule) as refused:
        rules.check(rule)
    return refused.value.member, str(refused.value)


STRICT = RemoteRules(SetClock(), AllowedHosts.parse(["scores.internal", "10.0.0.0/8"]), VAULT)


@pytest.mark.parametrize(
    "uri",
    [
        *("https://contoso.azurewebsites.net/api/f", "https://8.8.8.8/", "https://[2606:4700::1]/"),
        *("http://scores.internal/", "https://scores.internal/", "http://10.1.2.3:8080/"),
    ],
)
def test_rules_may_call_what_is_on_the_internet_or_allowed(uri: str) -> None:
    STRICT.check(FunctionRule(function_uri=uri))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://contoso.azurewebsites.net/api/f", "The URI should be one of https."),
        ("http://8.8.8.8/", "The URI should be one of https."),
        ("https://127.0.0.1/", "The address 127.0.0.1 is not on the internet"),
        ("https://[::1]/", "The address ::1 is not on the internet"),
        ("http://169.254.169.254/", "The address 169.254.169.254 is not on the internet"),
    ],
)
def test_they_may_not_call_what_is_neither(uri: str, message: str) -> None:
    member, told = invalid(STRICT, FunctionRule(function_uri=uri))
    assert member == "functionUri"
    assert told.startswith(message)


@pytest.mark.parametrize("member", ["authorizationServerUri", "webhookUri"])
def test_both_addresses_of_a_webhook_are_checked(member: str) -> None:
    good, bad = "https://a.example/", "http://a.example/"
    rule = WebhookRule(
        authorization_server_uri=bad if member == "authorizationServerUri" else good,
        webhook_uri=bad if member == "webhookUri" else good,
        credential=ClientCredential(client_id="c", secret=NewSecret("s")),
    )
    assert invalid(STRICT, rule)[0] == member


async def test_what_may_no_longer_be_called_fails(rig: Rig) -> None:
    rules = RemoteRules(rig.clock, AllowedHosts(), VAULT)
    with pytest.raises(RuleFailed, match="not on the internet"):
        await rules.ask(rig.function(), QUESTION)
    assert not rig.server.seen


def without_secret(rule: RemoteRule) -> RemoteRule:
    if isinstance(rule, WebhookRule):
        return replace(rule, credential=ClientCredential(client_id="client"))
    return replace(rule, credential=FunctionCredential())


@pytest.mark.parametrize("kind", ["function", "webhook"])
def test_a_credential_needs_its_secret(rig: Rig, kind: str) -> None:
    rule: RemoteRule = rig.function(KEY) if kind == "function" else rig.webhook()
    rig.rules.check(rule)
    member, message = invalid(rig.rules, without_secret(rule))
    assert member == ("credential" if kind == "function" else "clientCredential")
    assert message.startswith("The secret is missing.")


def test_without_a_key_secrets_are_not_kept(rig: Rig) -> None:
    rules = RemoteRules(rig.clock, LOOPBACK, Vault())
    member, message = invalid(rules, rig.function(KEY))
    assert (member, "JOBROUTER_SECRETS_KEY is not set" in message) == ("credential", True)
    rules.check(rig.function())
    rules.check(rig.rules.sealed(rig.function(KEY)))


def test_a_sealed_rule_holds_no_secret_and_stays_sealed(rig: Rig) -> None:
    for rule in (rig.function(KEY), rig.webhook()):
        sealed = rig.rules.sealed(rule)
        assert isinstance(sealed.secret, SealedSecret)
        assert KEY not in sealed.secret.box
        assert rig.rules.sealed(sealed) is sealed
    assert rig.rules.sealed(rig.function()) == rig.function()


async def test_a_secret_sealed_with_a_lost_key_fails(rig: Rig) -> None:
    sealed = RemoteRules(rig.clock, LOOPBACK, Vault([b"o" * KEY_BYTES])).sealed(rig.function(KEY))
    with pytest.raises(RuleFailed, match="cannot be read with the router's present keys"):
        await rig.rules.ask(sealed, QUESTION)
    assert not rig.server.seen


async def test_secrets_are_in_no_log_and_no_message(
    rig: Rig, webhook: WebhookRule, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await rig.ask(webhook)
    messages: list[Any] = []
    rig.server.handler = None
    for status in (401, 500, 200):
        rig.server.status, rig.server.body = status, b"not JSON"
        messages += [await rig.failure(rig.function(KEY)), await rig.failure(rig.webhook())]
    async with dropping(b"") as (uri, _):
        messages.append(await rig.failure(replace(rig.function(KEY), function_uri=uri)))
    told = caplog.text + repr(caplog.records) + repr(messages)
    assert KEY not in told
    assert "token-1" not in told
