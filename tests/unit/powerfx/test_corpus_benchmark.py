"""The scoring of expressions against known answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.powerfx_corpus import Case, Verdict, judge, read_corpus, read_golden, same

ROOT = Path(__file__).parents[3]


def verdict(
    expression: str, expected: str, kind: str = "value", zone: str | None = None
) -> Verdict:
    return judge(Case("T1", kind, expression, expected, zone), {}).verdict


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 1", "2"),
        ("1 / 4", "0.250"),
        ("Float(1) / 3", "0.333333"),
        ('"a" & "b"', '"ab"'),
        ("[1, 2]", "Table({Value:1},{Value:2})"),
        ("{b: 2, 'a b': \"x\"}", "{'a b':\"x\",b:2}"),
        ("Date(2024, 1, 32)", "Date(2024,2,1)"),
        ("Time(25, 0, 0)", "Time(1,0,0,0)"),
        ("DateTime(2024, 1, 1, 1, 2, 3)", "DateTime(2024,1,1,1,2,3,0)"),
        ("Blank()", "Blank()"),
        ("1 = 1", "true"),
        ("TimeUnit.Days", "TimeUnit.Days"),
        ("1 / 0", "Error({Kind:ErrorKind.Div0})"),
        ("1 / 0 + Sqrt(-1)", "Error(Table({Kind:ErrorKind.Div0},{Kind:ErrorKind.Numeric}))"),
    ],
)
def test_a_case_passes_with_the_expected_answer(expression: str, expected: str) -> None:
    assert verdict(expression, expected) is Verdict.PASSED


def test_a_case_fails_with_another_answer() -> None:
    assert verdict("1 + 1", "3") is Verdict.FAILED
    assert verdict("1.000001", "1") is Verdict.FAILED
    assert verdict("Float(1.001)", "1") is Verdict.FAILED
    assert verdict("1 +", "1") is Verdict.FAILED
    assert verdict('"1"', "1") is Verdict.FAILED
    assert verdict("1 / 0", "Error({Kind:ErrorKind.Numeric})", "error") is Verdict.FAILED


def test_what_should_be_refused_must_be() -> None:
    assert verdict("1 +", "Errors: any", "compile_error") is Verdict.PASSED
    assert verdict("1 + 1", "Errors: any", "compile_error") is Verdict.FAILED


def test_a_function_that_is_not_there_is_no_pass() -> None:
    assert verdict("Rand()", "0.5") is Verdict.UNSUPPORTED
    assert verdict("Rand(1)", "Errors: too many arguments", "compile_error") is Verdict.UNSUPPORTED
    text = "Errors: 'Rand' is an unknown or unsupported function."
    assert verdict("Rand()", text, "compile_error") is Verdict.PASSED


def test_a_case_may_be_meant_in_a_zone() -> None:
    expression, zone = "DateTime(2024, 3, 10, 2, 0, 0)", "Pacific Standard Time"
    assert verdict(expression, "DateTime(2024,3,10,3,0,0,0)", zone=zone) is Verdict.PASSED


def test_texts_are_compared_to_the_letter() -> None:
    assert same('{a:"1.0"}', '{a:"1.0"}')
    assert not same('{a:"1.0"}', '{a:"1"}')
    assert same("{a:1.0,b:~2}", "{a:1,b:2.000001}")


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    row = {"file": "x", "line": 1, "kind": "value", "tier": "T1", "tz": None}
    return write(
        tmp_path / "corpus.jsonl",
        {**row, "expr": "1 + 1", "expected": "2"},
        {**row, "expr": "1 + 2", "expected": "4"},
        {**row, "expr": "Rand()", "expected": "4", "tier": "T2"},
    )


def test_cases_are_read(corpus: Path, tmp_path: Path) -> None:
    assert [case.expression for case in read_corpus(corpus)] == ["1 + 1", "1 + 2", "Rand()"]
    golden = write(
        tmp_path / "golden.jsonl",
        {"expr": "job.A", "kind": "value", "type": "Decimal", "result": "1"},
        {"expr": "job", "kind": "compile_error", "result": ["Error 0-1: no", "more"]},
    )
    value, refused = read_golden(golden)
    assert judge(value, {"job": {"A": 1}}).verdict is Verdict.PASSED
    assert refused.expected == "Error 0-1: no|more"


def score(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks.powerfx_corpus", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_program_counts_by_tier_and_kind(corpus: Path) -> None:
    rows = [json.loads(line) for line in score(corpus, "--json").stdout.splitlines()]
    first, second = rows
    assert first == {
        "tier": "T1", "kind": "value",
        "passed": 1, "failed": 1, "unsupported": 0, "total": 2, "intended": 0,
    }  # fmt: skip
    assert (second["tier"], second["unsupported"], second["total"]) == ("T2", 1, 1)


def test_a_lost_pass_is_a_failure(corpus: Path, tmp_path: Path) -> None:
    ratchet = tmp_path / "ratchet.txt"
    assert score(corpus, "--ratchet", ratchet, "--update").returncode == 0
    assert len(ratchet.read_text(encoding="ascii").split()) == 1
    assert score(corpus, "--ratchet", ratchet).returncode == 0
    lost = Case("T1", "value", "1 + 2", "4").digest
    ratchet.write_text(f"{lost}\n", encoding="ascii")
    result = score(corpus, "--ratchet", ratchet)
    assert result.returncode == 1
    assert lost in result.stderr
