"""Who is let in, and how the double is started."""

import asyncio
import ssl
from base64 import b64encode
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession
from azure.core.credentials import AccessToken
from azure.cosmos import CosmosClient
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from infra.local.certificates import CertificateFiles, kept_certificate
from tests.cosmos.double import Double, Options, double_in_thread, running_double
from tests.cosmos.faults import Hang
from tests.cosmos.messages import Operation
from tests.unit.cosmos_double.clients import async_client, blocking_client

NEVER = 2**31


class FixedCredential:
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken(self._token, NEVER)

    async def close(self) -> None:
        return

    async def __aenter__(self) -> "FixedCredential":
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@pytest.fixture
def certificate(tmp_path: Path) -> CertificateFiles:
    return kept_certificate(tmp_path, ["127.0.0.1"], datetime.now(UTC))


@pytest.fixture
def server_context(certificate: CertificateFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.server, certificate.key)
    return context


async def list_databases(client: AsyncCosmosClient) -> list[str]:
    # A client that cannot even begin does not close its connections by itself.
    try:
        async with client:
            return [each["id"] async for each in client.list_databases()]
    finally:
        await client.close()


async def test_the_key_is_let_in(double: Double) -> None:
    assert await list_databases(AsyncCosmosClient(double.endpoint, double.key)) == []


async def test_a_wrong_key_is_refused(double: Double) -> None:
    key = b64encode(b"wrong").decode()
    with pytest.raises(CosmosHttpResponseError) as error:
        await list_databases(AsyncCosmosClient(double.endpoint, key))
    assert error.value.status_code == 401


async def test_known_tokens_are_let_in(
    certificate: CertificateFiles, server_context: ssl.SSLContext
) -> None:
    options = Options(tokens={"known"}, tls=server_context)
    trusted = ssl.create_default_context(cafile=str(certificate.ca))
    async with running_double(options) as double:
        known, unknown = (
            AsyncCosmosClient(double.endpoint, FixedCredential(token), connection_verify=trusted)
            for token in ("known", "unknown")
        )
        assert await list_databases(known) == []
        with pytest.raises(CosmosHttpResponseError) as error:
            await list_databases(unknown)
    assert error.value.status_code == 401


async def test_names_are_signed_as_they_are(double: Double) -> None:
    for open_client in (blocking_client, async_client):
        async with open_client(double) as client:
            id = f"a b+ž%2F&{open_client.__name__}"
            await client.create("j", id)
            assert (await client.read("j", id))["id"] == id


def test_a_double_in_a_thread_serves_clients_that_block() -> None:
    with double_in_thread() as double, CosmosClient(double.endpoint, double.key) as client:
        client.create_database("router")
        assert [each["id"] for each in client.list_databases()] == ["router"]
        assert double.requests.charge > 0


async def test_a_double_stops_though_a_request_hangs() -> None:
    async with AsyncExitStack() as outlasting:
        async with running_double() as double:
            client = await outlasting.enter_async_context(async_client(double))
            fault = double.faults.add(Hang(), Operation.READ)
            hanging = asyncio.create_task(client.read("j"))
            await asyncio.wait([hanging], timeout=0.1)
            assert fault.struck == 1
            assert not hanging.done()
        hanging.cancel()
        await asyncio.wait([hanging])


async def test_a_request_that_nobody_signed_is_refused(double: Double) -> None:
    async with ClientSession() as session, session.get(double.endpoint) as response:
        assert response.status == 401
