"""How fast rules are: parsing, compiling and evaluating expressions of Power Fx.

    python -m benchmarks.powerfx_speed [--json]

Times are microseconds; of several repetitions the best counts. "evaluate" is ``Program.evaluate``
with labels as they come from a job, and its answer as plain JSON; "parse" is the text to the
syntax tree alone, "compile" all there is to be done once for a rule.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

from shared.rules.powerfx import compile_rule
from shared.rules.powerfx.parser import parse_expression
from shared.rules.powerfx.program import Labels

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE: dict[str, Labels] = {
    "job": {"Escalated": True, "Region": "NA", "Priority": 3, "Wait": 125},
    "worker": {"Skill": 11, "Vendor": "Acme"},
}
EXPRESSIONS = (
    "If(job.Escalated = true, 10, 1)",
    'If(job.Region = "NA", "XBOX_NA_QUEUE", "XBOX_DEFAULT_QUEUE")',
    'worker.Skill * 10 + If(worker.Vendor = "Acme", 5, 0)',
    "If(job.Wait > 60 && job.Priority < 5, job.Priority + 10, job.Priority)",
)
REPETITIONS = 7
CALLS = 2_000


def microseconds(call: Callable[[], object]) -> float:
    """The time of one call: the best average of several rounds."""
    return min(_round(call) for _ in range(REPETITIONS)) / CALLS * 1e6


def _round(call: Callable[[], object]) -> float:
    started = perf_counter()
    for _ in range(CALLS):
        call()
    return perf_counter() - started


def measure(expression: str) -> dict[str, str | float]:
    names = tuple(SCOPE)
    program = compile_rule(expression, names)
    return {
        "expression": expression,
        "evaluate": round(microseconds(lambda: program.evaluate(SCOPE, NOW)), 2),
        "parse": round(microseconds(lambda: parse_expression(expression, 20)), 1),
        "compile": round(microseconds(lambda: compile_rule(expression, names)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    for result in map(measure, EXPRESSIONS):
        line = json.dumps(result) if as_json else "  ".join(f"{k}={v}" for k, v in result.items())
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
