"""How much of Power Fx the rules' expression language is: scored against cases with known answers.

    python -m benchmarks.powerfx_corpus CORPUS [--golden GOLDEN --env ENV] [--json] [--failures]
                                        [--ratchet FILE [--update]]

CORPUS and GOLDEN are files with a JSON object in each line. A case of the corpus has ``expr``,
``expected``, ``kind`` (``value``, ``error`` or ``compile_error``), ``tier`` and perhaps ``tz``; a
golden one has ``expr``, ``kind`` and ``result``, and starts from the names in the object ENV.

A case is *passed* if the value or the kind of error is the expected one, or if the expression is
refused where it should be. It is *unsupported*, and not passed, if it calls a function that the
language here does not have. Floats may be off by a hundred-thousandth; decimals may not.

The ratchet file holds a hash of each case that passes. Without ``--update``, a case that passed
once and does not any more makes the program fail.

Cases that are meant to come out differently here are listed in ``DEVIATIONS`` with the reason. They
are among the failed ones, and counted once more as *intended*.
"""

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.rules.powerfx import ExpressionError, Limits, PowerFxError, compile_rule
from shared.rules.powerfx.decimals import fit, parse, to_text
from shared.rules.powerfx.library import FUNCTIONS
from shared.rules.powerfx.moments import Moment
from shared.rules.powerfx.numerals import float_text
from shared.rules.powerfx.parser import parse_expression
from shared.rules.powerfx.syntax import Call, Node, children
from shared.rules.powerfx.values import Date, DateTime, Failure, Member, Record, Table, Time, Value

LIMITS = Limits(characters=100_000, nesting=50, steps=1_000_000)
"""The cases ask for meaning, not for limits."""
FLOAT_TOLERANCE = Decimal("0.00001")
ZONES = {
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Middle East Standard Time": "Asia/Beirut",
    "GMT Standard Time": "Europe/London",
    "Lord Howe Standard Time": "Australia/Lord_Howe",
    "UTC": "UTC",
}
DEVIATIONS: Mapping[str, str] = {
    "50985db23d9f": "a label that is missing is Blank, not an unknown name",
    "992dd45a2bba": "a label has no type before there is a value, so comparing it is not refused",
    "561a9372722a": "names of months are read in English only",
}
"""Cases that come out differently on purpose, by hash. They count as failed."""


