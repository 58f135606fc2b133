"""docs/reference/events.md tells of every event and every field."""

import re
from pathlib import Path

from shared.eventgrid.catalogue import CATALOGUE, render
from shared.eventgrid.payloads import UPDATED_PROPERTY_NAMES
from tests.unit.eventgrid.samples import SAMPLES, recorded

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "events.md"
CODE = frozenset(re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8")))


def test_every_event_type_is_documented() -> None:
    assert {kind.name for kind in CATALOGUE.values()} <= CODE


def test_every_subject_is_documented() -> None:
    placeholder = re.compile(r"\{0\.(\w)(\w*?)_(\w)(\w+)\}")
    subjects = {
        placeholder.sub(lambda m: f"{{{m[1]}{m[2]}{m[3].upper()}{m[4]}}}", kind.subject)
        for kind in CATALOGUE.values()
    }

    assert subjects <= CODE


def test_every_field_is_documented() -> None:
    fields = {name for event in SAMPLES for name in render(recorded(event)).data}

    assert fields <= CODE


def test_every_worker_property_is_documented() -> None:
    assert set(UPDATED_PROPERTY_NAMES.values()) <= CODE
