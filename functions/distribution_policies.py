"""Operations on distribution policies."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import Resource, deletes, lists, reads, upserts
from shared.api.paging import page_request
from shared.services import distribution_policies

blueprint = func.Blueprint()

POLICIES = "routing/distributionPolicies"
POLICY = f"{POLICIES}/{{distributionPolicyId}}"

RESOURCE = Resource(
    "distribution policy", "distribution policies", lambda version: version.distribution_policy
)


@operation(blueprint, "PATCH", POLICY, upserts(RESOURCE))
async def upsert_distribution_policy(call: Call) -> Response:
    model, policy_id = call.version.distribution_policy, call.ids["distributionPolicyId"]
    define, condition = call.patched(model, policy_id), precondition(call.request)
    policy = await distribution_policies.upsert_distribution_policy(
        call.router, policy_id, define, condition
    )
    return answers.upserted(model, policy)


@operation(blueprint, "GET", POLICY, reads(RESOURCE))
async def get_distribution_policy(call: Call) -> Response:
    policy_id = call.ids["distributionPolicyId"]
    policy = await distribution_policies.get_distribution_policy(call.router, policy_id)
    return answers.found(call.request, call.version.distribution_policy, policy)


@operation(blueprint, "GET", POLICIES, lists(RESOURCE))
async def list_distribution_policies(call: Call) -> Response:
    page = page_request(call.query)
    policies = await distribution_policies.list_distribution_policies(
        call.router, page.size, page.continuation
    )
    return answers.listed(call.request, call.query, call.version.distribution_policy, policies)


@operation(blueprint, "DELETE", POLICY, deletes(RESOURCE))
async def delete_distribution_policy(call: Call) -> Response:
    policy_id = call.ids["distributionPolicyId"]
    await distribution_policies.delete_distribution_policy(call.router, policy_id)
    return answers.deleted()
