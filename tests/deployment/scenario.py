"""A day in the life of a router, in which every operation of the API and every timer has a part."""

from typing import Any

# Declares the operations, whose descriptions the answers are checked against.
import function_app  # noqa: F401
from infra.local.worker import TIMER_TRIGGER
from tests.deployment.platform import Instance
from tests.functions.api import JOB, NOTHING, PREVIEW_2021, VERSION, WORKER, Api, Document

OFFERED: Document = {**WORKER, "capacity": 10}
KEYED_RULE: Document = {
    "kind": "function",
    "functionUri": "https://rules.example/priority",
    "credential": {"functionKey": "the-function-key"},
}
CLASSIFICATION: Document = {"fallbackQueueId": "queue"}
EXCEPTIONS: Document = {
    "exceptionRules": [
        {
            "id": "late",
            "trigger": {"kind": "waitTime", "thresholdSeconds": 3600},
            "actions": [{"kind": "cancel"}],
        }
    ]
}


async def use_every_operation(api: Api) -> None:
    await _define(api)
    await _wait_in_the_queue(api)
    await _from_offer_to_closed_job(api)
    await _come_back(api)
    await _in_the_words_of_2021(api)
    await _list_and_remove(api)
    await ok(api, "GET", "/openapi.json")
    await ok(api, "GET", "/events/schemas.json")
    assert (await api.send_raw("GET", "/healthz", {"host": "localhost"})).status == 200


async def run_every_timer(instance: Instance) -> None:
    for function in instance.functions:
        if function.trigger["type"] == TIMER_TRIGGER:
            await instance.invoke_timer(function)


async def ok(
    api: Api, method: str, path: str, body: object = NOTHING, version: str = VERSION
) -> Any:
    """The document that is answered; the request must succeed."""
    reply = await api.send(method, path, body, version=version)
    assert 200 <= reply.status < 300, (method, path, reply.status, reply.body)
    return reply.json if reply.body else None


async def _define(api: Api) -> None:
    await api.ready()
    await ok(api, "PATCH", "/routing/classificationPolicies/policy", CLASSIFICATION)
    sealed = {"prioritizationRule": KEYED_RULE}
    await ok(api, "PATCH", "/routing/classificationPolicies/sealed", sealed)
    await ok(api, "PATCH", "/routing/exceptionPolicies/policy", EXCEPTIONS)
    for kind in ("distributionPolicies", "classificationPolicies", "exceptionPolicies"):
        await ok(api, "GET", f"/routing/{kind}/policy")
    await ok(api, "GET", "/routing/queues/queue")


async def _wait_in_the_queue(api: Api) -> None:
    classified = {"channelId": "chat", "classificationPolicyId": "policy"}
    await ok(api, "PATCH", "/routing/jobs/waiting", classified)
    await ok(api, "POST", "/routing/jobs/waiting:reclassify", {})
    await ok(api, "POST", "/routing/jobs/waiting/reclassify", {}, version=PREVIEW_2021)
    assert (await ok(api, "GET", "/routing/jobs/waiting"))["queueId"] == "queue"
    assert (await ok(api, "GET", "/routing/jobs/waiting/position"))["position"] == 1
    assert (await ok(api, "GET", "/routing/queues/queue/statistics"))["length"] == 1
    await ok(api, "POST", "/routing/jobs/waiting:cancel")
    await ok(api, "DELETE", "/routing/jobs/waiting")


async def _from_offer_to_closed_job(api: Api) -> None:
    await ok(api, "PATCH", "/routing/workers/worker", OFFERED)
    assignment = await _assigned(api, "job")
    await ok(api, "POST", f"/routing/jobs/job/assignments/{assignment}:complete", {})
    await ok(api, "POST", f"/routing/jobs/job/assignments/{assignment}:close", {})
    assert (await ok(api, "GET", "/routing/jobs/job"))["status"] == "closed"


async def _come_back(api: Api) -> None:
    assignment = await _assigned(api, "unassigned")
    suspended = {"suspendMatching": True}
    await ok(api, "POST", f"/routing/jobs/unassigned/assignments/{assignment}:unassign", suspended)
    await ok(api, "PATCH", "/routing/jobs/declined", JOB)
    offer = await api.offer_id()
    await ok(api, "POST", f"/routing/workers/worker/offers/{offer}:decline", {})


async def _in_the_words_of_2021(api: Api) -> None:
    assigned = {"assignmentId": await _assigned(api, "old")}
    for action in ("complete", "close"):
        await ok(api, "POST", f"/routing/jobs/old:{action}", assigned, version=PREVIEW_2021)


async def _list_and_remove(api: Api) -> None:
    ids = {
        "jobs": "declined",
        "workers": "worker",
        "classificationPolicies": "policy",
        "exceptionPolicies": "policy",
        "queues": "queue",
        "distributionPolicies": "policy",
    }
    for kind in ids:
        assert (await ok(api, "GET", f"/routing/{kind}"))["value"]
    for job in ("declined", "unassigned"):
        await ok(api, "POST", f"/routing/jobs/{job}:cancel")
    for kind, id in ids.items():
        await ok(api, "DELETE", f"/routing/{kind}/{id}")


async def _assigned(api: Api, job: str) -> str:
    """The id of the assignment of a new job to the worker."""
    await ok(api, "PATCH", f"/routing/jobs/{job}", JOB)
    offer = await api.offer_id()
    accepted = await ok(api, "POST", f"/routing/workers/worker/offers/{offer}:accept")
    id: str = accepted["assignmentId"]
    return id
