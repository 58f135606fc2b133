"""The client of a Cosmos DB account: one for a process, closed with its store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    DummyCookieJar,
    ServerDisconnectedError,
)
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient

from shared.storage.cosmos.access import Patience
from shared.storage.cosmos.errors import AccessDenied, Uncertain, translated_errors

_NEVER = -1
"""Of throttled requests; 0 would be taken for the SDK's own default, 9 times."""


_CHARGE = "x-ms-request-charge"

type OnCharge = Callable[[str, int, float], None]
"""Container, HTTP status, request units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How to reach an account.

    ``credential``: of Entra ID, or the account's key. ``preferred_regions``: where to read, the
    first that answers. ``consistency``: no stronger than the account's own; session suffices,
    because every write is conditional and a process reads its own writes.
    ``discover_regions``: false if the account is only reachable at this very endpoint, as an
    emulator in a container may be. ``on_charge``: told of every answer about a container.
    """

    endpoint: str
    credential: AsyncTokenCredential | str
    preferred_regions: Sequence[str] = ()
    consistency: str = "Session"
    discover_regions: bool = True
    patience: Patience = field(default_factory=Patience)
    on_charge: OnCharge | None = None


@asynccontextmanager
async def connected(account: Account) -> AsyncIterator[CosmosClient]:
    """A client that has reached its account; closed, with the credential, at the end.

    :raises StoreUnavailable: the account does not answer, or not with this credential.
    """
    client = _client(account)
    try:
        await _connect(client, account)
        yield client
    finally:
        await client.close()
        if isinstance(account.credential, AsyncTokenCredential):
            await account.credential.close()


async def _connect(client: CosmosClient, account: Account) -> None:
    with translated_errors():
        try:
            async with asyncio.timeout(account.patience.query):
                await client.__aenter__()
        except TimeoutError as error:
            raise Uncertain(f"Cosmos DB does not answer at {account.endpoint}") from error
        except ValueError as error:
            raise AccessDenied("The key is not base64.") from error


def _client(account: Account) -> CosmosClient:
    """Without further attempts by the SDK and its transport.

    They send even writes again after a lost connection, without telling, and wait as long as a
    throttling database asks. Whoever calls decides about both, within limits of time. Failing over
    to another region remains with the SDK.
    """
    return CosmosClient(
        account.endpoint,
        account.credential,
        consistency_level=account.consistency,
        preferred_locations=list(account.preferred_regions),
        enable_endpoint_discovery=account.discover_regions,
        multiple_write_locations=False,
        connection_timeout=account.patience.request,
        read_timeout=account.patience.request,
        retry_total=0,
        retry_connect=0,
        retry_read=0,
        retry_status=0,
        retry_throttle_total=_NEVER,
        transport=AioHttpTransport(session=_session(account.on_charge)),
    )


def _session(on_charge: OnCharge | None) -> ClientSession:
    """As the SDK makes it, but sending every request once."""
    return ClientSession(
        trust_env=True,
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        middlewares=(_once,) if on_charge is None else (_charging(on_charge), _once),
    )


def _charging(on_charge: OnCharge) -> ClientMiddlewareType:
    async def charging(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        answer = await send(request)
        if _CHARGE in answer.headers:
            units = float(answer.headers[_CHARGE])
            on_charge(_container(request.url.path), answer.status, units)
        return answer

    return charging


def _container(path: str) -> str:
    """Its name, from ``/dbs/<database>/colls/<container>/...``; empty: the path is of no one."""
    return path.partition("/colls/")[2].partition("/")[0]


class _ConnectionLost(ClientConnectionError):
    """Not one of the errors after which ``PUT`` and ``DELETE`` are sent a second time."""


async def _once(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    try:
        return await send(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise _ConnectionLost(f"The connection was lost: {error!r}") from error
