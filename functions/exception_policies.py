"""Operations on exception policies."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import Resource, deletes, lists, reads, upserts
from shared.api.paging import page_request
from shared.services import exception_policies

blueprint = func.Blueprint()

POLICIES = "routing/exceptionPolicies"
POLICY = f"{POLICIES}/{{exceptionPolicyId}}"

RESOURCE = Resource(
    "exception policy", "exception policies", lambda version: version.exception_policy
)


@operation(blueprint, "PATCH", POLICY, upserts(RESOURCE))
async def upsert_exception_policy(call: Call) -> Response:
    model, policy_id = call.version.exception_policy, call.ids["exceptionPolicyId"]
    define, condition = call.patched(model, policy_id), precondition(call.request)
    policy = await exception_policies.upsert_exception_policy(
        call.router, policy_id, define, condition
    )
    return answers.upserted(model, policy)


@operation(blueprint, "GET", POLICY, reads(RESOURCE))
async def get_exception_policy(call: Call) -> Response:
    policy_id = call.ids["exceptionPolicyId"]
    policy = await exception_policies.get_exception_policy(call.router, policy_id)
    return answers.found(call.request, call.version.exception_policy, policy)


@operation(blueprint, "GET", POLICIES, lists(RESOURCE))
async def list_exception_policies(call: Call) -> Response:
    page = page_request(call.query)
    policies = await exception_policies.list_exception_policies(
        call.router, page.size, page.continuation
    )
    return answers.listed(call.request, call.query, call.version.exception_policy, policies)


@operation(blueprint, "DELETE", POLICY, deletes(RESOURCE))
async def delete_exception_policy(call: Call) -> Response:
    policy_id = call.ids["exceptionPolicyId"]
    await exception_policies.delete_exception_policy(call.router, policy_id)
    return answers.deleted()
