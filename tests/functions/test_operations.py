"""What each operation answers when all is well."""

import pytest

from tests.functions.api import CHAT, JOB, PREVIEW, WORKER, Api, Document, escaped

NOW = "2026-01-01T00:00:00.0000000+00:00"
IN_A_MINUTE = "2026-01-01T00:01:00.0000000+00:00"


async def test_a_distribution_policy(api: Api) -> None:
    path = "/routing/distributionPolicies/p1"
    created = await api.patch(path, {"name": "Policy", "offerExpiresAfterSeconds": 30})
    assert created.status == 201
    assert created.json == {
        "id": "p1",
        "etag": created.headers["etag"],
        "name": "Policy",
        "offerExpiresAfterSeconds": 30,
        "mode": {
            "kind": "longestIdle",
            "minConcurrentOffers": 1,
            "maxConcurrentOffers": 1,
            "bypassSelectors": False,
        },
    }
    mode = {"kind": "bestWorker", "minConcurrentOffers": 2, "maxConcurrentOffers": 3}
    changed = await api.patch(path, {"mode": mode})
    assert changed.status == 200
    assert changed.json["mode"] == {**mode, "bypassSelectors": False}
    assert changed.json["name"] == "Policy"
    assert (await api.get(path)).json == changed.json
    assert (await api.delete(path)).status == 204
    assert (await api.get(path)).status == 404


async def test_a_queue(api: Api) -> None:
    await api.ready()
    path = "/routing/queues/q1"
    created = await api.patch(path, {"distributionPolicyId": "policy", "labels": {"a": True}})
    assert created.status == 201
    assert created.json == {
        "id": "q1",
        "etag": created.headers["etag"],
        "distributionPolicyId": "policy",
        "labels": {"Id": "q1", "a": True},
    }
    changed = await api.patch(path, {"name": "Queue", "labels": {"a": None, "b": 1.5}})
    assert changed.status == 200
    assert changed.json["labels"] == {"Id": "q1", "b": 1.5}
    assert (await api.get(path)).json == changed.json
    assert (await api.delete(path)).status == 204


async def test_a_new_worker(api: Api) -> None:
    created = await api.patch("/routing/workers/w1", {"capacity": 2})
    assert created.status == 201
    assert created.json == {
        "id": "w1",
        "etag": created.headers["etag"],
        "state": "inactive",
        "queues": [],
        "capacity": 2,
        "labels": {"Id": "w1"},
        "tags": {},
        "channels": [],
        "offers": [],
        "assignedJobs": [],
        "loadRatio": 0.0,
        "availableForOffers": False,
    }
    assert (await api.delete("/routing/workers/w1")).status == 204


async def test_a_new_job(api: Api) -> None:
    await api.ready()
    selector = {"key": "English", "labelOperator": "equal", "value": True}
    document = {
        **JOB,
        "requestedWorkerSelectors": [{**selector, "expiresAfterSeconds": 60}],
        "notes": [{"message": "hello"}],
    }
    created = await api.patch("/routing/jobs/j1", document)
    assert created.status == 201
    received: Document = {
        "id": "j1",
        "etag": created.headers["etag"],
        "status": "created",
        "channelId": "chat",
        "queueId": "queue",
        "priority": 1,
        "requestedWorkerSelectors": [
            {**selector, "expiresAfterSeconds": 60.0, "expedite": False, "status": "active"}
        ],
        "attachedWorkerSelectors": [],
        "labels": {},
        "assignments": {},
        "tags": {},
        "notes": [{"message": "hello", "addedAt": NOW}],
        "matchingMode": {"kind": "queueAndMatch"},
    }
    assert created.json == received
    queued = (await api.get("/routing/jobs/j1")).json
    selectors = queued.pop("requestedWorkerSelectors")
    assert selectors == [{**received["requestedWorkerSelectors"][0], "expiresAt": IN_A_MINUTE}]
    del received["requestedWorkerSelectors"]
    assert queued == {**received, "status": "queued", "enqueuedAt": NOW}


