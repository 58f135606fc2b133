"""Whatever is written, evaluation ends soon, and with nothing but the language's own errors."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.rules.powerfx import ExpressionError, PowerFxError, compile_rule
from shared.rules.powerfx.library import FUNCTIONS
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import failure

SECONDS = 2.0
NAMES = ("job", "worker", "queue", "selectors", "workers")

CALLABLE = sorted(name for name in FUNCTIONS if name[0].isupper())
OPERATORS = ["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">=", "&&", "||", "in", "exactin"]
LEAVES = [
    "0", "1", "-2.5", "1e28", "1e-28", "Float(3)", 'Float("1e308")', '"text"', '""', '"12"', "true",
    "Blank()", "1/0", "job.a", "job.b", "worker.Level", "ThisRecord", "Value", "a", "{a: 1}", "[]",
    '[1, "2", Blank()]', "Table({a: 1}, {b: true})", "selectors", "workers", "First(workers)",
    "SortOrder.Descending", "TimeUnit.Months", "StartOfWeek.Monday", "ErrorKind.Div0", "Today()",
    "Now()", "Time(1, 2, 3)", "Date(9999, 12, 31)", '"0.0%"', '"yyyy-mm-dd"', '"2024-02-29"',
    "FirstError", "AllErrors", "Sequence(3)", 'Error("x")', "If(false, 1)", "If(false, [1])",
]  # fmt: skip
TOKENS = [
    *LEAVES,
    *CALLABLE,
    *OPERATORS,
    *"()[]{},:.!%;$\"'",
    "As x",
    "Not ",
    " ",
    "\n",
    '$"',
    "//",
]


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of expressions."""
    few = st.lists(inner, max_size=4).map(", ".join)
    return st.one_of(
        st.tuples(st.sampled_from(CALLABLE), few).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map(lambda text: f"(-{text})"),
        inner.map(lambda text: f"({text}).Value"),
        few.map(lambda text: f"[{text}]"),
        inner.map(lambda text: f"{{a: {text}}}"),
        inner.map(lambda text: f'$"{{{text}}}"'),
    )


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), combined, max_leaves=8)
SOUP = st.lists(st.sampled_from(TOKENS), max_size=30).map("".join)
LABELS = st.dictionaries(
    st.sampled_from(["a", "b", "Level", "Value"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
)


def outcome(text: str, scope: dict[str, Any]) -> Plain | PowerFxError:
    started = perf_counter()
    try:
        return compile_rule(text, NAMES).evaluate(scope, datetime(2026, 3, 4, tzinfo=UTC))
    except PowerFxError as error:
        return error
    finally:
        assert perf_counter() - started < SECONDS


@given(text=st.text(max_size=60) | SOUP)
@example("0" * 400)
@example("1e999999999999999999999")
@example("'" * 999)
@example('$"{' * 300)
@example("(" * 999)
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    outcome(text, {"job": {}})


@given(text=EXPRESSIONS, job=LABELS, worker=LABELS)
@settings(max_examples=600, deadline=None)
def test_any_expression(text: str, job: dict[str, Any], worker: dict[str, Any]) -> None:
    scope = {
        "job": job,
        "worker": worker,
        "workers": [worker, job],
        "selectors": [{"key": "a", "operator": "equal", "value": 1}],
    }
    outcome(text, scope)


@given(name=st.sampled_from(CALLABLE), labels=LABELS, count=st.integers(0, 5))
@settings(max_examples=500, deadline=None)
def test_every_function_with_any_label(name: str, labels: dict[str, Any], count: int) -> None:
    arguments = ["job.a", "job.b", "job.Level", "job.Value", "job.none"][:count]
    outcome(f"{name}({', '.join(arguments)})", {"job": labels})


@pytest.mark.parametrize(
    "expression",
    [
        "Year(job.Text)",
        "Value(job.Text)",
        "TimeValue(job.Text)",
        "Text(1, job.Text)",
        "Text(Now(), job.Text)",
        'Value("1", job.Text)',
        "Error({Kind: job.Text})",
    ],
)
@pytest.mark.parametrize("unit", ["9", "0", "May 9", "1,", "1:", "%", "d", "(", " ", "-", "1e9"])
def test_long_labels(expression: str, unit: str) -> None:
    outcome(expression, {"job": {"Text": unit * 20_000}})


def test_results_do_not_grow_without_bounds() -> None:
    squared = "With({t: Sequence(400)}, ForAll(t, t))"
    assert failure(f"CountRows(ForAll(Sequence(400), {squared}))") == "QuotaExceeded"


def test_no_function_evaluates_patterns() -> None:
    for name in ("IsMatch", "Match", "MatchAll"):
        with pytest.raises(ExpressionError):
            compile_rule(f'{name}(job.a, "(a+)+b")')
