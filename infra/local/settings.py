"""The host's settings, taken from the environment.

`JOBROUTER_PORT`, `JOBROUTER_TLS_PORT`
    TCP ports for http (7071) and https (7443); 0 takes any that is free.
`JOBROUTER_HOST`
    The IPv4 address to listen on (127.0.0.1).
`JOBROUTER_DATA`
    The folder that holds all state (`.jobrouter`); made if it is not there.
`JOBROUTER_ACCESS_KEY`
    The key that clients sign with, in base64; without it one is made and kept.
`JOBROUTER_WEBHOOKS`
    URLs separated by commas, each subscribed to all events.
`JOBROUTER_LOG_LEVEL`
    What to log on standard error: DEBUG, INFO, WARNING (default), ERROR or CRITICAL.
"""

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

DEFAULT_PORT = 7071
DEFAULT_TLS_PORT = 7443
DEFAULT_DATA = ".jobrouter"


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names both."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`data` is absolute; without an `access_key` the host keeps one of its own."""

    data: Path
    address: IPv4Address
    port: int
    tls_port: int
    access_key: str | None
    webhooks: tuple[str, ...]
    log_level: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """:raises SettingsError: at the first value that cannot be used."""
        port = _port(environment, "JOBROUTER_PORT", DEFAULT_PORT)
        tls_port = _port(environment, "JOBROUTER_TLS_PORT", DEFAULT_TLS_PORT)
        if port and port == tls_port:
            raise SettingsError("JOBROUTER_PORT and JOBROUTER_TLS_PORT must differ.")
        return cls(
            data=Path(environment.get("JOBROUTER_DATA") or DEFAULT_DATA).expanduser().absolute(),
            address=_address(environment),
            port=port,
            tls_port=tls_port,
            access_key=_access_key(environment),
            webhooks=_webhooks(environment),
            log_level=_log_level(environment),
        )

    @property
    def reachable_address(self) -> str:
        """Where a client on this machine connects to."""
        anywhere = self.address.is_unspecified or self.address.is_loopback
        return "127.0.0.1" if anywhere else str(self.address)

    @property
    def public_name(self) -> str:
        """The host's name in the URLs that are shown."""
        here = self.reachable_address
        return "localhost" if here == "127.0.0.1" else here


def is_access_key(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise SettingsError(f"{name} must be a port number from 0 to 65535, not '{text}'.")
    return int(text)


def _address(environment: Mapping[str, str]) -> IPv4Address:
    text = environment.get("JOBROUTER_HOST") or "127.0.0.1"
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise SettingsError(f"JOBROUTER_HOST must be an IPv4 address, not '{text}'.") from error


def _access_key(environment: Mapping[str, str]) -> str | None:
    text = environment.get("JOBROUTER_ACCESS_KEY") or None
    if text and not is_access_key(text):
        # The value stays out of the message: it may be a secret mistyped.
        raise SettingsError("JOBROUTER_ACCESS_KEY must be base64.")
    return text


def _webhooks(environment: Mapping[str, str]) -> tuple[str, ...]:
    urls = (url.strip() for url in environment.get("JOBROUTER_WEBHOOKS", "").split(","))
    return tuple(_webhook(url) for url in urls if url)


def _webhook(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"JOBROUTER_WEBHOOKS must hold http or https URLs, not '{url}'.")
    return url


def _log_level(environment: Mapping[str, str]) -> int:
    text = environment.get("JOBROUTER_LOG_LEVEL") or "WARNING"
    levels = logging.getLevelNamesMapping()
    if text.upper() not in levels:
        raise SettingsError(f"JOBROUTER_LOG_LEVEL must be a level such as INFO, not '{text}'.")
    return levels[text.upper()]
