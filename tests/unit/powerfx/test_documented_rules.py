"""The rules that the hosted service's documentation and samples use, with and without the label."""

import pytest

from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate

type Labels = dict[str, bool | str | float]

RULES: list[tuple[str, Labels, Plain, Plain]] = [
    ("If(job.Escalated = true, 10, 1)", {"Escalated": True}, 10, 1),
    ("If(job.Escalated = true, 10, 5)", {"Escalated": True}, 10, 5),
    ("If(job.Urgent = true, 10, 5)", {"Urgent": True}, 10, 5),
    ("If(job.Hardware_VIP = true, 10, 1)", {"Hardware_VIP": True}, 10, 1),
    ('If(job.department = "xbox", 2, 1)', {"department": "xbox"}, 2, 1),
    ('If(job.HighPriority = "true", 50, 10)', {"HighPriority": "true"}, 50, 10),
    ('If(job.HighPriority = "true", true, false)', {"HighPriority": "true"}, True, False),
    ('If(job.Product = "O365", true, false)', {"Product": "O365"}, True, False),
    (
        'If(job.Location = "United States", true, false)',
        {"Location": "United States"},
        True,
        False,
    ),
    (
        'If(job.Region = "NA", "XBOX_NA_QUEUE", "XBOX_DEFAULT_QUEUE")',
        {"Region": "NA"},
        "XBOX_NA_QUEUE",
        "XBOX_DEFAULT_QUEUE",
    ),
    (
        'If(job.Escalated = true, "XBOX_Queue", "XBOX_Escalation_Queue")',
        {"Escalated": True},
        "XBOX_Queue",
        "XBOX_Escalation_Queue",
    ),
    ('job.Region = "NA"', {"Region": "NA"}, True, False),
    ("job.Escalated = true", {"Escalated": True}, True, False),
    ("job.Urgent = true", {"Urgent": True}, True, False),
    ("1", {}, 1, 1),
    ("2", {}, 2, 2),
]


@pytest.mark.parametrize(("rule", "labels", "with_label", "without"), RULES)
def test_a_documented_rule(rule: str, labels: Labels, with_label: Plain, without: Plain) -> None:
    assert evaluate(rule, {"job": labels}) == with_label
    assert evaluate(rule, {"job": {}}) == without


def test_a_worker_without_the_label_is_still_scored() -> None:
    rule = "If(worker.HandleEscalation = true, 100, 1)"
    assert evaluate(rule, {"worker": {"Id": "w1", "HandleEscalation": True}}) == 100
    assert evaluate(rule, {"worker": {"Id": "w2"}}) == 1
