"""The queries of alerts, workbook and documentation are right, by Microsoft's own parser of KQL.

It knows the language, and the columns of the tables with their types.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.files import ALERTS, INFRA, ROOT
from tests.infra.kusto.parser import Analysis, analyse

WORKBOOK = INFRA / "app" / "workbook.json"
OBSERVE = ROOT / "docs/how-to/observe.md"
PARAMETERS = {"{TimeRange:grain}": "5m"}
"""What the workbook's queries have in place of values."""

RIGHT = """\
AppMetrics
| where Name == 'jobrouter.offers' and TimeGenerated > ago(1h)
| summarize Offers = sum(Sum) by Outcome = tostring(Properties['jobrouter.offer.outcome'])
| order by Offers desc
"""
FAULTS = {
    "AppMetrics": "AppMetric",
    "summarize": "summarise",
    "Name ==": "name ==",
    "sum(Sum)": "sum(Value)",
    "(Sum)": "(Name)",
    "tostring(": "tostr(",
    "TimeGenerated > ago(1h)": "TimeGenerated > 'today'",
    "order by Offers": "order by Offer",
    "by Outcome": "by by Outcome",
    "outcome'])": "outcome'",
}


def alerts() -> dict[str, str]:
    text = ALERTS.read_text("utf-8")
    found = re.findall(r"name: '([a-z-]+)'(?:(?!name:).)*?query: '''\n(.*?)'''", text, re.DOTALL)
    assert len(found) == text.count("query: '''")
    return dict(found)


def charts() -> dict[str, str]:
    return dict(_queries_in(json.loads(WORKBOOK.read_text("utf-8"))))


def _queries_in(item: Any) -> Iterator[tuple[str, str]]:
    if isinstance(item, Mapping):
        if "query" in item:
            yield item["title"], _with_values(item["query"])
        item = list(item.values())
    if isinstance(item, list):
        for part in item:
            yield from _queries_in(part)


def _with_values(query: str) -> str:
    for name, value in PARAMETERS.items():
        query = query.replace(name, value)
    return query


def documented() -> dict[str, str]:
    blocks = re.findall(r"^```kusto\n(.*?)^```$", OBSERVE.read_text("utf-8"), re.M | re.S)
    return {f"observe-{number}": block for number, block in enumerate(blocks)}


QUERIES = {**alerts(), **charts(), **documented()}
WRONG = {fault: RIGHT.replace(fault, replacement) for fault, replacement in FAULTS.items()}


@pytest.fixture(scope="module")
def analysis() -> Mapping[str, Analysis]:
    """Of all at once, as to start the parser takes longer than to ask it."""
    queries = {**QUERIES, **WRONG, "right": RIGHT}
    return dict(zip(queries, analyse([*queries.values()]), strict=True))


def test_there_are_queries() -> None:
    assert len(alerts()) >= 4
    assert len(charts()) >= 10
    assert documented()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_right(analysis: Mapping[str, Analysis], name: str) -> None:
    assert analysis[name].faults == []
    assert analysis[name].columns


@pytest.mark.parametrize("name", alerts())
def test_an_alert_compares_a_number(analysis: Mapping[str, Analysis], name: str) -> None:
    assert analysis[name].columns["value"] in {"long", "real"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_query_is_found(analysis: Mapping[str, Analysis], fault: str) -> None:
    assert analysis["right"].faults == []
    assert WRONG[fault] != RIGHT
    assert analysis[fault].faults
