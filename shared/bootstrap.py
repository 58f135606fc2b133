"""Composition: the one place that knows which adapters stand behind the ports.

Everything is made once per process, on first use, from the environment's settings.
"""

import asyncio
import os
import uuid
from datetime import UTC, datetime
from functools import cache

from azure.core.credentials import AzureKeyCredential

from shared.eventgrid.publisher import EventGridPublisher
from shared.ports import EventPublisher, Store
from shared.services.definitions import DefinitionCache
from shared.services.outbox import Outbox
from shared.services.router import Router
from shared.settings import Settings, read_settings
from shared.storage.sqlite import open_sqlite_store


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


_starting: asyncio.Task[Router] | None = None


async def router() -> Router:
    """The process's router, made by whoever asks first; a failure is tried again by the next.

    :raises SettingsError, StoreUnavailable: it cannot be made.
    """
    global _starting
    if _starting is None or (_starting.done() and _starting.exception() is not None):
        _starting = asyncio.get_running_loop().create_task(_compose(settings()))
    return await asyncio.shield(_starting)


async def start() -> None:
    """Make the router now rather than at the first request: what is wrong shows at once.

    :raises SettingsError, StoreUnavailable: it cannot be made.
    """
    await router()


async def close() -> None:
    """Publish what is posted and close what is open; the next use opens it again."""
    global _starting
    task, _starting = _starting, None
    if task is not None:
        closing = await task
        await closing.outbox.close()
        await closing.store.close()


async def _compose(settings: Settings) -> Router:
    publisher = EventGridPublisher(
        settings.event_endpoint,
        AzureKeyCredential(settings.event_key),
        schema=settings.event_schema,
        source=settings.event_source,
    )
    return compose(await open_sqlite_store(settings.database), publisher)
