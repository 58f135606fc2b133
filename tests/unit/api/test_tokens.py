"""Tokens: which are accepted, and that everything that could be forged is not."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from shared.api.errors import SigningKeysUnavailable, Unauthorized
from shared.api.roles import Role
from shared.api.signing_keys import PAUSE, SigningKeys, published_at
from shared.api.tokens import MAX_CHARACTERS, TokenVerifier, issuers, keys_url
from tests.entra import (
    AUDIENCE,
    CLIENT,
    LIFETIME,
    TENANT,
    Tenant,
    key_set,
    private_key,
    published,
    running_tenant,
    signed,
)
from tests.rig import SetClock

OTHER_TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_AUDIENCE = "0b9a4c5e-3f51-4e0e-8f7a-7f2f0a3d9c33"
SKEW = timedelta(minutes=5)
INVALID = "is not a valid access token"


@dataclass
class Rig:
    tenant: Tenant
    clock: SetClock
    verify: TokenVerifier

    async def role_of(self, token: str) -> Role | None:
        return await self.verify(token, self.clock())

    async def refuses(self, token: str, why: str = INVALID) -> None:
        with pytest.raises(Unauthorized, match=why) as refused:
            await self.role_of(token)
        for part in filter(None, token.split(".")):
            assert part not in str(refused.value)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    clock = SetClock()
    async with running_tenant(clock) as tenant:
        place = tenant.authority, TENANT
        keys = SigningKeys(published_at(keys_url(*place)))
        verify = TokenVerifier(keys, issuers(*place), (AUDIENCE, OTHER_AUDIENCE))
        yield Rig(tenant, clock, verify)


def test_where_entra_id_publishes_and_how_it_is_called() -> None:
    place = "https://login.microsoftonline.com", TENANT
    assert keys_url(*place) == f"{place[0]}/{TENANT}/discovery/v2.0/keys"
    assert issuers(*place) == (
        f"https://sts.windows.net/{TENANT}/",
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
    )


@pytest.mark.parametrize("role", Role)
async def test_a_valid_token_gives_its_role(rig: Rig, role: Role) -> None:
    assert await rig.role_of(rig.tenant.token(role)) is role


async def test_a_valid_token_may_give_no_role(rig: Rig) -> None:
    assert await rig.role_of(rig.tenant.token()) is None
    assert await rig.role_of(rig.tenant.token(roles=None)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": f"https://sts.windows.net/{TENANT}/", "azp": None, "appid": CLIENT},
        {"aud": OTHER_AUDIENCE},
        {"aud": ["another", AUDIENCE]},
        {"sub": "x", "scp": "access", "oid": "y", "ver": "2.0"},
    ],
    ids=str,
)
async def test_every_form_of_token_is_accepted(rig: Rig, changes: dict[str, Any]) -> None:
    assert await rig.role_of(rig.tenant.token(Role.READER, **changes)) is Role.READER


@pytest.mark.parametrize(
    "issuer",
    [
        f"https://sts.windows.net/{OTHER_TENANT}/",
        f"https://sts.windows.net/{TENANT}",
        f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0",
        f"https://attacker.example/{TENANT}/v2.0",
        [f"https://sts.windows.net/{TENANT}/"],
        5,
        "",
    ],
)
async def test_another_issuer_is_refused(rig: Rig, issuer: Any) -> None:
    claims = {**rig.tenant.claims(Role.READER), "iss": issuer}
    # The library signs no issuer that is not text.
    token = _signed_as_is(claims) if not isinstance(issuer, str) else signed(claims, "key-1")
    await rig.refuses(token, "another issuer")


@pytest.mark.parametrize(
    "audience",
    [
        "https://communication.azure.com/",
        AUDIENCE.upper(),
        f"{AUDIENCE}/",
        ["a", "b"],
        [[AUDIENCE]],
        {AUDIENCE: 1},
        5,
    ],
    ids=str,
)
async def test_another_audience_is_refused(rig: Rig, audience: Any) -> None:
    await rig.refuses(rig.tenant.token(Role.READER, aud=audience), "another audience")


@pytest.mark.parametrize("claim", ["iss", "aud", "nbf", "exp"])
async def test_a_token_that_does_not_say_enough_is_refused(rig: Rig, claim: str) -> None:
    await rig.refuses(rig.tenant.token(Role.READER, **{claim: None}))


@pytest.mark.parametrize("claim", ["nbf", "exp"])
@pytest.mark.parametrize("value", ["4000000000", 4e9, float("inf"), True, [], {}])
async def test_a_time_that_is_none_is_refused(rig: Rig, claim: str, value: Any) -> None:
    claims = {**rig.tenant.claims(Role.READER), claim: value}
    await rig.refuses(_signed_as_is(claims))


async def test_a_token_is_valid_for_its_time_and_five_minutes_around_it(rig: Rig) -> None:
    token = rig.tenant.token(Role.READER)
    issued = rig.clock.now
    for allowed in (-SKEW, timedelta(), LIFETIME + SKEW - timedelta(seconds=1)):
        rig.clock.now = issued + allowed
        assert await rig.role_of(token) is Role.READER
    rig.clock.now = issued - SKEW - timedelta(seconds=1)
    await rig.refuses(token, "not valid yet")
    rig.clock.now = issued + LIFETIME + SKEW
    await rig.refuses(token, "has expired")


async def test_times_may_be_far_away(rig: Rig) -> None:
    assert await rig.role_of(rig.tenant.token(Role.READER, nbf=-(10**400), exp=10**400))


async def test_an_id_token_is_no_access_token(rig: Rig) -> None:
    token = rig.tenant.token(Role.ADMINISTRATOR, azp=None, aud=OTHER_AUDIENCE)
    await rig.refuses(token, "not an access token")


# -- forgeries ------------------------------------------------------------------------------------


async def test_an_unsigned_token_is_refused(rig: Rig) -> None:
    claims = rig.tenant.claims(Role.ADMINISTRATOR)
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "typ": "JWT", "kid": "key-1"}
        await rig.refuses(f"{_encoded(header)}.{_encoded(claims)}.")
        stolen = rig.tenant.token(Role.READER).rpartition(".")[2]
        await rig.refuses(f"{_encoded(header)}.{_encoded(claims)}.{stolen}")


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "n"])
async def test_the_public_key_is_no_shared_secret(rig: Rig, form: str) -> None:
    text = (
        f"{_encoded({'alg': 'HS256', 'kid': 'key-1'})}.{_encoded(rig.tenant.claims(Role.READER))}"
    )
    signature = hmac.digest(_public_key("key-1", form), text.encode(), hashlib.sha256)
    await rig.refuses(f"{text}.{_text(signature)}")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_no_other_algorithm_is_accepted(rig: Rig, algorithm: str) -> None:
    claims = rig.tenant.claims(Role.READER)
    token = jwt.encode(claims, private_key("key-1"), algorithm, headers={"kid": "key-1"})
    await rig.refuses(token)


async def test_a_key_of_somebody_else_under_a_known_id_is_refused(rig: Rig) -> None:
    claims = rig.tenant.claims(Role.READER)
    headers = {"kid": "key-1", "jku": "https://attacker.example", "jwk": published("stranger")}
    token = jwt.encode(claims, private_key("stranger"), "RS256", headers=headers)
    await rig.refuses(token)


async def test_changed_claims_are_refused(rig: Rig) -> None:
    header, _, signature = rig.tenant.token(Role.READER).split(".")
    await rig.refuses(f"{header}.{_encoded(rig.tenant.claims(Role.ADMINISTRATOR))}.{signature}")


async def test_a_short_key_is_refused(rig: Rig) -> None:
    private_key("short", 1024)
    short = private_key("short", 1024).public_key().public_numbers()
    rig.tenant.document = key_set(
        {"kty": "RSA", "kid": "short", "n": _number(short.n), "e": _number(short.e)}
    )
    claims, key = rig.tenant.claims(Role.READER), private_key("short", 1024)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(claims, key, "RS256", headers={"kid": "short"})
    await rig.refuses(token)


async def test_an_extension_that_must_be_understood_is_not(rig: Rig) -> None:
    claims = rig.tenant.claims(Role.READER)
    await rig.refuses(signed(claims, "key-1", crit=["exp"], exp=1))


# -- keys -----------------------------------------------------------------------------------------


async def test_an_unknown_key_is_refused(rig: Rig) -> None:
    await rig.refuses(signed(rig.tenant.claims(Role.READER), "stranger"))
    assert rig.tenant.asked == 1
    for _ in range(3):
        await rig.refuses(signed(rig.tenant.claims(Role.READER), "stranger"))
    assert rig.tenant.asked == 1


async def test_a_token_without_a_key_id_is_refused(rig: Rig) -> None:
    await rig.refuses(jwt.encode(rig.tenant.claims(Role.READER), private_key("key-1"), "RS256"))


async def test_keys_may_be_changed(rig: Rig) -> None:
    old = rig.tenant.token(Role.READER)
    assert await rig.role_of(old) is Role.READER
    rig.tenant.signing_key = "key-2"
    rig.tenant.document = key_set(published("key-1"), published("key-2"))
    rig.clock.now += PAUSE
    assert await rig.role_of(rig.tenant.token(Role.OPERATOR)) is Role.OPERATOR
    assert await rig.role_of(old) is Role.READER
    rig.tenant.document = key_set(published("key-2"))
    rig.clock.now += timedelta(minutes=55)
    assert await rig.role_of(rig.tenant.token(Role.OPERATOR)) is Role.OPERATOR


async def test_a_token_that_cannot_be_checked_is_neither_valid_nor_invalid(rig: Rig) -> None:
    rig.tenant.status = 500
    with pytest.raises(SigningKeysUnavailable):
        await rig.role_of(rig.tenant.token(Role.READER))


# -- no tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "\ud800.a.b",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.YQ.YQ.YQ",
        "W10.e30.YQ",
        "bnVsbA.e30.YQ",
        "IiI.e30.YQ",
    ],
)
async def test_what_is_no_token_is_refused(rig: Rig, token: str) -> None:
    with pytest.raises(Unauthorized, match=INVALID):
        await rig.role_of(token)
    assert rig.tenant.asked == 0, "nobody is asked about nonsense"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "kid": 5},
        {"alg": "RS256", "kid": ["key-1"]},
        {"alg": ["RS256"], "kid": "key-1"},
        {"alg": None, "kid": "key-1"},
        {"kid": "key-1"},
        {"alg": "RS256", "kid": "key-1", "b64": False, "crit": ["b64"]},
        {"alg": "RS256", "kid": "key-1", "crit": []},
    ],
    ids=str,
)
async def test_an_odd_header_is_refused(rig: Rig, header: dict[str, Any]) -> None:
    await rig.refuses(f"{_encoded(header)}.{_encoded(rig.tenant.claims(Role.READER))}.YQ")


async def test_a_deep_header_is_refused(rig: Rig) -> None:
    await rig.refuses(f"{_text(b'[' * 9000)}.e30.YQ")
    await rig.refuses(f"{_text(b'{"a":' * 2000)}.e30.YQ")


async def test_a_payload_that_is_no_object_is_refused(rig: Rig) -> None:
    for payload in (b"[]", b"null", b"\xff", b"[" * 5000, b""):
        token = jwt.api_jws.encode(payload, private_key("key-1"), "RS256", headers={"kid": "key-1"})
        await rig.refuses(token)


async def test_an_oversized_token_is_refused_though_it_is_valid(rig: Rig) -> None:
    token = rig.tenant.token(Role.READER, padding="x" * MAX_CHARACTERS)
    await rig.refuses(token)
    assert rig.tenant.asked == 0
    assert await rig.role_of(rig.tenant.token(Role.READER, padding="x" * 8000)) is Role.READER


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encoded(document: object) -> str:
    return _text(json.dumps(document).encode())


def _number(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8))


def _signed_as_is(claims: object) -> str:
    key = private_key("key-1")
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, "RS256", headers={"kid": "key-1"})


def _public_key(key_id: str, form: str) -> bytes:
    if form in {"jwk", "n"}:
        jwk = published(key_id)
        return str(jwk["n"]).encode() if form == "n" else json.dumps(jwk).encode()
    encoding = serialization.Encoding.PEM if form == "pem" else serialization.Encoding.DER
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(key_id).public_key().public_bytes(encoding, kind)
