"""The application's settings, read from the environment (app settings in Azure)."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from shared.api.authentication import MAX_CLOCK_SKEW
from shared.api.rate_limit import MAX_REQUESTS
from shared.domain.behaviour import DEFAULT_BEHAVIOUR, Behaviour
from shared.eventgrid.schemas import DEFAULT_SOURCE, EventSchema
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.vault import KEY_BYTES
from shared.telemetry.targets import TelemetryTarget

SQLITE_SCHEME = "sqlite:"
COSMOS_SCHEME = "cosmos:"
CONSISTENCIES = ("Session", "BoundedStaleness", "Strong")
"""Those with which a process reads its own writes; the weaker ones will not do."""
SHORTEST_KEY_BYTES = 16
PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONGEST_CLOCK_SKEW = 3600
"""Seconds. For as long a request that was overheard can be repeated."""
DEFAULT_RATE_LIMIT = 1000
"""In 10 seconds, as of the hosted service."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """The embedded store's file."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CosmosSettings:
    """A database in an Azure Cosmos DB account.

    ``key``: the account's, where Entra ID is not used. ``discover_regions``: whether the account's
    own list of its endpoints is followed. ``provision``: make what is missing at the start.
    """

    endpoint: str
    database: str
    key: str | None = field(default=None, repr=False)
    preferred_regions: tuple[str, ...] = ()
    consistency: str = CONSISTENCIES[0]
    discover_regions: bool = True
    provision: bool = False