async def test_writing_back_what_was_read_changes_nothing(api: Api) -> None:
    await api.ready()
    selector = {"key": "a", "labelOperator": "lessThan", "value": 1, "expiresAfterSeconds": 60}
    await api.patch("/routing/jobs/j1", {**JOB, "requestedWorkerSelectors": [selector]})
    before = (await api.get("/routing/jobs/j1")).json
    api.rig.clock.forward(seconds=30)
    written = await api.patch("/routing/jobs/j1", before)
    assert written.status == 200
    assert {**written.json, "etag": ""} == {**before, "etag": ""}


async def test_a_scheduled_job(api: Api) -> None:
    await api.ready()
    mode = {"kind": "scheduleAndSuspend", "scheduleAt": IN_A_MINUTE}
    created = await api.patch("/routing/jobs/j1", {**JOB, "matchingMode": mode})
    assert (created.json["status"], created.json["matchingMode"]) == ("pendingSchedule", mode)
    scheduled = (await api.get("/routing/jobs/j1")).json
    assert (scheduled["status"], scheduled["scheduledAt"]) == ("scheduled", IN_A_MINUTE)
    activated = await api.patch(
        "/routing/jobs/j1", {"matchingMode": {"kind": "queueAndMatch"}, "priority": 100}
    )
    assert (activated.json["status"], activated.json["priority"]) == ("queued", 100)


