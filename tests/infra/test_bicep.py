"""The Bicep files are right, as far as that can be seen without Azure, and keep conventions."""

import json
import re

import pytest

from tests.infra.bicep.check import check
from tests.infra.bicep.declarations import Declaration
from tests.infra.bicep.resource_types import resource_types
from tests.infra.bicep.syntax import text_of
from tests.infra.bicep.value_types import Shape
from tests.infra.files import ALERTS, INFRA, MAIN, ROOT, sources, template

RESOURCES = [
    pytest.param(resource, id=f"{path.stem}-{resource.name}")
    for path in sources()
    for resource in template(path).all("resource_declaration")
    if not resource.existing
]


def test_all_files_are_right() -> None:
    assert [str(finding) for finding in check(sources())] == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_that_can_have_tags_has_those_of_the_environment(resource: Declaration) -> None:
    body = resource_types()[resource.of or ""].body
    if isinstance(body, Shape) and "tags" in body.properties:
        assert resource.value is not None
        assert re.search(r"^ +tags: (tags|union\(tags, .*)$", text_of(resource.value), re.MULTILINE)


def test_azd_finds_the_app_by_its_tag() -> None:
    services = (ROOT / "azure.yaml").read_text("utf-8")
    assert re.findall(r"^  (\w+):$", services, re.MULTILINE) == ["api"]
    tagged = [path.name for path, text in sources().items() if "'azd-service-name': 'api'" in text]
    assert tagged == ["api.bicep"]


def test_azd_keeps_the_outputs_as_variables() -> None:
    names = {output.name for output in template(MAIN).all("output_declaration")}
    assert {"AZURE_LOCATION", "AZURE_TENANT_ID", "SERVICE_API_NAME"} <= names
    assert all(re.fullmatch(r"[A-Z][A-Z_]*", name) for name in names)


def test_azd_gives_the_parameters_that_have_no_default_and_no_others() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    parameters = {it.name: it for it in template(MAIN).all("parameter_declaration")}
    assert given.keys() <= parameters.keys()
    assert {name for name, it in parameters.items() if it.value is None} <= given.keys()


def test_nothing_in_the_app_accepts_keys() -> None:
    text = "".join(sources().values())
    assert text.count("disableLocalAuth: true") == 3
    assert "allowSharedKeyAccess: false" in text
    assert not re.search(r"listKeys|connectionString=|AccountKey", text)


def test_alerts_are_about_metrics_that_there_are() -> None:
    documented = (ROOT / "docs/reference/telemetry.md").read_text("utf-8")
    named = set(re.findall(r"'(jobrouter\.[a-z_.]+)'", ALERTS.read_text("utf-8")))
    assert named
    assert [name for name in named if f"`{name}`" not in documented] == []


def test_example_subscriptions_are_to_events_that_there_are() -> None:
    documented = (ROOT / "docs/reference/events.md").read_text("utf-8")
    text = (INFRA / "subscriptions" / "example.bicep").read_text("utf-8")
    named = set(re.findall(r"'Microsoft\.Communication\.(\w+)'", text))
    assert named
    assert [name for name in named if f"`{name}`" not in documented] == []


def test_no_resource_type_is_kept_that_is_not_used() -> None:
    used = {
        resource.of for path in sources() for resource in template(path).all("resource_declaration")
    }
    assert resource_types().keys() == used


def test_every_module_is_used() -> None:
    used = {
        (path.parent / (module.of or "")).resolve()
        for path in sources()
        for module in template(path).all("module_declaration")
    }
    assert sources().keys() - used == {MAIN, INFRA / "subscriptions" / "example.bicep"}


def test_defaults_that_change_with_each_deployment_are_only_of_what_is_made_once() -> None:
    """A key that a second deployment made anew would lock all clients out."""
    vault = template(INFRA / "app" / "vault.bicep")
    made = [it.name for it in vault.all("parameter_declaration") if it.name.startswith("new")]
    assert len(made) == 3
    for resource in vault.all("resource_declaration"):
        assert resource.value is not None
        if any(name in text_of(resource.value) for name in made):
            assert list(resource.decorators) == ["onlyIfNotExists"]
