"""The official SDK with a credential of Entra ID, over https, against a router that is limited.

The Python SDK takes keys only. Its pipeline takes a policy that puts the token in their place.
"""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.communication.jobrouter.aio import JobRouterAdministrationClient, JobRouterClient
from azure.communication.jobrouter.models import DistributionPolicy, RouterJob, RouterQueue
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

from shared.api.roles import Role
from tests.e2e.conftest import RunningRouter, start
from tests.e2e.webhook import Webhook
from tests.entra import AUDIENCE, TENANT, Tenant, running_tenant

SCOPE = f"{AUDIENCE}/.default"
NO_KEY = AzureKeyCredential(base64.b64encode(b"not a key of the router").decode())
LIMIT = 20


@dataclass
class Credential:
    """As of azure-identity, for a caller with these roles."""

    tenant: Tenant
    roles: tuple[Role, ...]
    asked: int = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == (SCOPE,)
        self.asked += 1
        claims = self.tenant.claims(*self.roles)
        return AccessToken(self.tenant.token(*self.roles), claims["exp"])

    async def close(self) -> None:
        return

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@dataclass(frozen=True)
class TokenClients:
    router: RunningRouter
    tenant: Tenant

    def client(self, *roles: Role) -> JobRouterClient:
        return JobRouterClient(self._endpoint, NO_KEY, **self._options(*roles))

    def administration(self, *roles: Role) -> JobRouterAdministrationClient:
        return JobRouterAdministrationClient(self._endpoint, NO_KEY, **self._options(*roles))

    @property
    def _endpoint(self) -> str:
        return self.router.connection_string.removeprefix("endpoint=").partition("/;")[0]

    def _options(self, *roles: Role) -> dict[str, Any]:
        policy = AsyncBearerTokenCredentialPolicy(Credential(self.tenant, roles), SCOPE)
        ca = self.router.ca_certificate
        return {"custom_hook_policy": policy, "connection_verify": ca, "retry_total": 0}


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[TokenClients]:
    async with running_tenant(lambda: datetime.now(UTC)) as tenant:
        settings = {
            "JOBROUTER_ENTRA_TENANT": TENANT,
            "JOBROUTER_ENTRA_AUDIENCE": AUDIENCE,
            "JOBROUTER_ENTRA_AUTHORITY": tenant.authority,
            "JOBROUTER_RATE_LIMIT": str(LIMIT),
        }
        with Webhook() as webhook, _running(tmp_path, webhook, settings) as router:
            yield TokenClients(router, tenant)


@contextmanager
def _running(data: Path, webhook: Webhook, settings: dict[str, str]) -> Iterator[RunningRouter]:
    yield from start(data, webhook, **settings)


async def test_the_sdk_with_tokens(clients: TokenClients) -> None:
    await roles_are_kept_apart(clients)
    await who_has_no_valid_token_is_refused(clients)
    assert clients.tenant.asked == 1
    await too_many_requests_are_refused(clients)


async def roles_are_kept_apart(clients: TokenClients) -> None:
    queue = RouterQueue(distribution_policy_id="policy")
    async with clients.administration(Role.ADMINISTRATOR) as administration:
        await administration.upsert_distribution_policy("policy", DistributionPolicy())
        await administration.upsert_queue("queue", queue)
    async with clients.client(Role.OPERATOR) as client:
        job = await client.upsert_job("job", RouterJob(channel_id="chat", queue_id="queue"))
        assert job.id == "job"
    async with clients.client(Role.READER) as client:
        assert (await client.get_job("job")).queue_id == "queue"
        with pytest.raises(HttpResponseError, match=r"JobRouter\.Operator") as refused:
            await client.cancel_job("job")
        assert refused.value.status_code == 403
    async with clients.administration(Role.OPERATOR) as administration:
        with pytest.raises(HttpResponseError, match=r"JobRouter\.Administrator"):
            await administration.delete_queue("queue")


async def who_has_no_valid_token_is_refused(clients: TokenClients) -> None:
    clients.tenant.signing_key = "stranger"
    async with clients.client(Role.ADMINISTRATOR) as client:
        with pytest.raises(ClientAuthenticationError):
            await client.get_job("job")
    clients.tenant.signing_key = "key-1"


async def too_many_requests_are_refused(clients: TokenClients) -> None:
    with pytest.raises(HttpResponseError, match=f"{LIMIT} requests within") as refused:
        await ask_often(clients)
    answer: Any = refused.value.response
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 10


async def ask_often(clients: TokenClients) -> None:
    async with clients.client(Role.READER) as client:
        for _ in range(LIMIT + 1):
            await client.get_job("job")
