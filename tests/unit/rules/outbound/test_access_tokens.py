"""Access tokens: how they are asked for, and how long they are used."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from shared.rules.outbound.access_tokens import AccessTokens, Client
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.client import CallFailed, OutboundClient
from tests.rig import SetClock
from tests.unit.rules.outbound.servers import Server, running


def granted(token: object = "token", **members: object) -> bytes:
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, **members}
    return json.dumps({name: v for name, v in answer.items() if v is not None}).encode()


@dataclass
class Rig:
    server: Server
    clock: SetClock
    tokens: AccessTokens
    client: Client

    async def get(self) -> str:
        return await self.tokens.get(self.client)

    async def after(self, seconds: float) -> str:
        self.clock.forward(seconds=seconds)
        return await self.get()

    def grants(self, token: object, **members: object) -> None:
        self.server.body = granted(token, **members)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    http, clock = OutboundClient(AllowedHosts.parse(["127.0.0.1"])), SetClock()
    async with running() as server:
        server.body = granted()
        client = Client(uri=server.uri("/token"), id="id & 1", secret="a=b&c ключ")
        yield Rig(server, clock, AccessTokens(http, clock), client)
        await http.close()


async def test_a_token_is_asked_for_with_the_clients_credentials(rig: Rig) -> None:
    assert await rig.get() == "token"
    (seen,) = rig.server.seen
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id & 1"],
        "client_secret": ["a=b&c ключ"],
    }


async def test_a_token_is_used_until_shortly_before_it_expires(rig: Rig) -> None:
    first = await rig.get()
    rig.grants("next")
    assert await rig.after(3539) == first
    assert await rig.after(1) == "next"
    assert len(rig.server.seen) == 2


@pytest.mark.parametrize("expires_in", ["3600", 3600], ids=repr)
async def test_its_lifetime_may_be_text(rig: Rig, expires_in: object) -> None:
    rig.grants("token", expires_in=expires_in)
    await rig.get()
    await rig.after(3000)
    assert len(rig.server.seen) == 1


@pytest.mark.parametrize("expires_in", [None, 60, 0, -1, "soon", [1], True, 10**30])
async def test_a_token_of_unknown_or_short_life_is_used_once(rig: Rig, expires_in: object) -> None:
    rig.grants("token", expires_in=expires_in)
    assert [await rig.get(), await rig.get()] == ["token"] * 2
    assert len(rig.server.seen) == 2


async def test_no_token_is_used_for_longer_than_a_day(rig: Rig) -> None:
    rig.grants("token", expires_in=10**7)
    await rig.get()
    await rig.after(24 * 3600 - 1)
    assert len(rig.server.seen) == 1
    await rig.after(1)
    assert len(rig.server.seen) == 2


async def test_clients_have_tokens_of_their_own(rig: Rig) -> None:
    await rig.get()
    for other in (replace(rig.client, id="2"), replace(rig.client, secret="new")):
        rig.grants(f"of-{other.id[0]}")
        assert await rig.tokens.get(other) == f"of-{other.id[0]}"
    assert await rig.get() == "token"


async def test_all_who_need_a_token_at_once_wait_for_the_same_answer(rig: Rig) -> None:
    assert await asyncio.gather(*(rig.get() for _ in range(20))) == ["token"] * 20
    assert len(rig.server.seen) == 1


async def test_who_leaves_does_not_take_the_answer_along(rig: Rig) -> None:
    leaver, stayer = asyncio.create_task(rig.get()), asyncio.create_task(rig.get())
    await asyncio.sleep(0)
    leaver.cancel()
    assert await stayer == "token"
    assert len(rig.server.seen) == 1


async def test_nobody_need_wait_for_a_failure(rig: Rig) -> None:
    rig.server.status = 500
    leaver = asyncio.create_task(rig.get())
    await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(CallFailed):
        await rig.get()


async def test_a_refused_token_is_forgotten(rig: Rig) -> None:
    refused = await rig.get()
    rig.tokens.forget(rig.client, refused)
    rig.grants("next")
    assert await rig.get() == "next"
    rig.tokens.forget(rig.client, refused)
    assert await rig.get() == "next", "somebody else had forgotten it, and got another"
    assert len(rig.server.seen) == 2


async def test_a_failure_is_not_kept(rig: Rig) -> None:
    rig.server.status = 400
    with pytest.raises(CallFailed, match="answered with status 400"):
        await rig.get()
    rig.server.status = 200
    assert await rig.get() == "token"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"null", b"{}", b'{"access_token": 1}'),
        granted(""),
        granted("two words"),
        granted("line\r\nbreak"),
        granted("ключ"),
        granted("token", token_type="mac"),
    ],
)
async def test_what_is_no_bearer_token_is_not_sent_on(rig: Rig, body: bytes) -> None:
    rig.server.body = body
    with pytest.raises(CallFailed, match="without a bearer token"):
        await rig.get()


@pytest.mark.parametrize("kind", ["bearer", "BEARER", None])
async def test_the_kind_of_token_is_the_usual_one(rig: Rig, kind: Any) -> None:
    rig.grants("a.b-c_d~e+f/g==", token_type=kind)
    assert await rig.get() == "a.b-c_d~e+f/g=="


async def test_a_server_that_sends_elsewhere_is_not_followed(rig: Rig) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(rig.server.uri("/elsewhere"))

    rig.server.handler = elsewhere
    with pytest.raises(CallFailed, match="status 307"):
        await rig.get()
    assert len(rig.server.seen) == 1


def test_secrets_do_not_show() -> None:
    assert "opaque" not in repr(Client(uri="u", id="i", secret="opaque"))
