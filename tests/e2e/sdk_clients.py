"""The official SDK's clients, all four behind the face of the two asynchronous ones.

A scenario is written once, with the types of ``jobrouter.aio``. It runs with the asynchronous
clients themselves, and with the synchronous ones, each of whose requests is made in a thread.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, Self, cast

from azure.communication.jobrouter import JobRouterAdministrationClient, JobRouterClient, aio
from azure.core.async_paging import AsyncItemPaged
from azure.core.paging import ItemPaged, PageIterator

type Kind = Literal["sync", "aio"]

KINDS: tuple[Kind, ...] = ("sync", "aio")
PREVIEW = "2024-01-18-preview"
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05


class Reachable(Protocol):
    """What an application is told about a router."""

    @property
    def connection_string(self) -> str: ...

    @property
    def ca_certificate(self) -> str: ...


@dataclass(frozen=True)
class Sdk:
    """Clients of one kind, and ids for one test's own resources."""

    client: aio.JobRouterClient
    administration: aio.JobRouterAdministrationClient
    suffix: str

    def id(self, what: str) -> str:
        """The same id for the same word; another test gets another one."""
        return f"{what}-{self.suffix}"


@asynccontextmanager
async def open_sdk(kind: Kind, router: Reachable, **options: Any) -> AsyncIterator[Sdk]:
    """Clients made from the connection string, over https. ``options`` are the clients' own."""
    # A router that does not do what it should is to be told of at once, not after ten tries.
    options = {"connection_verify": router.ca_certificate, "retry_total": 2, **options}
    connect = _connect_aio if kind == "aio" else _connect_sync
    client, administration = connect(router.connection_string, options)
    try:
        yield Sdk(client, administration, f"{kind}-{uuid.uuid4().hex[:8]}")
    finally:
        await client.close()
        await administration.close()


type Clients = tuple[aio.JobRouterClient, aio.JobRouterAdministrationClient]


def _connect_aio(connection_string: str, options: dict[str, Any]) -> Clients:
    return (
        aio.JobRouterClient.from_connection_string(connection_string, **options),
        aio.JobRouterAdministrationClient.from_connection_string(connection_string, **options),
    )


def _connect_sync(connection_string: str, options: dict[str, Any]) -> Clients:
    client = JobRouterClient.from_connection_string(connection_string, **options)
    administration = JobRouterAdministrationClient.from_connection_string(
        connection_string, **options
    )
    return (
        cast(aio.JobRouterClient, InThreads(client)),
        cast(aio.JobRouterAdministrationClient, InThreads(administration)),
    )


class InThreads:
    """A synchronous client with the face of its asynchronous twin."""

    def __init__(self, client: object) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        if name.startswith("list_"):
            return lambda **filters: PagedInThreads(method(**filters))
        return partial(asyncio.to_thread, method)


class PagedInThreads[T]:
    """A synchronous list with the face of ``AsyncItemPaged``."""

    def __init__(self, paged: ItemPaged[T]) -> None:
        self._paged = paged

    def __aiter__(self) -> AsyncIterator[T]:
        return SteppedInThreads(self._paged)

    def by_page(self, continuation_token: str | None = None) -> AsyncIterator[AsyncIterator[T]]:
        return PagesInThreads(self._paged.by_page(continuation_token))


class SteppedInThreads[T]:
    """Each step of an iteration is made in a thread, since it may make a request."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        end = object()
        item = await asyncio.to_thread(next, self._items, end)
        if item is end:
            raise StopAsyncIteration
        return cast(T, item)


class PagesInThreads[T]:
    """Pages, and where they can be continued after the last one that was read."""

    def __init__(self, pages: Iterator[Iterator[T]]) -> None:
        self._pages = cast(PageIterator[T], pages)
        self._steps = SteppedInThreads(pages)

    @property
    def continuation_token(self) -> str | None:
        return self._pages.continuation_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AsyncIterator[T]:
        return SteppedInThreads(await anext(self._steps))


# -- what applications do with the answers ----------------------------------------------------


async def all_of[T](items: AsyncIterator[T] | AsyncItemPaged[T]) -> list[T]:
    return [item async for item in items]


async def pages_of[T](paged: AsyncItemPaged[T], token: str | None = None) -> list[list[T]]:
    """Every page from the one that the continuation token stands for."""
    return [await all_of(page) async for page in paged.by_page(token)]


async def first_page[T](paged: AsyncItemPaged[T]) -> tuple[list[T], str | None]:
    """The first page and the token to continue with."""
    pages: Any = paged.by_page()
    items = await all_of(await anext(pages))
    return items, pages.continuation_token


async def eventually[T](ask: Callable[[], Awaitable[T]], holds: Callable[[T], object]) -> T:
    """What is answered once it is as expected; asks again and again until then."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not holds(answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, answer
        await asyncio.sleep(PAUSE_SECONDS)
    return answer
