"""The application's settings: what must be set, what may be, and how mistakes are told."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.behaviour import Behaviour
from shared.eventgrid.schemas import EventSchema
from shared.rules.outbound.addresses import AllowedHosts
from shared.settings import (
    CosmosSettings,
    EntraSettings,
    Settings,
    SettingsError,
    SqliteSettings,
    read_settings,
)
from shared.telemetry.targets import TelemetryTarget

PRIMARY, SECONDARY = b"p" * 32, b"s" * 16


def base64_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


REQUIRED = {
    "JOBROUTER_STORE": "sqlite:data/router.db",
    "JOBROUTER_ACCESS_KEY": base64_of(PRIMARY),
    "JOBROUTER_EVENTGRID_ENDPOINT": "https://topic.example/api/events",
}
COSMOS = "cosmos:https://account.documents.azure.com:443/router"


def read(**changes: str) -> Settings:
    return read_settings(REQUIRED | changes)


def test_what_is_required_is_enough() -> None:
    assert read() == Settings(
        store=SqliteSettings(Path("data/router.db")),
        access_keys=(PRIMARY,),
        event_endpoint="https://topic.example/api/events",
        event_key=None,
        event_schema=EventSchema.EVENT_GRID,
        event_source="/job-router",
        match_fan_out=False,
        entra=None,
        rate_limit=1000,
        clock_skew=timedelta(minutes=5),
        behaviour=Behaviour(),
        rule_hosts=AllowedHosts(),
        secrets_keys=(),
        telemetry=TelemetryTarget.NONE,
    )


def test_the_rest_of_the_environment_does_not_matter() -> None:
    assert read(PATH="/bin", JOBROUTER_UNKNOWN="1") == read()


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    environment = {key: value for key, value in REQUIRED.items() if key != name}
    with pytest.raises(SettingsError, match=rf"^{name} is not set\.$"):
        read_settings(environment)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_blank_setting_is_not_set(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        read(**{name: "  "})


def test_space_around_a_setting_is_ignored() -> None:
    assert read(JOBROUTER_STORE=" sqlite:a.db ").store == SqliteSettings(Path("a.db"))


@pytest.mark.parametrize(
    "store",
    [
        *("data/router.db", "sqlite:", "postgres:router", "sqlite3:a.db", "cosmos:"),
        *(
            "cosmos:router",
            "cosmos:https://account",
            "cosmos:https://account/",
            "cosmos:https:///x",
        ),
        *("cosmos:ftp://account/router", "cosmos:https://account/dbs/router"),
    ],
)
def test_the_store_must_be_one_that_is_known(store: str) -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_STORE must be sqlite:.* or cosmos:"):
        read(JOBROUTER_STORE=store)


def test_an_absolute_path_stays_absolute() -> None:
    assert read(JOBROUTER_STORE="sqlite:/data/router.db").store == SqliteSettings(
        Path("/data/router.db")
    )


def test_the_store_may_be_in_cosmos_db() -> None:
    assert read(JOBROUTER_STORE=COSMOS).store == CosmosSettings(
        endpoint="https://account.documents.azure.com:443",
        database="router",
        key=None,
        preferred_regions=(),
        consistency="Session",
        discover_regions=True,
        provision=False,
    )


def test_cosmos_db_may_be_configured() -> None:
    settings = read(
        JOBROUTER_STORE="cosmos:http://localhost:8081/test",
        JOBROUTER_COSMOS_KEY="a2V5",
        JOBROUTER_COSMOS_REGIONS="West Europe, North Europe,",
        JOBROUTER_COSMOS_CONSISTENCY="Strong",
        JOBROUTER_COSMOS_DISCOVER_REGIONS="False",
        JOBROUTER_COSMOS_PROVISION="true",
    )
    assert settings.store == CosmosSettings(
        endpoint="http://localhost:8081",
        database="test",
        key="a2V5",
        preferred_regions=("West Europe", "North Europe"),
        consistency="Strong",
        discover_regions=False,
        provision=True,
    )
    assert "a2V5" not in repr(settings)


@pytest.mark.parametrize("consistency", ["Eventual", "ConsistentPrefix", "session"])
def test_a_consistency_too_weak_is_refused(consistency: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^JOBROUTER_COSMOS_CONSISTENCY must be one of Session"
    ):
        read(JOBROUTER_STORE=COSMOS, JOBROUTER_COSMOS_CONSISTENCY=consistency)


@pytest.mark.parametrize(
    "name", ["JOBROUTER_COSMOS_DISCOVER_REGIONS", "JOBROUTER_COSMOS_PROVISION"]
)
def test_a_flag_is_true_or_false(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be true or false"):
        read(**{"JOBROUTER_STORE": COSMOS, name: "1"})


def test_a_topic_may_have_a_key() -> None:
    assert read(JOBROUTER_EVENTGRID_KEY="topic-key").event_key == "topic-key"


def test_a_second_key_may_sign_requests_too() -> None:
    settings = read(JOBROUTER_SECONDARY_ACCESS_KEY=base64_of(SECONDARY))
    assert settings.access_keys == (PRIMARY, SECONDARY)


@pytest.mark.parametrize("name", ["JOBROUTER_ACCESS_KEY", "JOBROUTER_SECONDARY_ACCESS_KEY"])
@pytest.mark.parametrize(
    "key", ["not base64!", "c2hvcnQ", "schlüssel" * 4], ids=["symbols", "no padding", "not ascii"]
)
def test_a_key_must_be_base64(name: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not base64"):
        read(**{name: key})


@pytest.mark.parametrize("name", ["JOBROUTER_ACCESS_KEY", "JOBROUTER_SECONDARY_ACCESS_KEY"])
def test_a_key_must_not_be_short(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is shorter than 16 bytes"):
        read(**{name: base64_of(b"k" * 15)})


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        read(JOBROUTER_ACCESS_KEY="secret but not base64")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["CloudEventSchemaV1_0", " CloudEventSchemaV1_0 "])
def test_events_may_be_cloud_events(text: str) -> None:
    assert read(JOBROUTER_EVENT_SCHEMA=text).event_schema is EventSchema.CLOUD_EVENTS


def test_an_unknown_event_schema_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="EventGridSchema or CloudEventSchemaV1_0"):
        read(JOBROUTER_EVENT_SCHEMA="xml")


@pytest.mark.parametrize("name", ["JOBROUTER_EVENT_SCHEMA", "JOBROUTER_EVENT_SOURCE"])
def test_an_empty_optional_setting_is_as_if_it_were_not_there(name: str) -> None:
    assert read(**{name: ""}) == read()


def test_the_source_of_cloud_events_may_be_named() -> None:
    assert read(JOBROUTER_EVENT_SOURCE="/contoso/router").event_source == "/contoso/router"


TENANT = "6f1a3c52-0a43-4d5a-9d0f-0f6d2f3f8a11"
ENTRA = {"JOBROUTER_ENTRA_TENANT": TENANT, "JOBROUTER_ENTRA_AUDIENCE": "api://router"}


def test_tokens_of_a_tenant_may_be_accepted() -> None:
    assert read(**ENTRA).entra == EntraSettings(
        tenant=TENANT,
        audiences=("api://router",),
        authority="https://login.microsoftonline.com",
    )


def test_entra_id_may_be_in_another_cloud_and_know_the_router_by_several_names() -> None:
    settings = read(
        JOBROUTER_ENTRA_TENANT=f" {TENANT.upper()} ",
        JOBROUTER_ENTRA_AUDIENCE=f"api://router, {TENANT},",
        JOBROUTER_ENTRA_AUTHORITY="https://login.microsoftonline.us/",
    )
    assert settings.entra == EntraSettings(
        tenant=TENANT,
        audiences=("api://router", TENANT),
        authority="https://login.microsoftonline.us",
    )


@pytest.mark.parametrize("name", ENTRA)
def test_tenant_and_audience_go_together(name: str) -> None:
    with pytest.raises(SettingsError, match=r"TENANT and JOBROUTER_ENTRA_AUDIENCE go together"):
        read(**{name: ENTRA[name]})


@pytest.mark.parametrize("tenant", ["common", "contoso.onmicrosoft.com", "organizations", "1234"])
def test_a_tenant_is_named_by_its_id(tenant: str) -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_ENTRA_TENANT must be the tenant's id"):
        read(**ENTRA | {"JOBROUTER_ENTRA_TENANT": tenant})


@pytest.mark.parametrize(
    "authority",
    [
        "login.microsoftonline.com",
        "http://login.microsoftonline.com",
        "http://localhost.example",
        "https://",
        "https://login.microsoftonline.com/common",
        "https://login.microsoftonline.com?x=y",
        "ftp://localhost",
    ],
)
def test_keys_are_fetched_over_https_only(authority: str) -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_ENTRA_AUTHORITY must be an https URL"):
        read(**ENTRA, JOBROUTER_ENTRA_AUTHORITY=authority)


def test_an_authority_for_tests_may_be_on_this_machine() -> None:
    entra = read(**ENTRA, JOBROUTER_ENTRA_AUTHORITY="http://127.0.0.1:8080").entra
    assert entra is not None
    assert entra.authority == "http://127.0.0.1:8080"


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("250", 250), (" 100000 ", 100_000)])
def test_the_rate_may_be_limited(text: str, limit: int) -> None:
    assert read(JOBROUTER_RATE_LIMIT=text).rate_limit == limit


@pytest.mark.parametrize("text", ["-1", "1.5", "100001", "many", "\u0667", "²"])
def test_a_rate_is_a_number(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_RATE_LIMIT must be a number from 0"):
        read(JOBROUTER_RATE_LIMIT=text)


def test_settings_show_no_keys() -> None:
    shown = repr(
        read(
            JOBROUTER_SECONDARY_ACCESS_KEY=base64_of(SECONDARY), JOBROUTER_EVENTGRID_KEY="topic-key"
        )
    )
    assert "data/router.db" in shown
    for secret in ("topic-key", base64_of(PRIMARY), repr(PRIMARY), repr(SECONDARY)):
        assert secret not in shown


def test_the_behaviour_is_a_choice() -> None:
    chosen = read(
        JOBROUTER_CLOSE_COMPLETES="true",
        JOBROUTER_CANCEL_ASSIGNED="false",
        JOBROUTER_DELETE_BUSY_WORKERS="True",
    )
    assert chosen.behaviour == Behaviour(
        close_completes=True, cancels_assigned=False, deletes_busy_workers=True
    )


def test_the_clock_skew_is_a_choice() -> None:
    assert read(JOBROUTER_CLOCK_SKEW_SECONDS="60").clock_skew == timedelta(minutes=1)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "3601", "soon", "٣"])
def test_an_unusable_clock_skew_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="JOBROUTER_CLOCK_SKEW_SECONDS"):
        read(JOBROUTER_CLOCK_SKEW_SECONDS=text)


def test_rules_may_be_allowed_to_call_private_hosts() -> None:
    settings = read(JOBROUTER_RULE_HOSTS_ALLOWED="scores.internal, 10.0.0.0/8,")
    assert settings.rule_hosts == AllowedHosts.parse(["scores.internal", "10.0.0.0/8"])


def test_a_host_for_rules_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_RULE_HOSTS_ALLOWED: 'http://a' is not"):
        read(JOBROUTER_RULE_HOSTS_ALLOWED="localhost,http://a")


def test_there_may_be_keys_for_secrets() -> None:
    old = b"o" * 32
    settings = read(JOBROUTER_SECRETS_KEY=f"{base64_of(PRIMARY)},{base64_of(old)}")
    assert settings.secrets_keys == (PRIMARY, old)
    assert "pppp" not in repr(settings)


@pytest.mark.parametrize("length", [16, 31, 33])
def test_a_key_for_secrets_has_32_bytes(length: int) -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_SECRETS_KEY must be base64 of 32 bytes"):
        read(JOBROUTER_SECRETS_KEY=base64_of(b"k" * length))


def test_a_key_for_secrets_must_be_base64() -> None:
    with pytest.raises(SettingsError, match=r"^JOBROUTER_SECRETS_KEY is not base64") as refused:
        read(JOBROUTER_SECRETS_KEY="secret but not base64")
    assert "secret but" not in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "connection", "target"),
    [
        ("", "", TelemetryTarget.NONE),
        ("", "InstrumentationKey=1", TelemetryTarget.AZURE),
        ("none", "InstrumentationKey=1", TelemetryTarget.NONE),
        ("otlp", "InstrumentationKey=1", TelemetryTarget.OTLP),
        ("console", " ", TelemetryTarget.CONSOLE),
    ],
)
def test_telemetry_goes_to_application_insights_unless_told_otherwise(
    asked: str, connection: str, target: TelemetryTarget
) -> None:
    given = {
        "JOBROUTER_TELEMETRY": asked,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": connection,
    }
    assert read(**given).telemetry is target


def test_telemetry_goes_nowhere_else() -> None:
    with pytest.raises(SettingsError, match=r"JOBROUTER_TELEMETRY.*none, console, otlp, azure"):
        read(JOBROUTER_TELEMETRY="elsewhere")
