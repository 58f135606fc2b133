"""Errors say which rule was broken, and name the thing at fault."""

from shared.domain.errors import (
    Conflict,
    InvalidReference,
    InvalidRules,
    NotFound,
    RouterError,
    RuleProblem,
    unknown_reference,
)


def test_what_is_missing_is_named() -> None:
    error = NotFound("job", "job-1")
    assert (error.kind, error.id) == ("job", "job-1")
    assert str(error) == "The job 'job-1' was not found."


def test_an_unknown_reference_names_the_member_of_the_request() -> None:
    error = unknown_reference("distributionPolicyId", "distribution policy", "policy-1")
    assert (error.code, error.target) == ("DistributionPolicyNotFound", "distributionPolicyId")
    assert str(error) == "The distribution policy 'policy-1' does not exist."


def test_a_broken_rule_has_a_code_and_a_message() -> None:
    conflict = Conflict("JobIsActive", "The job is queued.")
    in_use = InvalidReference("ActiveJobWithQueueExist", "There are active jobs.")
    assert (conflict.code, str(conflict)) == ("JobIsActive", "The job is queued.")
    assert (in_use.code, in_use.target) == ("ActiveJobWithQueueExist", None)


def test_invalid_rules_say_where_and_why() -> None:
    error = InvalidRules([RuleProblem("a.expression", "One."), RuleProblem("b", "Two.")])
    assert [problem.target for problem in error.problems] == ["a.expression", "b"]
    assert str(error) == "One. Two."


def test_every_error_of_the_rules_is_a_router_error() -> None:
    assert {kind.__name__ for kind in RouterError.__subclasses__()} == {
        "NotFound",
        "Conflict",
        "InvalidReference",
        "InvalidRules",
    }
