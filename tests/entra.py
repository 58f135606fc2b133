"""A tenant of Entra ID: it signs tokens, and publishes its keys on a server of its own."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from shared.api.roles import Role

TENANT = "6f1a3c52-0a43-4d5a-9d0f-0f6d2f3f8a11"
CLIENT = "0b9a4c5e-3f51-4e0e-8f7a-7f2f0a3d9c22"
AUDIENCE = "api://job-router"
LIFETIME = timedelta(hours=1)


@cache
def private_key(key_id: str, bits: int = 2048) -> RSAPrivateKey:  # noqa: ARG001
    """The same for the same id: making one takes a while."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def published(key_id: str, **members: str) -> dict[str, Any]:
    """The public key, in the form in which Entra ID publishes it."""
    key = RSAAlgorithm.to_jwk(private_key(key_id).public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "kid": key_id, "n": key["n"], "e": key["e"], **members}


def key_set(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


@dataclass
class Tenant:
    """``document`` and ``status`` are what its server answers, ``asked`` how often it was asked.

    ``signing_key``: the id of the key that tokens are signed with.
    """

    authority: str
    clock: Callable[[], datetime]
    signing_key: str = "key-1"
    document: bytes = field(default_factory=lambda: key_set(published("key-1")))
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    @property
    def keys_url(self) -> str:
        return f"{self.authority}/{TENANT}/discovery/v2.0/keys"

    def claims(self, *roles: Role | str, **changes: Any) -> dict[str, Any]:
        """Of an access token of format 2.0. A changed claim that is ``None`` is left out."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": f"{self.authority}/{TENANT}/v2.0",
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "azp": CLIENT,
            "tid": TENANT,
            "roles": [role.app_role if isinstance(role, Role) else role for role in roles],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *roles: Role | str, **changes: Any) -> str:
        return signed(self.claims(*roles, **changes), self.signing_key)

    async def _answer(self, request: web.Request) -> web.Response:
        assert request.path == f"/{TENANT}/discovery/v2.0/keys"
        self.asked += 1
        return web.Response(status=self.status, body=self.document, headers=self.headers)


def signed(claims: Mapping[str, Any], key_id: str, **header: Any) -> str:
    return jwt.encode(dict(claims), private_key(key_id), "RS256", headers={"kid": key_id, **header})


@asynccontextmanager
async def running_tenant(clock: Callable[[], datetime]) -> AsyncIterator[Tenant]:
    tenant = Tenant("", clock)
    app = web.Application()
    app.router.add_get("/{path:.*}", tenant._answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    tenant.authority = f"http://127.0.0.1:{_ports(runner.addresses)[0]}"
    try:
        yield tenant
    finally:
        await runner.cleanup()


def _ports(addresses: Iterable[Any]) -> list[int]:
    return [address[1] for address in addresses]
