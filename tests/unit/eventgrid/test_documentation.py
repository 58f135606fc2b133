"""docs/reference/events.md tells of every event and every field."""

import re
from pathlib import Path

from pydantic.alias_generators import to_camel

from shared.eventgrid.catalogue import CATALOGUE, render
from shared.eventgrid.payloads import UPDATED_PROPERTY_NAMES
from tests.unit.eventgrid.samples import SAMPLES, recorded

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "events.md"
CODE = frozenset(re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8")))


def test_every_event_type_is_documented() -> None:
    assert {kind.name for kind in CATALOGUE.values()} <= CODE


def test_every_subject_is_documented() -> None:
    placeholder = re.compile(r"\{0\.([\w.]+)\}")
    subjects = {
        placeholder.sub(lambda match: f"{{{_camel_case(match[1])}}}", kind.subject)
        for kind in CATALOGUE.values()
    }

    assert subjects <= CODE


def _camel_case(attribute: str) -> str:
    return to_camel(attribute.replace(".", "_"))


def test_every_field_is_documented() -> None:
    fields = {name for event in SAMPLES for name in render(recorded(event)).data}

    assert fields <= CODE


def test_every_worker_property_is_documented() -> None:
    assert set(UPDATED_PROPERTY_NAMES.values()) <= CODE
