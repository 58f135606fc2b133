"""``python -m infra.event_schemas`` writes the events' JSON Schemas into the documentation."""

import json
from pathlib import Path
from typing import Final

from shared.eventgrid.json_schemas import describe_events

PAGE: Final = Path(__file__).parents[1] / "docs/reference/event-schemas.json"


def text() -> str:
    """As it should stand in the documentation."""
    return json.dumps(describe_events(), indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
