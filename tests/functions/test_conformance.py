"""Jobs, workers and lists in every state that changes their shape.

That an answer has the shape that the API's description gives it is checked wherever one comes.
"""

import pytest

from tests.functions.api import CHAT, JOB, PREVIEW, WORKER, Api, Document, Reply

SELECTORS: list[Document] = [
    {"key": "a", "labelOperator": "notEqual", "value": "x"},
    {"key": "b", "labelOperator": "lessThan", "value": 1.5, "expiresAfterSeconds": 30},
]
FULL_JOB = {
    **JOB,
    "channelReference": "call-1",
    "priority": -5,
    "dispositionCode": "d",
    "labels": {"a": "x", "b": 1, "c": 1.5, "d": True},
    "tags": {"t": False},
    "notes": [{"message": "n"}],
}
FULL_WORKER = {
    **WORKER,
    "labels": {"a": "y", "b": 1},
    "tags": {"t": 1},
    "channels": [{**CHAT, "maxNumberOfJobs": 2}],
    "maxConcurrentOffers": 3,
}


def granted(reply: Reply) -> Reply:
    assert reply.status in {200, 201}
    return reply


async def check_job_and_worker(api: Api, status: str) -> None:
    job = granted(await api.get("/routing/jobs/job"))
    assert job.json["status"] == status
    granted(await api.get("/routing/workers/worker"))


async def test_definitions(api: Api) -> None:
    path = "/routing/distributionPolicies/p"
    granted(await api.patch(path, {"name": "n"}))
    granted(await api.get(path))
    queue = {"distributionPolicyId": "p", "name": "n", "labels": {"a": 1}}
    granted(await api.patch("/routing/queues/q", queue))
    granted(await api.get("/routing/queues/q"))


async def test_a_whole_life(api: Api) -> None:
    await api.ready()
    granted(await api.patch("/routing/workers/worker", FULL_WORKER))
    selecting = {**FULL_JOB, "requestedWorkerSelectors": SELECTORS}
    granted(await api.patch("/routing/jobs/job", selecting))
    await check_job_and_worker(api, "queued")
    offer = f"/routing/workers/worker/offers/{await api.offer_id()}"
    accepted = granted(await api.post(f"{offer}:accept"))
    await check_job_and_worker(api, "assigned")
    first = f"/routing/jobs/job/assignments/{accepted.json['assignmentId']}"
    granted(await api.post(f"{first}:unassign"))
    offer = f"/routing/workers/worker/offers/{await api.offer_id()}"
    accepted = granted(await api.post(f"{offer}:accept"))
    second = f"/routing/jobs/job/assignments/{accepted.json['assignmentId']}"
    granted(await api.post(f"{second}:complete"))
    await check_job_and_worker(api, "completed")
    granted(await api.post(f"{second}:close"))
    await check_job_and_worker(api, "closed")


async def test_other_ends(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    decline = f"/routing/workers/worker/offers/{offer_id}:decline"
    granted(await api.post(decline))
    granted(await api.post("/routing/jobs/job:cancel"))
    await check_job_and_worker(api, "cancelled")


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ({"kind": "suspend"}, "waitingForActivation"),
        ({"kind": "scheduleAndSuspend", "scheduleAt": "2026-01-02T00:00:00Z"}, "scheduled"),
    ],
)
async def test_jobs_set_aside(api: Api, mode: object, status: str) -> None:
    await api.ready()
    await api.patch("/routing/workers/worker", WORKER)
    granted(await api.patch("/routing/jobs/job", {**JOB, "matchingMode": mode}))
    await check_job_and_worker(api, status)


async def test_an_expired_selector(api: Api) -> None:
    await api.ready()
    selectors = [{**SELECTORS[1], "expedite": True}]
    await api.patch("/routing/jobs/job", {**JOB, "requestedWorkerSelectors": selectors})
    api.rig.clock.forward(minutes=1)
    await api.rig.sweep()
    job = granted(await api.get("/routing/jobs/job"))
    assert job.json["requestedWorkerSelectors"][0]["status"] == "expired"


async def test_lists(api: Api) -> None:
    await api.ready()
    await api.offered()
    await api.offered("worker2", "job2")
    await api.patch("/routing/queues/queue2", {"distributionPolicyId": "policy"})
    await api.patch("/routing/distributionPolicies/policy2", {})
    for number in range(2):
        await api.patch(f"/routing/classificationPolicies/c{number}", {})
        await api.patch(f"/routing/exceptionPolicies/e{number}", {})
    kinds = ("jobs", "workers", "queues", "distributionPolicies")
    for kind in (*kinds, "classificationPolicies", "exceptionPolicies"):
        assert len(granted(await api.get(f"/routing/{kind}")).json["value"]) == 2
        page = granted(await api.get(f"/routing/{kind}?maxpagesize=1"))
        assert "nextLink" in page.json


async def test_the_preview(api: Api) -> None:
    await api.ready()
    path = "/routing/workers/worker"
    created = await api.send("PATCH", path, FULL_WORKER, version=PREVIEW)
    granted(created)
    assert created.json["maxConcurrentOffers"] == 3


async def test_errors(api: Api) -> None:
    await api.ready()
    await api.assigned()
    replies = [
        await api.get("/routing/jobs/unknown"),
        await api.patch("/routing/jobs/new", {}),
        await api.delete("/routing/jobs/job"),
        await api.send("GET", "/routing/jobs", key=b"another"),
    ]
    assert [reply.status for reply in replies] == [404, 400, 409, 401]
    assert all(reply.error for reply in replies)