type StoreSettings = SqliteSettings | CosmosSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraSettings:
    """Whose tokens are accepted: of this tenant, made for one of the ``audiences``.

    ``authority``: the URL of Entra ID, without a slash at its end; clouds have their own.
    """

    tenant: str
    audiences: tuple[str, ...]
    authority: str = PUBLIC_AUTHORITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``access_keys``: the decoded primary and, perhaps, secondary key for request signatures.

    ``event_key``: the topic's; without it the identity of the process publishes. ``event_source``:
    the CloudEvents source of published events. ``match_fan_out``: see `fans_out`. ``entra``:
    without it there are only keys. ``rate_limit``: requests in 10 seconds; 0 is any number.
    ``clock_skew``: how far a signature's time may be from the router's. ``rule_hosts``: what rules
    may call besides the internet. ``secrets_keys``: all of them open the secrets of rules, the
    first one seals them. ``telemetry``: see `telemetry_target`.
    """

    store: StoreSettings
    access_keys: tuple[bytes, ...]
    event_endpoint: str
    event_key: str | None = None
    event_schema: EventSchema = EventSchema.EVENT_GRID
    event_source: str = DEFAULT_SOURCE
    match_fan_out: bool = False
    entra: EntraSettings | None = None
    rate_limit: int = DEFAULT_RATE_LIMIT
    clock_skew: timedelta = MAX_CLOCK_SKEW
    behaviour: Behaviour = DEFAULT_BEHAVIOUR
    rule_hosts: AllowedHosts = field(default_factory=AllowedHosts)
    secrets_keys: tuple[bytes, ...] = ()
    telemetry: TelemetryTarget = TelemetryTarget.NONE

    def __repr__(self) -> str:
        """Without the keys: settings end up in logs and tracebacks."""
        return f"Settings(store={self.store}, event_endpoint={self.event_endpoint})"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    return Settings(
        store=_store(environment),
        access_keys=_access_keys(environment),
        event_endpoint=_endpoint(_required(environment, "JOBROUTER_EVENTGRID_ENDPOINT")),
        event_key=_optional(environment, "JOBROUTER_EVENTGRID_KEY"),
        event_schema=_schema(environment.get("JOBROUTER_EVENT_SCHEMA", "").strip()),
        event_source=environment.get("JOBROUTER_EVENT_SOURCE", "").strip() or DEFAULT_SOURCE,
        match_fan_out=fans_out(environment),
        entra=_entra(environment),
        rate_limit=_rate_limit(environment),
        clock_skew=_clock_skew(environment),
        behaviour=_behaviour(environment),
        rule_hosts=_rule_hosts(environment),
        secrets_keys=_secrets_keys(environment),
        telemetry=telemetry_target(environment),
    )


def fans_out(environment: Mapping[str, str]) -> bool:
    """Whether the match sweep has its queues planned through a storage queue.

    :raises SettingsError: it does not say.
    """
    return _flag(environment, "JOBROUTER_MATCH_FAN_OUT", default=False)


def telemetry_target(environment: Mapping[str, str]) -> TelemetryTarget:
    """Application Insights, wherever that is given and nothing else is said.

    :raises SettingsError: there is no such target.
    """
    given = _optional(environment, "APPLICATIONINSIGHTS_CONNECTION_STRING") is not None
    default = TelemetryTarget.AZURE if given else TelemetryTarget.NONE
    try:
        return TelemetryTarget(_optional(environment, "JOBROUTER_TELEMETRY") or default)
    except ValueError:
        choice = ", ".join(TelemetryTarget)
        raise SettingsError(f"JOBROUTER_TELEMETRY must be one of {choice}.") from None


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set.")
    return value


def _optional(environment: Mapping[str, str], name: str) -> str | None:
    return environment.get(name, "").strip() or None


def _listed(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, environment.get(name, "").split(","))))


def _store(environment: Mapping[str, str]) -> StoreSettings:
    store = _required(environment, "JOBROUTER_STORE")
    if path := _after(SQLITE_SCHEME, store):
        return SqliteSettings(Path(path))
    if place := _after(COSMOS_SCHEME, store):
        return _cosmos(environment, *_endpoint_and_database(place))
    raise _unknown_store()


def _after(scheme: str, text: str) -> str:
    return text.removeprefix(scheme) if text.startswith(scheme) else ""


def _endpoint_and_database(place: str) -> tuple[str, str]:
    endpoint, _, database = place.rpartition("/")
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or not database:
        raise _unknown_store()
    return endpoint, database


def _unknown_store() -> SettingsError:
    return SettingsError(
        "JOBROUTER_STORE must be sqlite:<path of the database file> or"
        " cosmos:<endpoint of the account>/<name of the database>."
    )


def _cosmos(environment: Mapping[str, str], endpoint: str, database: str) -> CosmosSettings:
    return CosmosSettings(
        endpoint=endpoint,
        database=database,
        key=_optional(environment, "JOBROUTER_COSMOS_KEY"),
        preferred_regions=_listed(environment, "JOBROUTER_COSMOS_REGIONS"),
        consistency=_consistency(environment),
        discover_regions=_flag(environment, "JOBROUTER_COSMOS_DISCOVER_REGIONS", default=True),
        provision=_flag(environment, "JOBROUTER_COSMOS_PROVISION", default=False),
    )


def _consistency(environment: Mapping[str, str]) -> str:
    consistency = _optional(environment, "JOBROUTER_COSMOS_CONSISTENCY") or CONSISTENCIES[0]
    if consistency not in CONSISTENCIES:
        choice = ", ".join(CONSISTENCIES)
        raise SettingsError(f"JOBROUTER_COSMOS_CONSISTENCY must be one of {choice}.")
    return consistency


def _flag(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "").strip().lower()
    if text not in {"", "true", "false"}:
        raise SettingsError(f"{name} must be true or false.")
    return text == "true" if text else default


def _endpoint(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise SettingsError("JOBROUTER_EVENTGRID_ENDPOINT must be an http or https URL.")
    return url


def _access_keys(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    primary = _key("JOBROUTER_ACCESS_KEY", _required(environment, "JOBROUTER_ACCESS_KEY"))
    secondary = environment.get("JOBROUTER_SECONDARY_ACCESS_KEY", "").strip()
    if not secondary:
        return (primary,)
    return (primary, _key("JOBROUTER_SECONDARY_ACCESS_KEY", secondary))


def _key(name: str, text: str) -> bytes:
    key = _decoded(name, text)
    if len(key) < SHORTEST_KEY_BYTES:
        raise SettingsError(f"{name} is shorter than {SHORTEST_KEY_BYTES} bytes.")
    return key


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SettingsError(f"{name} is not base64.") from error


def _entra(environment: Mapping[str, str]) -> EntraSettings | None:
    tenant = _optional(environment, "JOBROUTER_ENTRA_TENANT")
    audiences = _listed(environment, "JOBROUTER_ENTRA_AUDIENCE")
    if tenant is None and not audiences:
        return None
    if tenant is None or not audiences:
        raise SettingsError("JOBROUTER_ENTRA_TENANT and JOBROUTER_ENTRA_AUDIENCE go together.")
    return EntraSettings(
        tenant=_tenant(tenant), audiences=audiences, authority=_authority(environment)
    )


def _tenant(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise SettingsError("JOBROUTER_ENTRA_TENANT must be the tenant's id, a GUID.") from None


def _authority(environment: Mapping[str, str]) -> str:
    authority = _optional(environment, "JOBROUTER_ENTRA_AUTHORITY") or PUBLIC_AUTHORITY
    parts = urlsplit(authority)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.netloc or parts.path.strip("/") or parts.query:
        raise SettingsError("JOBROUTER_ENTRA_AUTHORITY must be an https URL without a path.")
    return authority.rstrip("/")


def _rate_limit(environment: Mapping[str, str]) -> int:
    text = _optional(environment, "JOBROUTER_RATE_LIMIT") or str(DEFAULT_RATE_LIMIT)
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_REQUESTS:
        raise SettingsError(f"JOBROUTER_RATE_LIMIT must be a number from 0 to {MAX_REQUESTS}.")
    return int(text)


def _clock_skew(environment: Mapping[str, str]) -> timedelta:
    default = int(MAX_CLOCK_SKEW.total_seconds())
    text = _optional(environment, "JOBROUTER_CLOCK_SKEW_SECONDS") or str(default)
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= LONGEST_CLOCK_SKEW:
        raise SettingsError(
            f"JOBROUTER_CLOCK_SKEW_SECONDS must be a number from 1 to {LONGEST_CLOCK_SKEW}."
        )
    return timedelta(seconds=int(text))


def _behaviour(environment: Mapping[str, str]) -> Behaviour:
    default = DEFAULT_BEHAVIOUR
    return Behaviour(
        close_completes=_flag(
            environment, "JOBROUTER_CLOSE_COMPLETES", default=default.close_completes
        ),
        cancels_assigned=_flag(
            environment, "JOBROUTER_CANCEL_ASSIGNED", default=default.cancels_assigned
        ),
        deletes_busy_workers=_flag(
            environment, "JOBROUTER_DELETE_BUSY_WORKERS", default=default.deletes_busy_workers
        ),
    )


def _rule_hosts(environment: Mapping[str, str]) -> AllowedHosts:
    try:
        return AllowedHosts.parse(_listed(environment, "JOBROUTER_RULE_HOSTS_ALLOWED"))
    except ValueError as error:
        raise SettingsError(f"JOBROUTER_RULE_HOSTS_ALLOWED: {error}.") from None


def _secrets_keys(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    name = "JOBROUTER_SECRETS_KEY"
    keys = tuple(_decoded(name, text) for text in _listed(environment, name))
    if any(len(key) != KEY_BYTES for key in keys):
        raise SettingsError(f"{name} must be base64 of {KEY_BYTES} bytes.")
    return keys


def _schema(text: str) -> EventSchema:
    try:
        return EventSchema(text or EventSchema.EVENT_GRID)
    except ValueError as error:
        names = " or ".join(EventSchema)
        raise SettingsError(f"JOBROUTER_EVENT_SCHEMA must be {names}.") from error
