from itertools import pairwise

import pytest

from shared.api.authentication import Caller
from shared.api.errors import Forbidden
from shared.api.roles import Role, granted_role, required_role

R, O, A = Role.READER, Role.OPERATOR, Role.ADMINISTRATOR  # noqa: E741


def test_each_role_includes_the_one_before() -> None:
    assert list(Role) == [R, O, A]
    assert all(lower < higher for lower, higher in pairwise(Role))


def test_the_names_of_the_roles_in_tokens() -> None:
    names = [role.app_role for role in Role]
    assert names == ["JobRouter.Reader", "JobRouter.Operator", "JobRouter.Administrator"]


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        (["JobRouter.Reader"], R),
        (["JobRouter.Operator"], O),
        (["JobRouter.Administrator"], A),
        (["JobRouter.Operator", "JobRouter.Reader", "Other"], O),
        (["Reader", "jobrouter.reader", "JobRouter.", "JobRouter.Owner"], None),
        ([["JobRouter.Reader"], {"JobRouter.Reader": 1}, 3, None], None),
        ([], None),
        ("JobRouter.Administrator", None),
        ({"JobRouter.Administrator": True}, None),
        (None, None),
    ],
)
def test_the_highest_role_that_a_token_names_counts(claim: object, role: Role | None) -> None:
    assert granted_role(claim) is role


@pytest.mark.parametrize(
    ("method", "template", "role"),
    [
        ("GET", "routing/queues/{queueId}", R),
        ("GET", "routing/jobs", R),
        ("PATCH", "routing/jobs/{jobId}", O),
        ("POST", "routing/jobs/{jobId}/assignments/{assignmentId}:close", O),
        ("POST", "routing/workers/{workerId}/offers/{offerId}:accept", O),
        ("DELETE", "routing/workers/{workerId}", O),
        ("PATCH", "routing/queues/{queueId}", A),
        ("DELETE", "routing/distributionPolicies/{distributionPolicyId}", A),
        ("PATCH", "routing/anything/{id}", A),
        ("POST", "routing/anything", A),
    ],
)
def test_the_role_that_an_operation_needs(method: str, template: str, role: Role) -> None:
    assert required_role(method, template) is role


@pytest.mark.parametrize("required", Role)
@pytest.mark.parametrize("role", [None, *Role])
def test_a_caller_needs_the_role_or_a_higher_one(role: Role | None, required: Role) -> None:
    caller = Caller(role)
    if role is not None and role >= required:
        caller.require(required)
    else:
        with pytest.raises(Forbidden, match=required.app_role):
            caller.require(required)
