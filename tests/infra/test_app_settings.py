"""The app settings that are deployed are those that the app reads."""

import base64
import re
from collections.abc import Mapping

import pytest
from tree_sitter import Node

from shared.eventgrid.schemas import EventSchema
from shared.settings import CosmosSettings, SettingsError, read_settings
from tests.infra.bicep.syntax import children_of, text_of
from tests.infra.files import API, INFRA, ROOT, template

KEY = base64.b64encode(bytes(36)).decode()
DEPLOYED = {
    "JOBROUTER_STORE": "cosmos:https://cosmos-abc.documents.azure.com:443/jobrouter",
    "JOBROUTER_ACCESS_KEY": KEY,
    "JOBROUTER_SECONDARY_ACCESS_KEY": KEY,
    "JOBROUTER_SECRETS_KEY": base64.b64encode(bytes(32)).decode(),
    "JOBROUTER_EVENTGRID_ENDPOINT": "https://evgt-abc.westeurope-1.eventgrid.azure.net/api/events",
    "JOBROUTER_EVENT_SCHEMA": "CloudEventSchemaV1_0",
    "JOBROUTER_MATCH_FAN_OUT": "true",
    "JOBROUTER_ENTRA_TENANT": "",
    "JOBROUTER_ENTRA_AUDIENCE": "",
}
"""What the settings are once everything is deployed."""
REQUIRED = ("JOBROUTER_STORE", "JOBROUTER_ACCESS_KEY", "JOBROUTER_EVENTGRID_ENDPOINT")


def settings_in(variable: str) -> Mapping[str, str]:
    """The objects in the variable's value, with their values as they are written."""
    declared = next(it for it in template(API).all("variable_declaration") if it.name == variable)
    return dict(_pairs(declared.node))


def _pairs(node: Node) -> list[tuple[str, str]]:
    if node.type == "object_property":
        key, value = children_of(node)
        return [(text_of(key), text_of(value))]
    return [pair for child in children_of(node) for pair in _pairs(child)]


def test_the_router_starts_with_the_settings_that_are_deployed() -> None:
    assert settings_in("router").keys() == DEPLOYED.keys()
    settings = read_settings(DEPLOYED)
    assert isinstance(settings.store, CosmosSettings)
    assert settings.store.database == "jobrouter"
    assert settings.store.key is None
    assert settings.event_key is None
    assert settings.event_schema is EventSchema.CLOUD_EVENTS
    assert len(settings.access_keys) == 2


@pytest.mark.parametrize("name", REQUIRED)
def test_it_would_not_start_without_those_that_are_required(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({**DEPLOYED, name: ""})


def test_every_setting_is_one_that_the_app_reads() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    documented = set(re.findall(r"JOBROUTER_[A-Z_]*[A-Z]", page))
    named = re.findall(r"JOBROUTER_[A-Z_]*[A-Z]", API.read_text("utf-8"))
    assert set(named) <= documented


def test_the_queue_is_reached_by_identity() -> None:
    assert settings_in("fanOut").keys() == {
        "JOBROUTER_QUEUES__queueServiceUri",
        "JOBROUTER_QUEUES__credential",
        "JOBROUTER_QUEUES__clientId",
    }


def test_secrets_are_references_to_the_vault_without_a_version() -> None:
    vault = (INFRA / "app" / "vault.bicep").read_text("utf-8")
    made = set(re.findall(r"name: '([a-z-]+)'\n  tags", vault))
    values = settings_in("router").values()
    found = [
        re.fullmatch(r"'@Microsoft.KeyVault\(SecretUri=\$\{vaultUri\}secrets/([a-z-]+)\)'", v)
        for v in values
    ]
    assert (
        {match[1] for match in found if match}
        == made
        == {
            "access-key",
            "secondary-access-key",
            "secrets-key",
        }
    )


def test_telemetry_is_the_routers_own_and_signed_in() -> None:
    page = (ROOT / "docs/how-to/observe.md").read_text("utf-8")
    host = settings_in("host")
    assert {name for name in host if f"`{name}`" not in page} == {
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "AZURE_CLIENT_ID",
    }
    assert "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY" not in host
