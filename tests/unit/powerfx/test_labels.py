"""Labels: missing ones are Blank, and the types of the others are known when there are values."""

from types import MappingProxyType

import pytest

from shared.rules.powerfx.program import Labels, Plain
from tests.unit.powerfx.evaluation import Input, evaluate, failure, of_job, refusal


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("job.Missing", None),
        ("job.Missing = true", False),
        ('job.Missing = "x"', False),
        ("job.Missing <> true", True),
        ("job.Missing = Blank()", True),
        ("job.Missing = 0", False),
        ("job.Missing < 1", True),
        ("job.Missing + 1", 1),
        ('job.Missing & "x"', "x"),
        ("!job.Missing", True),
        ("If(job.Missing, 1, 2)", 2),
        ("IsBlank(job.Missing)", True),
        ("Coalesce(job.Missing, 7)", 7),
        ("Len(job.Missing)", 0),
        ("Lower(job.Missing)", ""),
        ('job.Missing in ["a", "b"]', False),
    ],
)
def test_a_missing_label_is_blank(expression: str, expected: Plain) -> None:
    assert of_job(expression) == expected


def test_labels_keep_their_types() -> None:
    assert of_job("job.Flag", Flag=False) is False
    assert of_job("job.Name", Name="ann") == "ann"
    assert of_job("job.Level", Level=3) == 3
    assert of_job("job.Level", Level=2.5) == 2.5


def test_numbers_of_labels_are_decimals() -> None:
    assert of_job("job.Share + 0.2 = 0.3", Share=0.1) is True
    assert of_job("job.Big = 9007199254740991", Big=2**53 - 1) is True


def test_numbers_beyond_decimals_are_floats() -> None:
    assert of_job("job.Huge * 2", Huge=1e300) == 2e300


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**40])
def test_what_json_has_no_number_for_is_refused(value: float) -> None:
    assert failure("job.Level", {"job": {"Level": value}}) == "InvalidArgument"


@pytest.mark.parametrize(
    ("expression", "label", "expected"),
    [
        ("job.Urgent = true", "true", False),
        ("job.Level = 3", "3", False),
        ('job.Level = "3"', 3, False),
        ("job.Flag = 1", True, False),
        ("job.Flag <> 1", True, True),
    ],
)
def test_values_of_different_kinds_are_not_equal(
    expression: str, label: bool | str | int, expected: Plain
) -> None:
    name = expression.split()[0].removeprefix("job.")
    assert evaluate(expression, {"job": {name: label}}) == expected


def test_text_labels_are_converted_where_numbers_are_needed() -> None:
    assert of_job("job.Amount + 1", Amount="1,250.50") == 1251.5
    assert failure("job.Amount + 1", {"job": {"Amount": "many"}}) == "InvalidArgument"


def test_a_label_has_an_order_if_it_is_a_number() -> None:
    assert of_job("job.Wait > 60", Wait=61) is True
    assert failure("job.Wait > 60", {"job": {"Wait": "61"}}) == "InvalidArgument"


def test_conditions_take_booleans_numbers_and_their_words() -> None:
    for label in (True, 1, -0.5, "true", "TRUE"):
        assert evaluate("If(job.Flag, 1, 2)", {"job": {"Flag": label}}) == 1
    for other in (False, 0, "false", ""):
        assert evaluate("If(job.Flag, 1, 2)", {"job": {"Flag": other}}) == 2
    assert failure("If(job.Flag, 1, 2)", {"job": {"Flag": "yes"}}) == "InvalidArgument"


def test_names_are_case_sensitive() -> None:
    assert of_job("job.region", Region="NA") is None


def test_a_name_may_be_quoted_or_follow_an_exclamation_mark() -> None:
    labels = {"job": {"Region of work": "NA", "Region": "EU"}}
    assert evaluate("job.'Region of work'", labels) == "NA"
    assert evaluate("'job'!Region", labels) == "EU"


def test_any_mapping_of_labels_will_do() -> None:
    assert evaluate("job.Level + 1", {"job": MappingProxyType({"Level": 1})}) == 2


def test_several_roots() -> None:
    scope = {"job": {"Level": 2}, "worker": {"Level": 3}, "queue": {"Level": 4}}
    assert evaluate("job.Level + worker.Level * queue.Level", scope) == 14


def test_selectors_are_a_table() -> None:
    selectors: list[Labels] = [
        {"key": "English", "operator": "greaterThan", "value": 5},
        {"key": "Chat", "operator": "equal", "value": True},
    ]
    scope: Input = {"selectors": selectors, "worker": {"English": 7}}
    assert evaluate('CountRows(Filter(selectors, operator = "equal"))', scope) == 1
    assert evaluate('LookUp(selectors, key = "English", value) < worker.English', scope) is True
    assert refusal("Filter(selectors, kye = 1)", ("selectors",)).suggestion == "key"


def test_the_columns_of_workers_are_their_labels() -> None:
    workers: list[Labels] = [{"Id": "w1", "Skill": 3}, {"Id": "w2", "Skill": 9, "Busy": True}]
    scope: Input = {"workers": workers, "job": {"Skill": 5}}
    assert evaluate("CountIf(workers, Skill > 2, !Busy)", scope) == 1
    assert evaluate("First(Sort(workers, Skill, SortOrder.Descending)).Id", scope) == "w2"
    assert evaluate("LookUp(workers As w, w.Skill > job.Skill).Id", scope) == "w2"
    assert evaluate("Sum(workers, Skill)", scope) == 12


def test_only_the_given_roots_are_known() -> None:
    assert refusal("worker.Level").suggestion is None
    assert refusal("jop.Level").suggestion == "job"


def test_a_record_of_labels_can_be_opened() -> None:
    assert of_job("With(job, Level + Bonus)", Level=1, Bonus=2) == 3
