"""Composition: the one place that knows which adapters stand behind the ports.

Everything is made once per process, on first use, from the environment's settings. Adapters are
imported there too, not with this module: the platform waits for the app to be imported before it
lets anybody in, and no process needs all of them.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from shared.api.authentication import Authenticator, VerifyToken
from shared.api.rate_limit import RateLimit
from shared.domain.behaviour import DEFAULT_BEHAVIOUR, Behaviour
from shared.ports import EventPublisher, RuleEngine, Store, Telemetry
from shared.rules.outbound.addresses import AllowedHosts
from shared.services.definitions import DefinitionCache
from shared.services.no_telemetry import NO_TELEMETRY
from shared.services.outbox import Outbox
from shared.services.router import Router
from shared.settings import (
    CosmosSettings,
    EntraSettings,
    Settings,
    SettingsError,
    SqliteSettings,
    StoreSettings,
    read_settings,
    telemetry_target,
)
from shared.telemetry.observability import OFF, Observability
from shared.telemetry.targets import TelemetryTarget

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_guid() -> str:
    return str(uuid.uuid4())


def compose(
    store: Store,
    publisher: EventPublisher,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    rules: RuleEngine | None = None,
    telemetry: Telemetry = NO_TELEMETRY,
) -> Router:
    """A router over the given adapters, with the real clock and real ids.

    Without ``rules``, none may call a private host or hold a secret.
    """
    return Router(
        store=store,
        outbox=Outbox(publisher, utc_now),
        definitions=DefinitionCache(store, utc_now),
        rules=rules or _rule_engine(AllowedHosts(), secrets_keys=()),
        clock=utc_now,
        new_id=new_guid,
        behaviour=behaviour,
        telemetry=telemetry,
    )


@cache
def settings() -> Settings:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    return read_settings(os.environ)


@cache
def observability() -> Observability:
    """Off if it cannot be started: nothing must stop because nobody can watch it.

    A wrong setting is refused with all the others, when they are read.
    """
    try:
        target = telemetry_target(os.environ)
    except SettingsError:
        return OFF
    return OFF if target is TelemetryTarget.NONE else _observability(target)


@cache
def authenticator() -> Authenticator:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    entra = settings().entra
    verify_token = _token_verifier(entra) if entra else None
    return Authenticator(settings().access_keys, verify_token, settings().clock_skew)


@cache
def rate_limit() -> RateLimit:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    return RateLimit(settings().rate_limit)


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
    if task is None:
        return
    await asyncio.wait({task})
    if task.exception() is None:  # Else nothing was opened, and whoever asked for it was told.
        await task.result().rules.close()
        await task.result().outbox.close()
        await task.result().store.close()
    await observability().close()
    observability.cache_clear()


async def _compose(settings: Settings) -> Router:
    from azure.core.credentials import AzureKeyCredential

    from shared.eventgrid.publisher import EventGridPublisher

    store = await _open_store(settings.store)
    publisher = EventGridPublisher(
        settings.event_endpoint,
        AzureKeyCredential(settings.event_key) if settings.event_key else _identity(),
        schema=settings.event_schema,
        source=settings.event_source,
    )
    rules = _rule_engine(settings.rule_hosts, settings.secrets_keys)
    observed = observability()
    return compose(
        observed.store(store),
        observed.publisher(publisher),
        settings.behaviour,
        rules,
        observed.telemetry,
    )


def _observability(target: TelemetryTarget) -> Observability:
    try:
        from shared.telemetry.pipelines import start

        return start(target)
    except Exception:
        log.exception("telemetry is off: it cannot be sent to %s", target)
        return OFF


def _rule_engine(allowed: AllowedHosts, secrets_keys: Sequence[bytes]) -> RuleEngine:
    from shared.rules.engine import Engine
    from shared.rules.outbound.remote_rules import RemoteRules
    from shared.rules.outbound.vault import Vault

    return Engine(utc_now, RemoteRules(utc_now, allowed, Vault(secrets_keys)))


async def _open_store(settings: StoreSettings) -> Store:
    match settings:
        case SqliteSettings(path):
            from shared.storage.sqlite import open_sqlite_store

            return await open_sqlite_store(path)
        case CosmosSettings():
            return await _open_cosmos_store(settings)


async def _open_cosmos_store(settings: CosmosSettings) -> Store:
    from shared.storage.cosmos import Account, open_cosmos_store, provision_cosmos_store

    def account() -> Account:
        return Account(
            endpoint=settings.endpoint,
            credential=settings.key or _identity(),
            preferred_regions=settings.preferred_regions,
            consistency=settings.consistency,
            discover_regions=settings.discover_regions,
            on_charge=observability().on_charge,
        )

    if settings.provision:
        await provision_cosmos_store(account(), settings.database)
    return await open_cosmos_store(account(), settings.database)


def _token_verifier(settings: EntraSettings) -> VerifyToken:
    from shared.api.signing_keys import SigningKeys, published_at
    from shared.api.tokens import TokenVerifier, issuers, keys_url

    place = settings.authority, settings.tenant
    keys = SigningKeys(published_at(keys_url(*place)))
    return TokenVerifier(keys, issuers(*place), settings.audiences)


def _identity() -> "AsyncTokenCredential":
    """The managed identity in Azure; on a developer's machine, who is signed in there."""
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential()
