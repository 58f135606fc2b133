"""Composition: the one place that knows which adapters stand behind the ports.

Everything is made once per process, on first use, from the environment's settings.
"""

import asyncio
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from azure.core.credentials import AzureKeyCredential

from shared.eventgrid.coalescing import CoalescingPublisher
from shared.eventgrid.publisher import EventGridPublisher
from shared.ports import EventPublisher, Store
from shared.services.definitions import DefinitionCache
from shared.services.outbox import Outbox
from shared.services.router import Router
from shared.settings import Settings, read_settings
from shared.storage.sqlite import open_sqlite_store


@dataclass(frozen=True, slots=True)
class Application:
    """A router with what must be closed in the end."""

    router: Router
    publisher: EventPublisher

    async def close(self) -> None:
        await self.publisher.close()
        await self.router.store.close()


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_guid() -> str:
    return str(uuid.uuid4())


def compose(store: Store, publisher: EventPublisher) -> Router:
    """A router over the given adapters, with the real clock and real ids."""
    return Router(
        store=store,
        outbox=Outbox(publisher, utc_now),
        definitions=DefinitionCache(store, utc_now),
        clock=utc_now,
        new_id=new_guid,
    )


@cache
def settings() -> Settings:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    return read_settings(os.environ)


_application: asyncio.Task[Application] | None = None


async def router() -> Router:
    """The process's router. :raises SettingsError, StoreUnavailable: it cannot be made."""
    return (await _running()).router


async def start() -> None:
    """Make the router now rather than at the first request: what is wrong shows at once.

    :raises SettingsError, StoreUnavailable: it cannot be made.
    """
    await _running()


async def close() -> None:
    """Close what is open; the next use opens it again."""
    global _application
    task, _application = _application, None
    if task is not None:
        await (await task).close()


async def _running() -> Application:
    """The application, made by whoever asks first; a failure is tried again by the next."""
    global _application
    if _application is None or (_application.done() and _application.exception() is not None):
        _application = asyncio.get_running_loop().create_task(_start(settings()))
    return await asyncio.shield(_application)


async def _start(settings: Settings) -> Application:
    publisher = CoalescingPublisher(
        EventGridPublisher(
            settings.event_endpoint,
            AzureKeyCredential(settings.event_key),
            schema=settings.event_schema,
            source=settings.event_source,
        )
    )
    store = await open_sqlite_store(settings.database)
    return Application(compose(store, publisher), publisher)
