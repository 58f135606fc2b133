"""The estimate of costs: its arithmetic, and that its figures are those of the other pages."""

import re
import shlex
from pathlib import Path

import pytest

from infra.costs import (
    DEFAULT_SCHEDULES,
    FREE_GB_SECONDS,
    GB_SECOND,
    SECONDS,
    SEGMENT_SECONDS,
    UNITS_OF_SWEEPS,
    UNITS_PER_JOB,
    UNITS_PER_SEGMENT,
    estimate,
    main,
    runs_a_minute,
)
from shared.storage.cosmos.segments import USUAL_PACE
from tests.functions.test_index import SCHEDULES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to/estimate-the-cost.md").read_text(encoding="utf-8")
PERFORMANCE = " ".join((DOCS / "reference/performance.md").read_text(encoding="utf-8").split())
EXAMPLE = re.compile(r"^python -m infra\.costs([^`]*)\n```\n\n((?:\|.*\n)+)", re.MULTILINE)


@pytest.mark.parametrize(("options", "table"), EXAMPLE.findall(PAGE), ids=["default", "less"])
def test_the_page_shows_what_the_command_prints(
    options: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(shlex.split(options.replace("\\\n", " ")))
    assert capsys.readouterr().out == table


def test_the_page_has_examples() -> None:
    assert len(EXAMPLE.findall(PAGE)) == 2


def test_request_units_are_those_that_were_measured() -> None:
    assert f"| **all** | **{UNITS_PER_JOB}** |" in PERFORMANCE
    assert f"{UNITS_OF_SWEEPS} RU/s with one queue" in PERFORMANCE


def test_segments_are_those_of_the_store() -> None:
    assert f"{UNITS_PER_SEGMENT} RU for each {SEGMENT_SECONDS} seconds" in PERFORMANCE
    assert USUAL_PACE.open == SEGMENT_SECONDS


def test_schedules_are_those_of_the_app() -> None:
    assert DEFAULT_SCHEDULES == SCHEDULES


@pytest.mark.parametrize(
    ("schedule", "runs"), [("* * * * * *", 60), ("*/5 * * * * *", 12), ("30 * * * * *", 1)]
)
def test_runs_a_minute(schedule: str, runs: int) -> None:
    assert runs_a_minute(schedule) == runs


def test_one_timer_that_always_runs_costs_all_seconds() -> None:
    alone = estimate(0, memory_mb=1024, schedules={"expire": "* * * * * *"})
    executions = (SECONDS - 250_000) * 0.40 / 1e6
    assert alone.functions == pytest.approx((SECONDS - FREE_GB_SECONDS) * GB_SECOND + executions)
    assert alone.events == 0


def test_what_grows_with_the_jobs() -> None:
    few, many = estimate(100_000), estimate(200_000)  # All seconds are busy with both.
    jobs = 100_000 * 30
    assert many.database - few.database == pytest.approx(
        jobs * UNITS_PER_JOB * 0.25 / 1e6 + 100_000 * 30 * 3 / 1e6 * 0.25
    )
    assert many.events - few.events == pytest.approx(jobs * 12 * 0.60 / 1e6)


@pytest.mark.parametrize("option", ["expire=0", "other=5", "match=x"])
def test_another_schedule_is_refused(option: str) -> None:
    with pytest.raises(SystemExit):
        main(["--schedule", option])
