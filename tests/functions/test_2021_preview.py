"""The version of the first public documents: every operation in its words, and their examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain.events import OfferIssued
from shared.eventgrid.catalogue import render
from tests.functions.api import NOTHING, PREVIEW_2021, VERSION, Api, Document, Reply
from tests.functions.description import operations, validator
from tests.functions.test_bad_input import unchanged

NOW = "2026-01-01T00:00:00.0000000+00:00"
IN_A_MINUTE = "2026-01-01T00:01:00.0000000+00:00"
MODE = {"kind": "longest-idle", "minConcurrentOffers": 1, "maxConcurrentOffers": 1}
POLICY = {"offerTtlSeconds": 60, "mode": MODE}
JOB = {"channelId": "chat", "queueId": "queue-1"}
CHAT = {"capacityCostPerJob": 1}
WORKER: Document = {
    "totalCapacity": 1,
    "queueAssignments": {"queue-1": {}},
    "channelConfigurations": {"chat": CHAT},
    "availableForOffers": True,
}


@dataclass(frozen=True)
class Client:
    """Speaks this version, whatever ``api`` is told."""

    api: Api

    async def send(self, method: str, path: str, document: object = NOTHING) -> Reply:
        return await self.api.send(method, f"/routing/{path}", document, version=PREVIEW_2021)

    async def get(self, path: str) -> Any:
        reply = await self.send("GET", path)
        assert reply.status == 200
        return reply.json

    async def patch(self, path: str, document: object) -> Any:
        """New or not, the status is 200."""
        reply = await self.send("PATCH", path, document)
        assert reply.status == 200, reply.body
        assert reply.headers["etag"]
        assert "etag" not in reply.json
        return reply.json

    async def post(self, path: str, document: object = NOTHING) -> Any:
        reply = await self.send("POST", path, document)
        assert reply.status == 200, reply.body
        return reply.json

    async def delete(self, path: str) -> None:
        assert (await self.send("DELETE", path)).status == 204
        assert (await self.send("GET", path)).status == 404

    async def ready(self) -> None:
        await self.patch("distributionPolicies/policy", POLICY)
        for id in ("queue-1", "queue-2"):
            await self.patch(f"queues/{id}", {"distributionPolicyId": "policy"})

    async def offer_id(self, worker: str = "worker") -> str:
        id: str = (await self.get(f"workers/{worker}"))["offers"][0]["id"]
        return id

    async def assigned(self) -> str:
        """The id of an assignment of the job ``job`` to the worker ``worker``."""
        await self.ready()
        await self.patch("workers/worker", WORKER)
        await self.patch("jobs/job", JOB)
        offer = f"workers/worker/offers/{await self.offer_id()}"
        id: str = (await self.post(f"{offer}:accept"))["assignmentId"]
        return id


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api)


# -- resources --------------------------------------------------------------------------------


async def test_a_distribution_policy(client: Client) -> None:
    path = "distributionPolicies/p"
    created = await client.patch(path, {"name": "n", **POLICY})
    assert created == {
        "id": "p",
        "name": "n",
        "offerTtlSeconds": 60,
        "mode": {**MODE, "bypassSelectors": False},
    }
    mode = {"kind": "best-worker", "minConcurrentOffers": 2, "maxConcurrentOffers": 3}
    changed = await client.patch(path, {"mode": mode})
    assert changed == {**created, "mode": {**mode, "bypassSelectors": False}}
    assert await client.get(path) == changed
    assert await client.get("distributionPolicies") == {"value": [changed]}
    await client.delete(path)


async def test_a_queue(client: Client) -> None:
    await client.patch("distributionPolicies/policy", POLICY)
    await client.patch("exceptionPolicies/e", {})
    defined = {"name": "n", "distributionPolicyId": "policy", "exceptionPolicyId": "e"}
    created = await client.patch("queues/q", {**defined, "labels": {"a": 1}})
    assert created == {**defined, "id": "q", "labels": {"a": 1, "Id": "q"}}
    assert await client.get("queues/q") == created
    assert await client.get("queues") == {"value": [created]}
    await client.delete("queues/q")


async def test_a_worker(client: Client) -> None:
    await client.ready()
    created = await client.patch("workers/w", {"totalCapacity": 2})
    assert created == {
        "id": "w",
        "state": "inactive",
        "queueAssignments": {},
        "totalCapacity": 2,
        "labels": {"Id": "w"},
        "tags": {},
        "channelConfigurations": {},
        "offers": [],
        "assignedJobs": [],
        "loadRatio": 0,
        "availableForOffers": False,
    }
    changed = await client.patch("workers/w", WORKER)
    assert changed == {**created, **WORKER, "state": "active"}
    queues: Document = {"queueAssignments": {"queue-1": None, "queue-2": {}}}
    moved = await client.patch("workers/w", queues)
    assert moved == {**changed, "queueAssignments": {"queue-2": {}}}
    assert await client.get("workers") == {"value": [moved]}
    await client.delete("workers/w")


async def test_a_job(client: Client) -> None:
    await client.ready()
    selector = {"key": "a", "labelOperator": "lessThanEqual", "value": 1.5, "ttlSeconds": 60}
    defined = {
        **JOB,
        "channelReference": "call-1",
        "priority": 5,
        "labels": {"a": 1},
        "tags": {"t": True},
    }
    notes = {"2021-06-23T02:43:30Z": "first"}
    sent = {**defined, "requestedWorkerSelectors": [selector], "notes": notes}
    created = await client.patch("jobs/j", sent)
    assert created == {
        **defined,
        "id": "j",
        "jobStatus": "created",
        "requestedWorkerSelectors": [{**selector, "expedite": False}],
        "attachedWorkerSelectors": [],
        "assignments": {},
        "notes": {"2021-06-23T02:43:30.0000000+00:00": "first"},
    }
    queued = {**created, "jobStatus": "queued", "enqueueTimeUtc": NOW}
    assert await client.get("jobs/j") == queued
    assert await client.get("jobs") == {"value": [queued]}
    assert await client.patch("jobs/j", queued) == queued
    assert await client.post("jobs/j:cancel", {"note": "n", "dispositionCode": "d"}) == {}
    cancelled = await client.get("jobs/j")
    assert (cancelled["jobStatus"], cancelled["dispositionCode"]) == ("cancelled", "d")
    assert cancelled["notes"] == {**created["notes"], NOW: "n"}
    await client.delete("jobs/j")


async def test_a_classification_policy(client: Client) -> None:
    await client.ready()
    selector = {"key": "Id", "labelOperator": "equal", "value": "queue-1"}
    demand = {"key": "s", "labelOperator": "greaterThanEqual", "value": 1, "ttlSeconds": 30}
    condition = {"kind": "expression-rule", "language": "powerFx", "expression": "true"}
    more = {**demand, "expedite": False}
    document = {
        "name": "n",
        "fallbackQueueId": "queue-2",
        "queueSelectors": [
            {"kind": "static", "labelSelector": selector},
            {"kind": "conditional", "condition": condition, "labelSelectors": [selector]},
            {"kind": "rule-engine", "rule": {"kind": "static-rule", "value": [selector]}},
            {
                "kind": "weighted-allocation-queue-selector",
                "allocations": [{"weight": 1, "labelSelectors": [selector]}],
            },
        ],
        "prioritizationRule": {"kind": "static-rule", "value": 7},
        "workerSelectors": [
            {"kind": "static", "labelSelector": more},
            {"kind": "pass-through", "key": "k", "labelOperator": "equal", "ttlSeconds": 60},
            {"kind": "rule-engine", "rule": {"kind": "direct-map-rule"}},
            {
                "kind": "weighted-allocation-worker-selector",
                "allocations": [{"weight": 0.5, "labelSelectors": [more]}],
            },
        ],
    }
    path = "classificationPolicies/c"
    created = await client.patch(path, document)
    assert created == {"id": "c", **document}
    assert await client.get(path) == created
    assert await client.get("classificationPolicies") == {"value": [created]}
    await client.delete(path)


async def test_an_exception_policy(client: Client) -> None:
    await client.ready()
    await client.patch("classificationPolicies/c", {})
    selector = {"key": "a", "labelOperator": "equal", "value": 1, "expedite": False}
    document = {
        "name": "n",
        "exceptionRules": {
            "long": {
                "trigger": {"kind": "queue-length", "threshold": 5},
                "actions": {"stop": {"kind": "cancel", "note": "n", "dispositionCode": "d"}},
            },
            "old": {
                "trigger": {"kind": "wait-time", "threshold": "PT1M30S"},
                "actions": {
                    "again": {
                        "kind": "reclassify",
                        "classificationPolicyId": "c",
                        "labelsToUpsert": {"late": True},
                    },
                    "move": {
                        "kind": "manual-reclassify",
                        "queueId": "queue-2",
                        "priority": 10,
                        "workerSelectors": [selector],
                    },
                },
            },
        },
    }
    created = await client.patch("exceptionPolicies/e", document)
    assert created == {"id": "e", **document}
    assert await client.get("exceptionPolicies/e") == created
    assert await client.get("exceptionPolicies") == {"value": [created]}
    await client.delete("exceptionPolicies/e")


# -- actions ----------------------------------------------------------------------------------


async def test_from_offer_to_closed_job(client: Client) -> None:
    await client.ready()
    await client.patch("workers/worker", WORKER)
    await client.patch("jobs/job", JOB)
    offer_id = await client.offer_id()
    assert (await client.get("workers/worker"))["offers"] == [
        {
            "id": offer_id,
            "jobId": "job",
            "capacityCost": 1,
            "offerTimeUtc": NOW,
            "expiryTimeUtc": IN_A_MINUTE,
        }
    ]
    accepted = await client.post(f"workers/worker/offers/{offer_id}:accept")
    assignment_id = accepted["assignmentId"]
    assert accepted == {"assignmentId": assignment_id, "jobId": "job", "workerId": "worker"}
    assert (await client.get("workers/worker"))["assignedJobs"] == [
        {"id": assignment_id, "jobId": "job", "capacityCost": 1, "assignTime": NOW}
    ]
    assigned = {"assignmentId": assignment_id}
    assert await client.post("jobs/job:complete", {**assigned, "note": "well done"}) == {}
    assert await client.post("jobs/job:close", {**assigned, "dispositionCode": "Solved"}) == {}
    job = await client.get("jobs/job")
    assert (job["jobStatus"], job["dispositionCode"]) == ("closed", "Solved")
    assert job["notes"] == {NOW: "well done"}
    assert job["assignments"] == {
        assignment_id: {
            "id": assignment_id,
            "workerId": "worker",
            "assignTime": NOW,
            "completeTime": NOW,
            "closeTime": NOW,
        }
    }


@pytest.mark.parametrize(
    ("close_time", "status"),
    [("0001-01-01T00:00:00Z", "closed"), ("2026-01-01T00:01:00Z", "completed")],
)
async def test_closing_at_a_time_is_accepted(client: Client, close_time: str, status: str) -> None:
    assigned = {"assignmentId": await client.assigned()}
    await client.post("jobs/job:complete", assigned)
    closed = await client.send("POST", "jobs/job:close", {**assigned, "closeTime": close_time})
    assert (closed.status, closed.json) == (202, {})
    assert (await client.get("jobs/job"))["jobStatus"] == status
    client.api.rig.clock.forward(minutes=1)
    await client.api.rig.sweep()
    assert (await client.get("jobs/job"))["jobStatus"] == "closed"


async def test_declining(client: Client) -> None:
    await client.ready()
    await client.patch("workers/worker", WORKER)
    await client.patch("jobs/job", JOB)
    assert await client.post(f"workers/worker/offers/{await client.offer_id()}:decline") == {}
    assert (await client.get("workers/worker"))["offers"] == []


async def test_classifying_again(client: Client) -> None:
    await client.ready()
    policy = {"prioritizationRule": {"kind": "static-rule", "value": 3}}
    await client.patch("classificationPolicies/c", policy)
    await client.patch("jobs/job", {**JOB, "classificationPolicyId": "c"})
    job = await client.get("jobs/job")
    assert (job["jobStatus"], job["priority"]) == ("queued", 3)
    await client.patch("classificationPolicies/c", {"prioritizationRule": {"value": 8}})
    assert await client.post("jobs/job/reclassify", {}) == {}
    assert (await client.get("jobs/job"))["priority"] == 8


async def test_statistics_and_position(client: Client) -> None:
    await client.ready()
    await client.patch("jobs/job", JOB)
    assert (await client.get("queues/queue-1/statistics"))["length"] == 1
    position = await client.get("jobs/job/position")
    assert (position["queueId"], position["position"]) == ("queue-1", 1)


# -- lists ------------------------------------------------------------------------------------


async def ids(client: Client, path: str) -> list[str]:
    return [item["id"] for item in (await client.get(path))["value"]]


async def test_pages(client: Client) -> None:
    await client.ready()
    for number in range(21):
        await client.patch(f"workers/w{number:02}", {"totalCapacity": 1})
    page = await client.get("workers")
    assert len(page["value"]) == 20
    following = await client.get(page["nextLink"].removeprefix("/routing/"))
    assert [worker["id"] for worker in following["value"]] == ["w20"]
    assert "nextLink" not in following


async def test_filters(client: Client) -> None:
    await client.ready()
    await client.patch("workers/busy", WORKER)
    await client.patch("workers/idle", {**WORKER, "availableForOffers": False})
    await client.patch("jobs/queued", JOB)
    await client.patch("jobs/cancelled", {**JOB, "queueId": "queue-2"})
    await client.post("jobs/cancelled:cancel")
    later = {**JOB, "matchingMode": {"kind": "suspend"}}
    await client.api.patch("/routing/jobs/suspended", later)
    expected = {
        "workers?status=active": ["busy"],
        "workers?status=all": ["busy", "idle"],
        "workers?hasCapacity=true": ["idle"],
        "workers?channelId=voice": [],
        "jobs?status=all": ["cancelled", "queued", "suspended"],
        "jobs?status=active": ["queued"],
        "jobs?status=cancelled": ["cancelled"],
        "jobs?queueId=queue-2": ["cancelled"],
        "jobs?channelId=chat&status=queued": ["queued"],
        # Words of later versions mean nothing.
        "workers?state=active": ["busy", "idle"],
        "jobs?scheduledAfter=2026-01-01T00:00:00Z": ["cancelled", "queued", "suspended"],
    }
    assert {path: await ids(client, path) for path in expected} == expected


# -- the examples of the original documents ---------------------------------------------------

LABELS = {"Skill": 11, "English": True, "French": False, "Vendor": "Acme"}
CHANNELS = [
    {"channelId": "voice", "capacityCostPerJob": 2},
    {"channelId": "chat", "capacityCostPerJob": 1},
]
REGISTRATIONS: Sequence[Document] = [
    {
        "id": "worker-1",
        "queueAssignments": [{"queueId": "queue-1"}, {"queueId": "queue-2"}],
        "totalCapacity": 2,
        "channelConfigurations": CHANNELS,
        "labels": LABELS,
    },
    {
        "id": "worker-1",
        "queueIds": ["queue-1", "queue-2"],
        "totalCapacity": 2,
        "channelConfigurations": CHANNELS,
        "labels": LABELS,
    },
]
SUBMISSION: Document = {
    "channelId": "chat",
    "queueId": "queue-1",
    "workerSelectors": [
        {"key": "English", "operator": "equal", "value": True},
        {"key": "Skill", "operator": "greaterThanEqual", "value": 10, "ttl": "00:01:00"},
    ],
    "labels": {"name": "John"},
}


@pytest.mark.parametrize("registration", REGISTRATIONS)
async def test_a_job_is_matched_as_in_the_original_document(
    client: Client, registration: Document
) -> None:
    await client.ready()
    worker = await client.patch("workers/worker-1", registration)
    assert (worker["state"], worker["labels"]) == ("active", {**LABELS, "Id": "worker-1"})
    assert worker["queueAssignments"] == {"queue-1": {}, "queue-2": {}}
    assert worker["channelConfigurations"] == {"voice": {"capacityCostPerJob": 2}, "chat": CHAT}

    job = await client.patch("jobs/7f1df17b", SUBMISSION)
    assert job["requestedWorkerSelectors"] == [
        {"key": "English", "labelOperator": "equal", "value": True, "expedite": False},
        {
            "key": "Skill",
            "labelOperator": "greaterThanEqual",
            "value": 10,
            "ttlSeconds": 60,
            "expedite": False,
        },
    ]

    published = client.api.rig.events.published
    (told,) = [render(each).data for each in published if isinstance(each.event, OfferIssued)]
    expected = {
        "workerId": "worker-1",
        "jobId": "7f1df17b",
        "channelId": "chat",
        "queueId": "queue-1",
        "offerId": await client.offer_id("worker-1"),
        "offerTimeUtc": NOW,
        "expiryTimeUtc": IN_A_MINUTE,
        "jobPriority": 1,
        "jobLabels": {"name": "John"},
    }
    assert expected.items() <= told.items()
    accepted = await client.post(f"workers/worker-1/offers/{told['offerId']}:accept")
    assert accepted["jobId"] == "7f1df17b"


@pytest.mark.parametrize("ttl", ["00:01:00", "PT1M", "PT60S"])
async def test_a_requirement_expires_after_its_time(client: Client, ttl: str) -> None:
    await client.ready()
    unskilled = {**REGISTRATIONS[0], "labels": {**LABELS, "Skill": 9}}
    await client.patch("workers/worker-1", unskilled)
    english, skill = SUBMISSION["workerSelectors"]
    await client.patch(
        "jobs/j", {**SUBMISSION, "workerSelectors": [english, {**skill, "ttl": ttl}]}
    )
    assert (await client.get("workers/worker-1"))["offers"] == []
    client.api.rig.clock.forward(minutes=1)
    await client.api.rig.sweep()
    assert await client.offer_id("worker-1")


async def test_one_worker_takes_one_call_or_two_chats(client: Client) -> None:
    await client.ready()
    await client.patch("workers/worker-1", REGISTRATIONS[0])
    for id in ("j1", "j2", "j3"):
        await client.patch(f"jobs/{id}", JOB)
    offers = (await client.get("workers/worker-1"))["offers"]
    assert [offer["jobId"] for offer in offers] == ["j1", "j2"]
    for id in ("j1", "j2", "j3"):
        await client.post(f"jobs/{id}:cancel")
    await client.patch("jobs/call", {**JOB, "channelId": "voice"})
    await client.patch("jobs/chat", JOB)
    offers = (await client.get("workers/worker-1"))["offers"]
    assert [(offer["jobId"], offer["capacityCost"]) for offer in offers] == [("call", 2)]


async def test_offers_live_as_long_as_the_oldest_words_say(client: Client) -> None:
    document = {"name": "n", "offerTTL": "00:10:00", "mode": MODE}
    assert (await client.patch("distributionPolicies/p", document))["offerTtlSeconds"] == 600


async def test_an_idle_worker_is_deregistered_after_a_week(client: Client) -> None:
    await client.ready()
    await client.patch("workers/worker-1", REGISTRATIONS[0])
    client.api.rig.clock.forward(days=7, seconds=1)
    await client.api.rig.sweep()
    assert (await client.get("workers/worker-1"))["state"] == "inactive"
    again = await client.patch("workers/worker-1", REGISTRATIONS[0])
    assert again["state"] == "active"


# -- versions side by side --------------------------------------------------------------------


async def test_each_version_reads_what_the_other_wrote(client: Client) -> None:
    api = client.api
    await api.ready(kind="roundRobin", maxConcurrentOffers=2)
    policy = await client.get("distributionPolicies/policy")
    assert policy["mode"]["kind"] == "round-robin"
    channel = {"channelId": "chat", "capacityCostPerJob": 1, "maxNumberOfJobs": 1}
    worker = {"capacity": 2, "queues": ["queue"], "channels": [channel]}
    await api.patch("/routing/workers/w", worker)
    await client.patch("workers/w", {"totalCapacity": 3, "tags": {"t": 1}})
    read = (await api.get("/routing/workers/w")).json
    assert (read["capacity"], read["queues"], read["channels"]) == (3, ["queue"], [channel])

    selector = {"key": "a", "labelOperator": "lessThanOrEqual", "value": 1}
    notes = [{"message": "one"}, {"message": "two"}]
    job = {"channelId": "chat", "queueId": "queue", "notes": notes}
    await api.patch("/routing/jobs/j", {**job, "requestedWorkerSelectors": [selector]})
    first, second = (await client.get("jobs/j"))["notes"]
    assert (first, second) == (NOW, "2026-01-01T00:00:00.000000001+00:00")
    older = [{"key": "a", "operator": "greaterThan", "value": 2}]
    await client.patch("jobs/j", {"workerSelectors": older, "notes": {second: None}})
    read = (await api.get("/routing/jobs/j")).json
    assert read["requestedWorkerSelectors"][0]["labelOperator"] == "greaterThan"
    assert read["notes"] == [{"message": "one", "addedAt": NOW}]


async def test_what_is_set_aside_is_created_in_the_words_of_this_version(client: Client) -> None:
    await client.ready()
    mode = {"kind": "scheduleAndSuspend", "scheduleAt": "2026-01-02T00:00:00Z"}
    await client.api.patch("/routing/jobs/j", {**JOB, "matchingMode": mode})
    assert (await client.get("jobs/j"))["jobStatus"] == "created"
    await client.patch("jobs/j", {"priority": 5})
    job = (await client.api.get("/routing/jobs/j")).json
    assert (job["status"], job["matchingMode"]["kind"]) == ("scheduled", "scheduleAndSuspend")


async def test_every_version_has_its_own_actions(client: Client) -> None:
    assignment_id = await client.assigned()
    later = f"/routing/jobs/job/assignments/{assignment_id}"
    body = {"assignmentId": assignment_id}
    async with unchanged(client.api):
        refused = [
            await client.send("POST", f"{later.removeprefix('/routing/')}:complete"),
            await client.send("POST", f"{later.removeprefix('/routing/')}:close"),
            await client.send("POST", f"{later.removeprefix('/routing/')}:unassign"),
            await client.send("POST", "jobs/job:reclassify", {}),
            await client.api.post("/routing/jobs/job:complete", body),
            await client.api.post("/routing/jobs/job:close", body),
            await client.api.post("/routing/jobs/job/reclassify", {}),
        ]
    for reply, version in zip(refused, [VERSION] * 4 + [PREVIEW_2021] * 3, strict=True):
        assert (reply.status, reply.error["code"]) == (400, "UnsupportedApiVersion")
        assert version in reply.error["message"].partition("have it:")[2]


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "document", "problems"),
    [
        ("jobs/j", {}, [("Required", "channelId")]),
        ("jobs/j", {"channelId": "c"}, [("Required", "queueId")]),
        ("jobs/j", {**JOB, "queueId": "nowhere"}, [("QueueNotFound", "queueId")]),
        (
            "jobs/j",
            {**JOB, "workerSelectors": [{"key": "a", "operator": "Equal", "value": 1}]},
            [("Invalid", "workerSelectors[0].operator")],
        ),
        ("workers/w", {}, [("Required", "totalCapacity")]),
        (
            "workers/w",
            {**WORKER, "queueAssignments": {"nowhere": {}}},
            [("QueueNotFound", "queueAssignments")],
        ),
        (
            "workers/w",
            {**WORKER, "channelConfigurations": {"chat": {"capacityCostPerJob": 0}}},
            [("Invalid", "channelConfigurations.chat.capacityCostPerJob")],
        ),
        (
            "distributionPolicies/p",
            {**POLICY, "offerTtlSeconds": -1},
            [("Invalid", "offerTtlSeconds")],
        ),
        (
            "classificationPolicies/c",
            {
                "queueSelectors": [
                    {
                        "kind": "rule-engine",
                        "rule": {
                            "kind": "expression-rule",
                            "language": "powerFx",
                            "expression": "If(",
                        },
                    }
                ]
            },
            [("InvalidRule", "queueSelectors[0].rule.expression")],
        ),
    ],
)
async def test_bad_definitions(
    client: Client, path: str, document: object, problems: list[tuple[str, str]]
) -> None:
    await client.ready()
    async with unchanged(client.api):
        assert (await client.send("PATCH", path, document)).problems == problems
    assert (await client.send("GET", path)).status == 404


@pytest.mark.parametrize(
    ("action", "options", "problem"),
    [
        ("complete", {}, ("Required", "assignmentId")),
        ("complete", {"assignmentId": 5}, ("Invalid", "assignmentId")),
        ("close", NOTHING, ("Required", "assignmentId")),
        ("close", {"assignmentId": "a", "closeTime": "soon"}, ("Invalid", "closeTime")),
        ("cancel", {"note": 5}, ("Invalid", "note")),
    ],
)
async def test_bad_options(
    client: Client, action: str, options: object, problem: tuple[str, str]
) -> None:
    await client.assigned()
    async with unchanged(client.api):
        assert (await client.send("POST", f"jobs/job:{action}", options)).problems == [problem]


@pytest.mark.parametrize("path", ["jobs?status=created", "jobs?status=x", "workers?status=away"])
async def test_bad_filters(client: Client, path: str) -> None:
    assert (await client.send("GET", path)).problems == [("Invalid", "status")]


async def test_errors_are_in_the_format_of_all_versions(client: Client) -> None:
    assignment_id = await client.assigned()
    early = await client.send("POST", "jobs/job:close", {"assignmentId": assignment_id})
    assert (early.status, early.error["innererror"]) == (409, {"code": "JobNotCompleted"})
    unknown = await client.send("POST", "jobs/job:complete", {"assignmentId": "x"})
    assert (unknown.status, unknown.error["target"]) == (404, "/routing/jobs/job:complete")


# -- the description --------------------------------------------------------------------------

SELECTOR = {"key": "a", "operator": "equal", "value": 1}


@pytest.mark.parametrize(
    ("operation", "body", "is_valid"),
    [
        ("upsert_worker", WORKER, True),
        *(("upsert_worker", registration, True) for registration in REGISTRATIONS),
        ("upsert_worker", {"queueAssignments": {"queue-1": None}}, True),
        ("upsert_worker", {"queueAssignments": {"a/b": {}}}, False),
        ("upsert_worker", {"queueAssignments": [{"id": "queue-1"}]}, False),
        ("upsert_worker", {"queueIds": [""]}, False),
        ("upsert_worker", {"channelConfigurations": {"chat": {"capacityCostPerJob": 0}}}, False),
        ("upsert_worker", {"channelConfigurations": [{"channelId": "chat"}]}, False),
        ("upsert_job", SUBMISSION, True),
        ("upsert_job", {"notes": {"2021-06-23T02:43:30Z": None}}, True),
        ("upsert_job", {"notes": {"2021-06-23T02:43:30Z": 1}}, False),
        ("upsert_job", {"workerSelectors": [{**SELECTOR, "ttl": 60}]}, False),
        ("upsert_job", {"workerSelectors": [{**SELECTOR, "operator": "lessThanOrEqual"}]}, False),
        ("upsert_distribution_policy", {"offerTTL": "00:10:00"}, True),
        ("upsert_distribution_policy", {"mode": {"kind": "roundRobin"}}, False),
        ("upsert_exception_policy", {"exceptionRules": {"r": {"actions": []}}}, False),
        ("complete_job_2021", {"assignmentId": "a"}, True),
        ("complete_job_2021", {}, False),
        ("close_job_2021", {"assignmentId": "a", "closeTime": "2026-01-01T00:00:00Z"}, True),
        ("close_job_2021", {"assignmentId": "a", "closeTime": 1}, False),
        ("reclassify_job_2021", {}, True),
    ],
)
async def test_bodies_are_described_as_they_are_taken(
    client: Client, operation: str, body: Document, is_valid: bool
) -> None:
    described = operations(PREVIEW_2021)[operation]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    assert validator(PREVIEW_2021, schema).is_valid(body) == is_valid
    await client.assigned()
    await client.patch("exceptionPolicies/policy", {})
    path = described["path"].removeprefix("/routing/").replace("{jobId}", "job")
    path = path.replace("{workerId}", "worker").replace("{distributionPolicyId}", "policy")
    path = path.replace("{exceptionPolicyId}", "policy")
    reply = await client.send(described["method"], path, body)
    assert (reply.status != 400) == is_valid, reply.body
