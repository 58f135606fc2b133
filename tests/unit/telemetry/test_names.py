"""The reference, the instruments and the workbook name the same metrics."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain import events
from shared.telemetry import names
from shared.telemetry.recorder import OUTCOMES
from tests.telemetry_rig import TelemetryRig

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/telemetry.md").read_text(encoding="utf-8")
WORKBOOK = json.loads((ROOT / "infra/app/workbook.json").read_text(encoding="utf-8"))
METRICS = {metric.name: metric for metric in names.METRICS}
TABLES = {"AppMetrics", "AppRequests", "AppTraces", "AppExceptions", "AppDependencies"}
TEXT, QUERY, PARAMETERS = 1, 3, 9

_ROW = re.compile(r"^\| `(jobrouter\.[\w.]+)` \| (\w+) \| `([^`]+)` \| ([^|]*)\|", re.MULTILINE)
_ATTRIBUTE = re.compile(r"Properties\['([^']+)'\]")
_METRIC = re.compile(r"Name == '([^']+)'")
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def test_the_reference_lists_every_metric_as_it_is() -> None:
    listed = {
        name: (kind, unit, tuple(re.findall(r"`([^`]+)`", attributes)))
        for name, kind, unit, attributes in _ROW.findall(REFERENCE)
    }
    assert listed == {
        metric.name: (metric.kind.value, metric.unit, metric.attributes) for metric in names.METRICS
    }


def test_the_reference_names_every_attribute() -> None:
    attributes = {
        value
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }
    assert len(attributes) > 10
    assert {each for each in attributes if f"`{each}`" not in REFERENCE} == set()


def test_every_kind_of_offer_event_has_an_outcome() -> None:
    kinds = {
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, events.OfferEvent)
    }
    assert set(OUTCOMES) == kinds - {events.OfferEvent, events.OfferDescribed}


async def test_instruments_are_what_the_names_say() -> None:
    telemetry = TelemetryRig()
    instruments: Any = vars(telemetry.observability._instruments)
    found = {
        each.name: (type(each).__name__.strip("_"), each.unit) for each in instruments.values()
    }
    assert found == {
        metric.name: (metric.kind.value.title(), metric.unit) for metric in names.METRICS
    }
    await telemetry.observability.close()


def items(*types: int) -> Iterator[dict[str, Any]]:
    return (item for item in WORKBOOK["items"] if item["type"] in types)


def queries() -> list[Any]:
    return [pytest.param(item["content"], id=item["name"]) for item in items(QUERY)]


def test_the_workbook_is_one() -> None:
    assert WORKBOOK["version"] == "Notebook/1.0"
    assert {item["type"] for item in WORKBOOK["items"]} == {TEXT, QUERY, PARAMETERS}
    item_names = [item["name"] for item in WORKBOOK["items"]]
    assert len(set(item_names)) == len(item_names)
    assert all(item["content"]["json"] for item in items(TEXT))
    [parameters] = items(PARAMETERS)
    assert parameters["content"]["version"] == "KqlParameterItem/1.0"


@pytest.mark.parametrize("content", queries())
def test_a_chart_asks_for_what_there_is(content: dict[str, Any]) -> None:
    assert content["version"] == "KqlItem/1.0"
    assert content["title"]
    assert content["visualization"] in {"timechart", "table"}
    assert content["resourceType"] == "microsoft.operationalinsights/workspaces"
    assert content["timeContextFromParameter"] in workbook_parameters()
    query = content["query"]
    assert set(_PARAMETER.findall(query)) <= workbook_parameters()
    assert set(re.findall(r"\bApp[A-Z]\w+", query)) <= TABLES
    asked = _METRIC.findall(query)
    assert bool(asked) == ("AppMetrics" in query)
    allowed = {attribute for name in asked for attribute in METRICS[name].attributes}
    assert set(_ATTRIBUTE.findall(query)) <= allowed
    assert query.count("(") == query.count(")")


def test_the_workbook_shows_every_metric() -> None:
    shown = {name for item in items(QUERY) for name in _METRIC.findall(item["content"]["query"])}
    assert shown == set(METRICS)


def workbook_parameters() -> set[str]:
    return {each["name"] for item in items(PARAMETERS) for each in item["content"]["parameters"]}
