"""The application's settings, read from the environment (app settings in Azure)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.eventgrid.schemas import DEFAULT_SOURCE, EventSchema

SQLITE_SCHEME = "sqlite:"
SHORTEST_KEY_BYTES = 16


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``access_keys``: the decoded primary and, perhaps, secondary key for request signatures.

    ``event_source``: the CloudEvents source of published events.
    """

    database: Path
    access_keys: tuple[bytes, ...]
    event_endpoint: str
    event_key: str
    event_schema: EventSchema = EventSchema.EVENT_GRID
    event_source: str = DEFAULT_SOURCE

    def __repr__(self) -> str:
        """Without the keys: settings end up in logs and tracebacks."""
        return f"Settings(database={self.database}, event_endpoint={self.event_endpoint})"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """:raises SettingsError: naming the first setting that is missing or wrong."""
    return Settings(
        database=_database(_required(environment, "JOBROUTER_STORE")),
        access_keys=_access_keys(environment),
        event_endpoint=_endpoint(_required(environment, "JOBROUTER_EVENTGRID_ENDPOINT")),
        event_key=_required(environment, "JOBROUTER_EVENTGRID_KEY"),
        event_schema=_schema(environment.get("JOBROUTER_EVENT_SCHEMA", "").strip()),
        event_source=environment.get("JOBROUTER_EVENT_SOURCE", "").strip() or DEFAULT_SOURCE,
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set.")
    return value


def _database(store: str) -> Path:
    path = store.removeprefix(SQLITE_SCHEME)
    if not store.startswith(SQLITE_SCHEME) or not path:
        raise SettingsError("JOBROUTER_STORE must be sqlite:<path of the database file>.")
    return Path(path)


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
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SettingsError(f"{name} is not base64.") from error
    if len(key) < SHORTEST_KEY_BYTES:
        raise SettingsError(f"{name} is shorter than {SHORTEST_KEY_BYTES} bytes.")
    return key


def _schema(text: str) -> EventSchema:
    try:
        return EventSchema(text or EventSchema.EVENT_GRID)
    except ValueError as error:
        names = " or ".join(EventSchema)
        raise SettingsError(f"JOBROUTER_EVENT_SCHEMA must be {names}.") from error