async def test_from_offer_to_closed_job(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    worker = (await api.get("/routing/workers/worker")).json
    assert worker["state"] == "active"
    assert worker["loadRatio"] == 1
    assert worker["offers"] == [
        {
            "offerId": offer_id,
            "jobId": "job",
            "capacityCost": 1,
            "offeredAt": NOW,
            "expiresAt": IN_A_MINUTE,
        }
    ]

    accepted = await api.post(f"/routing/workers/worker/offers/{offer_id}:accept")
    assert accepted.status == 200
    assignment_id = accepted.json["assignmentId"]
    assert accepted.json == {
        "assignmentId": assignment_id,
        "jobId": "job",
        "workerId": "worker",
    }
    worker = (await api.get("/routing/workers/worker")).json
    assert worker["offers"] == []
    assert worker["assignedJobs"] == [
        {"assignmentId": assignment_id, "jobId": "job", "capacityCost": 1, "assignedAt": NOW}
    ]

    assignment = f"/routing/jobs/job/assignments/{assignment_id}"
    completed = await api.post(f"{assignment}:complete", {"note": "well done"})
    assert (completed.status, completed.json) == (200, {})
    closed = await api.post(f"{assignment}:close")
    assert (closed.status, closed.json) == (200, {})
    job = (await api.get("/routing/jobs/job")).json
    assert (job["status"], job["dispositionCode"]) == ("closed", "Closed")
    assert job["notes"] == [{"message": "well done", "addedAt": NOW}]
    assert job["assignments"] == {
        assignment_id: {
            "assignmentId": assignment_id,
            "workerId": "worker",
            "assignedAt": NOW,
            "completedAt": NOW,
            "closedAt": NOW,
        }
    }
    assert (await api.get("/routing/workers/worker")).json["loadRatio"] == 0
    assert (await api.delete("/routing/jobs/job")).status == 204


async def test_declining_until_later(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    path = f"/routing/workers/worker/offers/{offer_id}:decline"
    declined = await api.post(path, {"retryOfferAt": "2026-01-01T01:00:00Z"})
    assert (declined.status, declined.json) == (200, {})
    assert (await api.get("/routing/workers/worker")).json["offers"] == []


@pytest.mark.parametrize("retry_at", ["0001-01-01T00:00:00Z", "2025-12-31T00:00:00Z"])
async def test_declining_until_a_past_time_is_declining_for_now(api: Api, retry_at: str) -> None:
    await api.ready()
    offer_id = await api.offered()
    path = f"/routing/workers/worker/offers/{offer_id}:decline"
    assert (await api.post(path, {"retryOfferAt": retry_at})).status == 200
    assert await api.offer_id() != offer_id


async def test_unassigning(api: Api) -> None:
    await api.ready()
    assignment = await api.assigned()
    unassigned = await api.post(f"{assignment}:unassign", {"suspendMatching": True})
    assert (unassigned.status, unassigned.json) == (200, {"jobId": "job", "unassignmentCount": 1})
    job = (await api.get("/routing/jobs/job")).json
    assert job["matchingMode"] == {"kind": "suspend"}
    assert job["assignments"] == {}


@pytest.mark.parametrize(
    ("close_at", "status"),
    [("0001-01-01T00:00:00Z", "closed"), ("9999-12-31T23:59:59-05:00", "completed")],
)
async def test_closing_at_a_time(api: Api, close_at: str, status: str) -> None:
    await api.ready()
    assignment = await api.assigned()
    await api.post(f"{assignment}:complete")
    options = {"closeAt": close_at, "dispositionCode": "Solved", "note": "bye"}
    closed = await api.post(f"{assignment}:close", options)
    assert (closed.status, closed.json) == (200, {})
    assert (await api.get("/routing/jobs/job")).json["status"] == status


async def test_cancelling(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    cancelled = await api.post("/routing/jobs/job:cancel", {"note": "n", "dispositionCode": "d"})
    assert (cancelled.status, cancelled.json) == (200, {})
    job = (await api.get("/routing/jobs/job")).json
    assert (job["status"], job["dispositionCode"]) == ("cancelled", "d")
    assert [note["message"] for note in job["notes"]] == ["n"]


async def test_a_limit_of_offers_is_of_the_preview_alone(api: Api) -> None:
    path = "/routing/workers/w1"
    limited = {**WORKER, "queues": [], "maxConcurrentOffers": 1}
    created = await api.send("PATCH", path, limited, version=PREVIEW)
    assert created.json["maxConcurrentOffers"] == 1
    assert "maxConcurrentOffers" not in (await api.patch(path, {"capacity": 5})).json
    read = await api.send("GET", path, version=PREVIEW)
    assert (read.json["maxConcurrentOffers"], read.json["capacity"]) == (1, 5)


@pytest.mark.parametrize("id", ["a b", "é", "a:cancel", "100%", "a%20b", "#?&=+", "😀"])
async def test_ids_may_have_any_characters_but_slashes(api: Api, id: str) -> None:
    await api.ready()
    path = f"/routing/queues/{escaped(id)}"
    created = await api.patch(path, {"distributionPolicyId": "policy"})
    assert (created.status, created.json["id"]) == (201, id)
    assert (await api.get(path)).json["labels"] == {"Id": id}
    assert (await api.patch("/routing/workers/w", {**WORKER, "queues": [id]})).status == 201
    assert (await api.patch(f"/routing/jobs/{escaped(id)}", {**JOB, "queueId": id})).status == 201
    assert (await api.post(f"/routing/jobs/{escaped(id)}:cancel")).status == 200


async def test_health_needs_no_signature_and_tells_nothing(api: Api) -> None:
    reply = await api.send_raw("GET", "/healthz", {"host": "anything"})
    assert (reply.status, reply.json) == (200, {"status": "ok"})


async def test_a_worker_takes_one_of_two_channels(api: Api) -> None:
    await api.ready()
    voice = {"channelId": "voice", "capacityCostPerJob": 2, "maxNumberOfJobs": 1}
    worker = {**WORKER, "capacity": 2, "channels": [CHAT, voice]}
    created = await api.patch("/routing/workers/w1", worker)
    assert created.json["channels"] == [CHAT, voice]
    await api.patch("/routing/jobs/j1", {**JOB, "channelId": "voice"})
    await api.patch("/routing/jobs/j2", JOB)
    offers = (await api.get("/routing/workers/w1")).json["offers"]
    assert [(offer["jobId"], offer["capacityCost"]) for offer in offers] == [("j1", 2)]