class Verdict(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Case:
    """An expression and what should become of it."""

    tier: str
    kind: str
    expression: str
    expected: str
    zone: str | None = None

    @property
    def digest(self) -> str:
        """Identifies the case without repeating it."""
        text = "\0".join((self.kind, self.expression, self.expected, self.zone or ""))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``answer`` is what came out, as an expression."""

    case: Case
    verdict: Verdict
    answer: str


# Reading


def read_corpus(path: Path) -> Iterator[Case]:
    for row in _lines(path):
        yield Case(
            str(row["tier"]),
            str(row["kind"]),
            str(row["expr"]),
            str(row["expected"]),
            None if row.get("tz") is None else str(row["tz"]),
        )


def read_golden(path: Path) -> Iterator[Case]:
    for row in _lines(path):
        result = row["result"]
        expected = "|".join(result) if isinstance(result, list) else str(result)
        yield Case("golden", str(row["kind"]), str(row["expr"]), expected)


def _lines(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


# Judging


def judge(case: Case, scope: Mapping[str, object]) -> Outcome:
    """Evaluate the case's expression and compare."""
    if case.kind != "compile_error" and _is_unsupported(case.expression):
        return Outcome(case, Verdict.UNSUPPORTED, "")
    answer = _answer(case, scope)
    if case.kind == "compile_error":
        return Outcome(case, _judge_refusal(case, answer), answer)
    passed = same(answer, case.expected)
    return Outcome(case, Verdict.PASSED if passed else Verdict.FAILED, answer)


def _answer(case: Case, scope: Mapping[str, object]) -> str:
    try:
        program = compile_rule(case.expression, tuple(scope), LIMITS)
    except ExpressionError as error:
        return f"Refused: {error}"
    except Exception as error:
        return f"Crashed: {error!r}"
    try:
        return render(program.run(scope, datetime.now(_zone(case))))
    except PowerFxError as error:
        return f"Stopped: {error}"
    except Exception as error:
        return f"Crashed: {error!r}"


def _zone(case: Case) -> tzinfo:
    return UTC if case.zone in (None, "UTC") else ZoneInfo(ZONES[case.zone])


def _judge_refusal(case: Case, answer: str) -> Verdict:
    if not answer.startswith("Refused"):
        return Verdict.FAILED
    if _is_unsupported(case.expression) and "unknown or unsupported function" not in case.expected:
        return Verdict.UNSUPPORTED
    return Verdict.PASSED


def _is_unsupported(expression: str) -> bool:
    try:
        tree = parse_expression(expression, LIMITS.nesting)
    except ExpressionError:
        return False
    return any(isinstance(node, Call) and node.function not in FUNCTIONS for node in _all(tree))


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _all(child)


# Values as expressions


def render(value: Value) -> str:
    """A value as an expression for it; floats are marked with ``~``."""
    match value:
        case None:
            return "Blank()"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return to_text(value)
        case float():
            return f"~{float_text(value)}"
        case str():
            return _quoted(value, '"')
        case Member():
            return f"{value.enumeration}.{value.name}"
        case _:
            return _render_other(value)


def _render_other(value: Moment | Failure | Record | Table) -> str:
    match value:
        case Date() | DateTime() | Time():
            return _render_moment(value)
        case Failure():
            return _render_failure(value)
        case dict():
            return _render_record(value)
        case list():
            return f"Table({','.join(render(row) for row in value)})"


def _render_moment(value: Moment) -> str:
    if isinstance(value, Date):
        return f"Date({value.at.year},{value.at.month},{value.at.day})"
    at = value.at if isinstance(value, DateTime) else datetime(1, 1, 2) + value.passed % DAY
    time = f"{at.hour},{at.minute},{at.second},{at.microsecond // 1000}"
    if isinstance(value, Time):
        return f"Time({time})"
    return f"DateTime({at.year},{at.month},{at.day},{time})"


DAY = timedelta(days=1)


def _render_failure(failure: Failure) -> str:
    errors = [f"{{Kind:ErrorKind.{problem.kind}}}" for problem in failure.problems]
    return f"Error({errors[0]})" if len(errors) == 1 else f"Error(Table({','.join(errors)}))"


def _render_record(record: Mapping[str, Value]) -> str:
    fields = sorted(record.items())
    return "{" + ",".join(f"{_name(name)}:{render(field)}" for name, field in fields) + "}"


def _name(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else _quoted(name, "'")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


_TOKEN = re.compile(
    r"""
    "(?:[^"]|"")*" | '(?:[^']|'')*'
    | ~?-?[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]+)?(?![0-9A-Za-z_])
    | [A-Za-z_][A-Za-z_0-9]* | \s+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def same(answer: str, expected: str) -> bool:
    """Whether two expressions are of the same value."""
    if answer == expected:
        return True
    left, right = _TOKEN.findall(answer), _TOKEN.findall(expected)
    return len(left) == len(right) and all(map(_same_token, left, right))


def _same_token(answer: str, expected: str) -> bool:
    if answer == expected:
        return True
    try:
        if answer.startswith("~"):
            return _is_near(Decimal(answer.removeprefix("~")), Decimal(expected))
        return Decimal(answer) == fit(parse(expected))
    except ArithmeticError:
        return False


def _is_near(number: Decimal, wanted: Decimal) -> bool:
    return abs(number - wanted) <= max(FLOAT_TOLERANCE, abs(wanted) * Decimal("1e-14"))


# Reporting


def tally(outcomes: list[Outcome]) -> list[dict[str, str | int]]:
    """One row for each tier and kind."""
    counts = Counter((each.case.tier, each.case.kind, str(each.verdict)) for each in outcomes)
    counts.update(
        (each.case.tier, each.case.kind, "intended")
        for each in outcomes
        if each.verdict is Verdict.FAILED and each.case.digest in DEVIATIONS
    )
    rows: list[dict[str, str | int]] = []
    for tier, kind in sorted({(each.case.tier, each.case.kind) for each in outcomes}):
        verdicts = {str(verdict): counts[tier, kind, str(verdict)] for verdict in Verdict}
        total = sum(verdicts.values())
        intended = counts[tier, kind, "intended"]
        rows.append({"tier": tier, "kind": kind, **verdicts, "total": total, "intended": intended})
    return rows


def lost(outcomes: list[Outcome], ratchet: Path) -> list[Case]:
    """The cases that passed when the ratchet was written and do not now."""
    passed = set(ratchet.read_text(encoding="ascii").split())
    failed = (each.case for each in outcomes if each.verdict is not Verdict.PASSED)
    return [case for case in failed if case.digest in passed]


def write_ratchet(outcomes: list[Outcome], ratchet: Path) -> None:
    digests = {each.case.digest for each in outcomes if each.verdict is Verdict.PASSED}
    ratchet.write_text("".join(f"{digest}\n" for digest in sorted(digests)), encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--golden", type=Path)
    parser.add_argument("--env", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--ratchet", type=Path)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    outcomes = [judge(case, {}) for case in read_corpus(arguments.corpus)]
    if arguments.golden:
        scope = json.loads(arguments.env.read_text(encoding="utf-8"))
        outcomes += [judge(case, scope) for case in read_golden(arguments.golden)]
    if arguments.failures:
        _print_failures(outcomes)
    for row in tally(outcomes):
        line = json.dumps(row) if arguments.json else "  ".join(f"{k}={v}" for k, v in row.items())
        sys.stdout.write(f"{line}\n")
    if arguments.ratchet:
        _check_ratchet(outcomes, arguments.ratchet, update=arguments.update)


def _print_failures(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.verdict is not Verdict.PASSED:
            case = outcome.case
            sys.stdout.write(
                f"{outcome.verdict} {case.tier} {case.kind} {case.digest}\n"
                f"  {case.expression}\n  expected {case.expected}\n  got      {outcome.answer}\n"
            )


def _check_ratchet(outcomes: list[Outcome], ratchet: Path, *, update: bool) -> None:
    if update:
        write_ratchet(outcomes, ratchet)
        return
    if cases := lost(outcomes, ratchet):
        sys.exit("\n".join(f"lost: {case.digest} {case.expression}" for case in cases))


if __name__ == "__main__":
    main()
