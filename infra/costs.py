"""``python -m infra.costs`` estimates what a router costs in a month.

docs/how-to/estimate-the-cost.md has the formula and the prices' source. Prices are assumptions: US
dollars without tax, list prices of the region East US as they were in 2025.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

JOBS_A_DAY: Final = (10, 1_000, 100_000)
DAYS: Final = 30
SECONDS: Final = DAYS * 24 * 3600
MILLION: Final = 1_000_000

REQUESTS_PER_JOB: Final = 4
EVENTS_PER_JOB: Final = 6
EVENT_OPERATIONS: Final = 2
"""Of one event with one subscriber: published, delivered."""
UNITS_PER_JOB: Final = 95
UNITS_PER_SEGMENT: Final = 12
SEGMENT_SECONDS: Final = 3
"""Whatever is committed in so many seconds shares a segment of the outbox."""
UNITS_OF_SWEEPS: Final = 7.2
"""Request units a second of sweeps with the default schedules that find nothing to do."""
KILOBYTES_PER_JOB: Final = 3
DAYS_KEPT: Final = 30
"""Before the application deletes a job."""

DEFAULT_SCHEDULES: Final[Mapping[str, str]] = {
    "match": "*/5 * * * * *",
    "expire": "* * * * * *",
    "deregister_idle_workers": "0 * * * * *",
    "tell_changed_conditions": "*/5 * * * * *",
    "publish_outbox": "*/5 * * * * *",
    "observe_queues": "30 * * * * *",
}

GB_SECOND: Final = 0.000026
FREE_GB_SECONDS: Final = 100_000
MILLION_EXECUTIONS: Final = 0.40
FREE_EXECUTIONS: Final = 250_000
MILLION_UNITS: Final = 0.25
STORED_GB: Final = 0.25
MILLION_OPERATIONS: Final = 0.60
FREE_OPERATIONS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """US dollars a month."""

    jobs_a_day: int
    functions: float
    database: float
    events: float

    @property
    def total(self) -> float:
        return self.functions + self.database + self.events


def estimate(
    jobs_a_day: int, memory_mb: int = 2048, schedules: Mapping[str, str] = DEFAULT_SCHEDULES
) -> Estimate:
    """``memory_mb``: of an instance of the function app. On demand, serverless, one subscriber."""
    jobs = jobs_a_day * DAYS
    runs = sum(runs_a_minute(schedule) for schedule in schedules.values()) * SECONDS / 60
    pace = runs / (_default_runs_a_minute() * SECONDS / 60)
    return Estimate(
        jobs_a_day=jobs_a_day,
        functions=_functions(jobs * REQUESTS_PER_JOB, runs, memory_mb / 1024),
        database=_database(jobs, UNITS_OF_SWEEPS * pace * SECONDS),
        events=_beyond(FREE_OPERATIONS, jobs * EVENTS_PER_JOB * EVENT_OPERATIONS)
        * MILLION_OPERATIONS
        / MILLION,
    )


def runs_a_minute(schedule: str) -> int:
    """Of a schedule that differs in its first field alone: ``*``, ``*/n`` or a second."""
    seconds = schedule.partition(" ")[0]
    every = seconds.removeprefix("*/") if seconds != "*" else "1"
    return 60 // int(every) if seconds.startswith("*") else 1


def _default_runs_a_minute() -> int:
    return sum(map(runs_a_minute, DEFAULT_SCHEDULES.values()))


def _functions(requests: int, runs: float, memory_gb: float) -> float:
    """Each run of a timer is billed for a second, the least there is. So are requests that stand
    alone; many of them share an instance, which costs no more than all the seconds there are."""
    seconds = runs + min(requests, SECONDS)
    compute = _beyond(FREE_GB_SECONDS, seconds * memory_gb) * GB_SECOND
    executions = _beyond(FREE_EXECUTIONS, runs + requests) * MILLION_EXECUTIONS / MILLION
    return compute + executions


def _database(jobs: int, sweep_units: float) -> float:
    segments = min(jobs * REQUESTS_PER_JOB, SECONDS / SEGMENT_SECONDS)
    units = jobs * UNITS_PER_JOB + segments * UNITS_PER_SEGMENT + sweep_units
    stored_gb = jobs / DAYS * DAYS_KEPT * KILOBYTES_PER_JOB / MILLION
    return units * MILLION_UNITS / MILLION + stored_gb * STORED_GB


def _beyond(free: int, used: float) -> float:
    return max(0.0, used - free)


def table(estimates: Sequence[Estimate]) -> str:
    """As Markdown."""
    head = "| Jobs a day | Functions | Cosmos DB | Event Grid | Total |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {e.jobs_a_day:,} | {e.functions:.0f} | {e.database:.0f} | {e.events:.0f}"
        f" | **{e.total:.0f}** |\n"
        for e in estimates
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.costs", description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=JOBS_A_DAY, help="a day")
    parser.add_argument("--memory", type=int, default=2048, help="of an instance, in MB")
    parser.add_argument(
        "--schedule",
        type=_schedule,
        action="append",
        default=[],
        metavar="NAME=SECONDS",
        help="a timer that runs every so many seconds; may be repeated",
    )
    options = parser.parse_args(arguments)
    schedules = {**DEFAULT_SCHEDULES, **dict(options.schedule)}
    sys.stdout.write(table([estimate(jobs, options.memory, schedules) for jobs in options.jobs]))


def _schedule(option: str) -> tuple[str, str]:
    name, _, seconds = option.partition("=")
    if name not in DEFAULT_SCHEDULES or not seconds.isdigit() or not 1 <= int(seconds) <= 60:
        raise argparse.ArgumentTypeError(f"not a timer and 1 to 60 seconds: {option}")
    return name, f"*/{seconds} * * * * *"


if __name__ == "__main__":
    main()
