"""Bad input: a precise refusal in the error format, and nothing is changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.functions.api import CHAT, JOB, WORKER, Api, Reply

POLICY_KINDS = ["distributionPolicies", "classificationPolicies", "exceptionPolicies"]
KINDS = ["jobs", "workers", "queues", *POLICY_KINDS]


async def everything(api: Api) -> object:
    """All that is stored, events and records to come included."""
    store = api.rig.store
    return [
        await store.distribution_policies.list(100),
        await store.classification_policies.list(100),
        await store.exception_policies.list(100),
        await store.queues.list(100),
        [page async for page in _contents(api)],
        list(api.rig.events.published),
    ]


async def _contents(api: Api) -> AsyncIterator[object]:
    for kind in ("jobs", "workers"):
        yield (await api.get(f"/routing/{kind}?maxpagesize=100")).json
        store = api.rig.store.jobs if kind == "jobs" else api.rig.store.workers
        yield await store.outbox(api.rig.clock(), 100)


@asynccontextmanager
async def unchanged(api: Api) -> AsyncIterator[None]:
    before = await everything(api)
    yield
    assert await everything(api) == before


async def refused(api: Api, method: str, path: str, document: object) -> Reply:
    async with unchanged(api):
        reply = await api.send(method, path, document)
        assert 400 <= reply.status < 500
        assert reply.error
    return reply


@pytest.mark.parametrize(
    ("path", "document", "problems"),
    [
        ("jobs/j", {}, [("Required", "channelId")]),
        ("jobs/j", {"channelId": "chat"}, [("Required", "queueId")]),
        ("jobs/j", {"queueId": "queue"}, [("Required", "channelId")]),
        ("jobs/j", {**JOB, "queueId": "nowhere"}, [("QueueNotFound", "queueId")]),
        (
            "jobs/j",
            {**JOB, "classificationPolicyId": "c"},
            [("ClassificationPolicyNotFound", "classificationPolicyId")],
        ),
        ("jobs/j", {**JOB, "priority": 10**9}, [("Invalid", "priority")]),
        ("jobs/j", {**JOB, "labels": {"a": {"b": 1}}}, [("Invalid", "labels.a")]),
        (
            "jobs/j",
            {**JOB, "requestedWorkerSelectors": [{"key": "a", "labelOperator": "~", "value": 1}]},
            [("Invalid", "requestedWorkerSelectors[0].labelOperator")],
        ),
        ("workers/w", {}, [("Required", "capacity")]),
        ("workers/w", {**WORKER, "queues": ["nowhere"]}, [("QueueNotFound", "queues")]),
        ("workers/w", {**WORKER, "capacity": -5}, [("Invalid", "capacity")]),
        ("workers/w", {**WORKER, "capacity": "5"}, [("Invalid", "capacity")]),
        ("workers/w", {**WORKER, "channels": [CHAT, CHAT]}, [("Invalid", "channels")]),
        ("queues/q", {}, [("Required", "distributionPolicyId")]),
        (
            "queues/q",
            {"distributionPolicyId": "nothing"},
            [("DistributionPolicyNotFound", "distributionPolicyId")],
        ),
        (
            "queues/q",
            {"distributionPolicyId": "policy", "exceptionPolicyId": "e"},
            [("ExceptionPolicyNotFound", "exceptionPolicyId")],
        ),
        (
            "distributionPolicies/p",
            {"offerExpiresAfterSeconds": -1},
            [("Invalid", "offerExpiresAfterSeconds")],
        ),
        ("distributionPolicies/p", {"mode": {"kind": "luck"}}, [("Invalid", "mode.kind")]),
    ],
)
async def test_bad_definitions(
    api: Api, path: str, document: object, problems: list[tuple[str, str]]
) -> None:
    await api.ready()
    assert (await refused(api, "PATCH", f"/routing/{path}", document)).problems == problems
    assert (await api.get(f"/routing/{path}")).status == 404


@pytest.mark.parametrize(
    ("path", "document", "problems"),
    [
        ("jobs/job", {"channelId": None}, [("Required", "channelId")]),
        ("jobs/job", {"queueId": "nowhere"}, [("QueueNotFound", "queueId")]),
        ("workers/worker", {"capacity": None}, [("Required", "capacity")]),
        ("workers/worker", {"queues": ["queue", "x"]}, [("QueueNotFound", "queues")]),
        ("queues/queue", {"distributionPolicyId": None}, [("Required", "distributionPolicyId")]),
        (
            "distributionPolicies/policy",
            {"mode": {"minConcurrentOffers": 5}},
            [("Invalid", "mode.maxConcurrentOffers")],
        ),
    ],
)
async def test_bad_changes(
    api: Api, path: str, document: object, problems: list[tuple[str, str]]
) -> None:
    await api.ready()
    await api.offered()
    assert (await refused(api, "PATCH", f"/routing/{path}", document)).problems == problems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("id", ["a%2Fb", "a%5Cb", "%0A", "%FF", "%2E%2E%2E", "x" * 129, "%20a"])
async def test_bad_ids(api: Api, kind: str, method: str, id: str) -> None:
    reply = await refused(api, method, f"/routing/{kind}/{id}", {})
    singular = f"{kind.removesuffix('ies')}y" if kind in POLICY_KINDS else kind.removesuffix("s")
    assert reply.problems == [("Invalid", f"{singular}Id")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}'])
async def test_bodies_that_are_no_objects(api: Api, kind: str, body: bytes) -> None:
    reply = await refused(api, "PATCH", f"/routing/{kind}/x", body)
    assert [code for code, _ in reply.problems] == ["InvalidJson"]


@pytest.mark.parametrize(
    ("action", "options", "target"),
    [
        ("jobs/job:cancel", {"note": 5}, "note"),
        ("jobs/job:cancel", {"dispositionCode": "x" * 2001}, "dispositionCode"),
        ("jobs/job/assignments/a:complete", {"note": []}, "note"),
        ("jobs/job/assignments/a:close", {"closeAt": "soon"}, "closeAt"),
        ("jobs/job/assignments/a:unassign", {"suspendMatching": "true"}, "suspendMatching"),
        ("workers/worker/offers/o:decline", {"retryOfferAt": 5}, "retryOfferAt"),
    ],
)
async def test_bad_options(api: Api, action: str, options: object, target: str) -> None:
    await api.ready()
    await api.offered()
    reply = await refused(api, "POST", f"/routing/{action}", options)
    assert reply.problems == [("Invalid", target)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_unknown_entities(api: Api, kind: str, method: str) -> None:
    reply = await refused(api, method, f"/routing/{kind}/nobody", b"")
    assert (reply.status, reply.error["code"]) == (404, "NotFound")
    assert reply.error["target"] == f"/routing/{kind}/nobody"


@pytest.mark.parametrize(
    "action",
    [
        "jobs/nothing:cancel",
        "jobs/nothing/assignments/a:complete",
        "jobs/nothing/assignments/a:close",
        "jobs/nothing/assignments/a:unassign",
        "jobs/job/assignments/nothing:complete",
        "jobs/job/assignments/nothing:close",
        "jobs/job/assignments/nothing:unassign",
        "workers/nobody/offers/o:accept",
        "workers/worker/offers/nothing:accept",
        "workers/worker/offers/nothing:decline",
    ],
)
async def test_unknown_targets_of_actions(api: Api, action: str) -> None:
    await api.ready()
    await api.offered()
    reply = await refused(api, "POST", f"/routing/{action}", b"")
    assert (reply.status, reply.error["target"]) == (404, f"/routing/{action}")


async def conflict(api: Api, method: str, path: str, rule: str) -> None:
    reply = await refused(api, method, path, b"")
    assert (reply.status, reply.error["code"]) == (409, "Conflict")
    assert reply.error["innererror"] == {"code": rule}


async def test_accepting_twice(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    offer = f"/routing/workers/worker/offers/{offer_id}"
    await api.post(f"{offer}:accept")
    await conflict(api, "POST", f"{offer}:accept", "OfferAlreadyAccepted")
    await conflict(api, "POST", f"{offer}:decline", "OfferAlreadyAccepted")


async def test_accepting_what_was_declined(api: Api) -> None:
    await api.ready()
    offer_id = await api.offered()
    offer = f"/routing/workers/worker/offers/{offer_id}"
    await api.post(f"{offer}:decline")
    assert (await refused(api, "POST", f"{offer}:accept", b"")).status == 404


async def test_actions_on_an_assigned_job(api: Api) -> None:
    await api.ready()
    assignment = await api.assigned()
    await conflict(api, "POST", f"{assignment}:close", "JobNotCompleted")
    await conflict(api, "DELETE", "/routing/jobs/job", "JobIsActive")
    await conflict(api, "DELETE", "/routing/workers/worker", "WorkerHasAssignedJobs")


async def test_actions_on_a_closed_job(api: Api) -> None:
    await api.ready()
    assignment = await api.assigned()
    await api.post(f"{assignment}:complete")
    await conflict(api, "POST", f"{assignment}:complete", "JobNotAssigned")
    await conflict(api, "POST", f"{assignment}:unassign", "JobNotAssigned")
    await api.post(f"{assignment}:close")
    await conflict(api, "POST", f"{assignment}:close", "JobNotCompleted")
    await conflict(api, "POST", "/routing/jobs/job:cancel", "JobAlreadyEnded")


async def test_moving_an_assigned_job(api: Api) -> None:
    await api.ready()
    await api.assigned()
    reply = await refused(api, "PATCH", "/routing/jobs/job", {"channelId": "voice"})
    assert (reply.status, reply.error["innererror"]) == (409, {"code": "JobNotInQueue"})


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("queues/queue", "ActiveJobWithQueueExist"),
        ("distributionPolicies/policy", "QueueWithDistributionPolicyExist"),
    ],
)
async def test_deleting_what_is_in_use(api: Api, path: str, code: str) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    reply = await refused(api, "DELETE", f"/routing/{path}", b"")
    assert reply.problems == [(code, None)]
