"""Signing keys: when they are asked for, how long they are trusted, and from what server."""

import asyncio
import logging
from datetime import timedelta

import pytest
from jwt import PyJWK

from shared.api.errors import SigningKeysUnavailable
from shared.api.signing_keys import (
    FRESH,
    MAX_BYTES,
    PAUSE,
    RETRY,
    USABLE,
    SigningKeys,
    published_at,
)
from tests.entra import key_set, published, running_tenant
from tests.rig import SetClock

A_SECOND = timedelta(seconds=1)


def key(key_id: str) -> PyJWK:
    return PyJWK(published(key_id), "RS256")


class Source:
    """Answers with the keys of these ids, or not at all; while ``held``, later."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = key_ids
        self.down = False
        self.asked = 0
        self.held = asyncio.Event()
        self.held.set()

    async def __call__(self) -> dict[str, PyJWK]:
        self.asked += 1
        await self.held.wait()
        if self.down:
            raise SigningKeysUnavailable
        return {key_id: key(key_id) for key_id in self.key_ids}


class Rig:
    def __init__(self, *key_ids: str) -> None:
        self.source = Source(*key_ids)
        self.clock = SetClock()
        self.keys = SigningKeys(self.source)

    async def has(self, key_id: str) -> bool:
        return await self.keys.find(key_id, self.clock()) is not None

    async def has_after(self, duration: timedelta, key_id: str) -> bool:
        self.clock.now += duration
        return await self.has(key_id)


@pytest.fixture
def rig() -> Rig:
    return Rig("a")


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_fetched_once(rig: Rig) -> None:
    assert [await rig.has("a") for _ in range(3)] == [True] * 3
    assert rig.source.asked == 1


async def test_nothing_is_fetched_before_it_is_needed(rig: Rig) -> None:
    await settled()
    assert rig.source.asked == 0


async def test_a_new_key_is_found_at_once(rig: Rig) -> None:
    assert await rig.has("a")
    rig.source.key_ids = ("b",)
    assert await rig.has_after(PAUSE, "b")
    assert not await rig.has("a"), "what is no longer published is no longer accepted"


async def test_unknown_keys_are_asked_for_only_now_and_then(rig: Rig) -> None:
    assert await rig.has("a")
    for number in range(50):
        assert not await rig.has(f"stranger-{number}")
    assert not await rig.has_after(PAUSE - A_SECOND, "stranger")
    assert rig.source.asked == 1
    assert not await rig.has_after(A_SECOND, "stranger")
    assert rig.source.asked == 2


async def test_old_keys_are_renewed_while_they_go_on_being_used(rig: Rig) -> None:
    assert await rig.has("a")
    rig.source.key_ids = ("b",)
    rig.source.held.clear()
    assert await rig.has_after(FRESH, "a"), "nobody waits for what may well be the same"
    await settled()
    rig.source.held.set()
    await settled()
    assert rig.source.asked == 2
    assert not await rig.has("a")


async def test_many_wait_for_one_answer(rig: Rig) -> None:
    rig.source.held.clear()
    waiting = [asyncio.create_task(rig.has("a")) for _ in range(10)]
    await settled()
    rig.source.held.set()
    assert await asyncio.gather(*waiting) == [True] * 10
    assert rig.source.asked == 1


async def test_who_leaves_does_not_leave_others_without_an_answer(rig: Rig) -> None:
    rig.source.held.clear()
    first, second = (asyncio.create_task(rig.has("a")) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    rig.source.held.set()
    assert await second
    assert rig.source.asked == 1


async def test_without_any_key_nobody_can_be_told_apart(rig: Rig) -> None:
    rig.source.down = True
    for _ in range(3):
        with pytest.raises(SigningKeysUnavailable):
            await rig.has("a")
    assert rig.source.asked == 1
    rig.source.down = False
    with pytest.raises(SigningKeysUnavailable):
        await rig.has_after(RETRY - A_SECOND, "a")
    assert await rig.has_after(A_SECOND, "a")


async def test_known_keys_outlast_an_outage_of_a_day(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    assert await rig.has("a")
    rig.source.down = True
    assert await rig.has_after(USABLE - A_SECOND, "a")
    assert not await rig.has("stranger")
    assert "cannot be fetched" in caplog.text
    with pytest.raises(SigningKeysUnavailable):
        await rig.has_after(A_SECOND, "a")
    rig.source.down = False
    assert await rig.has_after(RETRY, "a")


# -- the server -----------------------------------------------------------------------------------


async def test_published_keys_are_read() -> None:
    async with running_tenant(SetClock()) as tenant:
        tenant.document = key_set(published("a"), published("b", x5t="b", extra="ignored"))
        found = await published_at(tenant.keys_url)()
    assert sorted(found) == ["a", "b"]


async def test_what_cannot_be_used_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with running_tenant(SetClock()) as tenant:
        tenant.document = key_set(
            published("a"),
            published("encryption", use="enc"),
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
            {"kty": "EC", "kid": "curve", "crv": "P-256", "x": "", "y": ""},
            published("broken", n="%"),
        )
        assert list(await published_at(tenant.keys_url)()) == ["a"]
    assert "cannot be used" in caplog.text


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, b""),
        (404, key_set(published("a"))),
        (302, key_set(published("a"))),
        (200, b""),
        (200, b"<html>"),
        (200, b"\xff"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kid": 1}]}'),
        (200, key_set({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"})),
        (200, key_set(published("a")) + b" " * MAX_BYTES),
    ],
    ids=range(12),
)
async def test_an_answer_without_keys_is_none(status: int, document: bytes) -> None:
    async with running_tenant(SetClock()) as tenant:
        tenant.status, tenant.document = status, document
        tenant.headers = {"Location": tenant.keys_url} if status == 302 else {}
        with pytest.raises(SigningKeysUnavailable):
            await published_at(tenant.keys_url)()
        assert tenant.asked == 1


async def test_nobody_answers() -> None:
    async with running_tenant(SetClock()) as tenant:
        url = tenant.keys_url
    with pytest.raises(SigningKeysUnavailable):
        await published_at(url)()
