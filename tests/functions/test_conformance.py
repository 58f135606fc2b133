"""Answers have the shapes that the API's description gives them, in every state."""

from typing import Any

import pytest

from tests.functions import schemas
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


def conforms(reply: Reply, shape: Any) -> Reply:
    assert reply.status in {200, 201}
    schemas.check(shape, reply.body)
    return reply


async def check_job_and_worker(api: Api, status: str) -> None:
    job = conforms(await api.get("/routing/jobs/job"), schemas.RouterJob)
    assert job.json["status"] == status
    conforms(await api.get("/routing/workers/worker"), schemas.RouterWorker)


async def test_definitions(api: Api) -> None:
    path = "/routing/distributionPolicies/p"
    conforms(await api.patch(path, {"name": "n"}), schemas.DistributionPolicy)
    conforms(await api.get(path), schemas.DistributionPolicy)
    queue = {"distributionPolicyId": "p", "name": "n", "labels": {"a": 1}}
    conforms(await api.patch("/routing/queues/q", queue), schemas.RouterQueue)
    conforms(await api.get("/routing/queues/q"), schemas.RouterQueue)


async def test_a_whole_life(api: Api) -> None:
    await api.ready()
    conforms(await api.patch("/routing/workers/worker", FULL_WORKER), schemas.RouterWorker)
    selecting = {**FULL_JOB, "requestedWorkerSelectors": SELECTORS}
    conforms(await api.patch("/routing/jobs/job", selecting), schemas.RouterJob)
    await check_job_and_worker(api, "queued")
    offer = f"/routing/workers/worker/offers/{await api.offer_id()}"
    accepted = conforms(await api.post(f"{offer}:accept"), schemas.AcceptJobOfferResult)
    await check_job_and_worker(api, "assigned")
    first = f"/routing/jobs/job/assignments/{accepted.json['assignmentId']}"
    conforms(await api.post(f"{first}:unassign"), schemas.UnassignJobResult)
    offer = f"/routing/workers/worker/offers/{await api.offer_id()}"
    accepted = conforms(await api.post(f"{offer}:accept"), schemas.AcceptJobOfferResult)
    second = f"/routing/jobs/job/assignments/{accepted.json['assignmentId']}"
    conforms(await api.post(f"{second}:complete"), schemas.Empty)
    await check_job_and_worker(api, "completed")
    conforms(await api.post(f"{second}:close"), schemas.Empty)
    await check_job_and_worker(api, "closed")


async def test_other_ends(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    decline = f"/routing/workers/worker/offers/{offer_id}:decline"
    conforms(await api.post(decline), schemas.Empty)
    conforms(await api.post("/routing/jobs/job:cancel"), schemas.Empty)
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
    conforms(await api.patch("/routing/jobs/job", {**JOB, "matchingMode": mode}), schemas.RouterJob)
    await check_job_and_worker(api, status)


async def test_an_expired_selector(api: Api) -> None:
    await api.ready()
    selectors = [{**SELECTORS[1], "expedite": True}]
    await api.patch("/routing/jobs/job", {**JOB, "requestedWorkerSelectors": selectors})
    api.rig.clock.forward(minutes=1)
    await api.rig.sweep()
    job = conforms(await api.get("/routing/jobs/job"), schemas.RouterJob)
    assert job.json["requestedWorkerSelectors"][0]["status"] == "expired"


async def test_lists(api: Api) -> None:
    await api.ready()
    await api.offered()
    await api.offered("worker2", "job2")
    await api.patch("/routing/queues/queue2", {"distributionPolicyId": "policy"})
    await api.patch("/routing/distributionPolicies/policy2", {})
    shapes = {
        "jobs": schemas.Paged[schemas.RouterJob],
        "workers": schemas.Paged[schemas.RouterWorker],
        "queues": schemas.Paged[schemas.RouterQueue],
        "distributionPolicies": schemas.Paged[schemas.DistributionPolicy],
    }
    for kind, shape in shapes.items():
        conforms(await api.get(f"/routing/{kind}"), shape)
        page = conforms(await api.get(f"/routing/{kind}?maxpagesize=1"), shape)
        assert "nextLink" in page.json


async def test_the_preview(api: Api) -> None:
    await api.ready()
    path = "/routing/workers/worker"
    created = await api.send("PATCH", path, FULL_WORKER, version=PREVIEW)
    conforms(created, schemas.PreviewRouterWorker)
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
    for reply in replies:
        schemas.check(schemas.ErrorResponse, reply.body)
