import logging
from pathlib import Path

import pytest

from infra.local.settings import Settings, SettingsError


def test_without_an_environment_the_defaults_hold() -> None:
    settings = Settings.from_environment({})
    assert (settings.port, settings.tls_port) == (7071, 7443)
    assert settings.data == Path.cwd() / ".jobrouter"
    assert str(settings.address) == "127.0.0.1"
    assert settings.access_key is None
    assert settings.webhooks == ()
    assert settings.log_level == logging.WARNING


def test_a_blank_value_is_no_value() -> None:
    names = ("PORT", "TLS_PORT", "HOST", "DATA", "ACCESS_KEY", "WEBHOOKS", "LOG_LEVEL")
    blank = {f"JOBROUTER_{name}": "" for name in names}
    assert Settings.from_environment(blank) == Settings.from_environment({})


def test_every_setting_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "JOBROUTER_PORT": "0",
            "JOBROUTER_TLS_PORT": "0",
            "JOBROUTER_HOST": "0.0.0.0",
            "JOBROUTER_DATA": str(tmp_path),
            "JOBROUTER_ACCESS_KEY": "a2V5",
            "JOBROUTER_WEBHOOKS": " http://localhost:1/a , https://example.org/b?c=d,",
            "JOBROUTER_LOG_LEVEL": "info",
        }
    )
    assert (settings.port, settings.tls_port, settings.data) == (0, 0, tmp_path)
    assert settings.access_key == "a2V5"
    assert settings.webhooks == ("http://localhost:1/a", "https://example.org/b?c=d")
    assert settings.log_level == logging.INFO


@pytest.mark.parametrize(
    ("address", "reachable", "shown"),
    [
        ("127.0.0.1", "127.0.0.1", "localhost"),
        ("0.0.0.0", "127.0.0.1", "localhost"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_clients_on_this_machine_are_told_an_address_that_answers(
    address: str, reachable: str, shown: str
) -> None:
    settings = Settings.from_environment({"JOBROUTER_HOST": address})
    assert (settings.reachable_address, settings.public_name) == (reachable, shown)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOBROUTER_PORT", "http"),
        ("JOBROUTER_PORT", "-1"),
        ("JOBROUTER_PORT", "65536"),
        ("JOBROUTER_PORT", "7443"),
        ("JOBROUTER_TLS_PORT", "7071.0"),
        ("JOBROUTER_TLS_PORT", "\u0667"),
        ("JOBROUTER_HOST", "localhost"),
        ("JOBROUTER_HOST", "::1"),
        ("JOBROUTER_ACCESS_KEY", "not base64"),
        ("JOBROUTER_ACCESS_KEY", "a"),
        ("JOBROUTER_WEBHOOKS", "localhost:8080"),
        ("JOBROUTER_WEBHOOKS", "ftp://localhost/a"),
        ("JOBROUTER_WEBHOOKS", "http://"),
        ("JOBROUTER_WEBHOOKS", "http://localhost:port/"),
        ("JOBROUTER_WEBHOOKS", "http://localhost/a,nonsense"),
        ("JOBROUTER_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


def test_a_key_is_never_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({"JOBROUTER_ACCESS_KEY": "secret!"})
    assert "secret" not in str(raised.value)
