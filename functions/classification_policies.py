"""Operations on classification policies."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import Resource, deletes, lists, reads, upserts
from shared.api.paging import page_request
from shared.services import classification_policies

blueprint = func.Blueprint()

POLICIES = "routing/classificationPolicies"
POLICY = f"{POLICIES}/{{classificationPolicyId}}"

RESOURCE = Resource(
    "classification policy",
    "classification policies",
    lambda version: version.classification_policy,
)


@operation(blueprint, "PATCH", POLICY, upserts(RESOURCE))
async def upsert_classification_policy(call: Call) -> Response:
    model, policy_id = call.version.classification_policy, call.ids["classificationPolicyId"]
    define, condition = call.patched(model, policy_id), precondition(call.request)
    policy = await classification_policies.upsert_classification_policy(
        call.router, policy_id, define, condition
    )
    return answers.upserted(model, policy)


@operation(blueprint, "GET", POLICY, reads(RESOURCE))
async def get_classification_policy(call: Call) -> Response:
    policy_id = call.ids["classificationPolicyId"]
    policy = await classification_policies.get_classification_policy(call.router, policy_id)
    return answers.found(call.request, call.version.classification_policy, policy)


@operation(blueprint, "GET", POLICIES, lists(RESOURCE))
async def list_classification_policies(call: Call) -> Response:
    page = page_request(call.query)
    policies = await classification_policies.list_classification_policies(
        call.router, page.size, page.continuation
    )
    return answers.listed(call.request, call.query, call.version.classification_policy, policies)


@operation(blueprint, "DELETE", POLICY, deletes(RESOURCE))
async def delete_classification_policy(call: Call) -> Response:
    policy_id = call.ids["classificationPolicyId"]
    await classification_policies.delete_classification_policy(call.router, policy_id)
    return answers.deleted()
