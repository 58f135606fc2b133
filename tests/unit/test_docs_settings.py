"""Every setting that the code reads is documented, and no other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("functions", "shared", "infra")
PAGES = ("docs/reference/settings.md", "docs/how-to/run-locally.md")

_NAME = re.compile(r"JOBROUTER_[A-Z_]*[A-Z]")
_SCHEDULED = re.compile(r'\bschedule\("([A-Z_]+)"')


def settings_read() -> set[str]:
    sources = [p.read_text(encoding="utf-8") for f in FOLDERS for p in ROOT.glob(f"{f}/**/*.py")]
    named = {name for source in sources for name in _NAME.findall(source)}
    schedules = {
        f"JOBROUTER_{s}_SCHEDULE" for source in sources for s in _SCHEDULED.findall(source)
    }
    assert named
    assert schedules
    return named | schedules


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_every_setting(page: str) -> None:
    assert set(_NAME.findall((ROOT / page).read_text(encoding="utf-8"))) == settings_read()
