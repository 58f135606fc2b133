"""Lists: pages, links and filters."""

from typing import Any
from urllib.parse import parse_qs, quote, urlparse

import pytest

from tests.functions.api import CHAT, JOB, WORKER, Api

KINDS = [
    "jobs",
    "workers",
    "queues",
    "distributionPolicies",
    "classificationPolicies",
    "exceptionPolicies",
]


async def create(api: Api, kind: str, id: str, **members: object) -> None:
    required: dict[str, dict[str, Any]] = {
        "jobs": JOB,
        "workers": WORKER | {"availableForOffers": False},
        "queues": {"distributionPolicyId": "policy"},
        "distributionPolicies": {},
        "classificationPolicies": {},
        "exceptionPolicies": {},
    }
    reply = await api.patch(f"/routing/{kind}/{id}", {**required[kind], **members})
    assert reply.status == 201


async def ids(api: Api, kind: str, query: str = "") -> list[str]:
    reply = await api.get(f"/routing/{kind}{query and '?'}{query}")
    assert reply.status == 200
    return [entity["id"] for entity in reply.json["value"]]


async def follow(api: Api, link: str) -> Any:
    """As the Python client does: it takes the link apart and quotes each value once."""
    parsed = urlparse(link)
    assert not parsed.netloc
    assert "api-version" not in link
    values = {name: quote(value[0]) for name, value in parse_qs(parsed.query).items()}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    reply = await api.get(f"{parsed.path}?{query}")
    assert reply.status == 200
    return reply.json


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_lead_through_everything_once(api: Api, kind: str) -> None:
    await api.ready()
    for number in range(5):
        await create(api, kind, f"x{number}")
    page = (await api.get(f"/routing/{kind}?maxpagesize=2")).json
    found = list(page["value"])
    while "nextLink" in page:
        assert len(page["value"]) == 2
        page = await follow(api, page["nextLink"])
        found += page["value"]
    seen = [entity["id"] for entity in found if entity["id"].startswith("x")]
    assert sorted(seen) == [f"x{number}" for number in range(5)]
    for entity in found:
        assert entity == (await api.get(f"/routing/{kind}/{entity['id']}")).json


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_list(api: Api, kind: str) -> None:
    assert (await api.get(f"/routing/{kind}")).json == {"value": []}


async def test_page_sizes(api: Api) -> None:
    for number in range(101):
        await api.patch(f"/routing/distributionPolicies/p{number}", {})
    assert len(await ids(api, "distributionPolicies")) == 20
    assert len(await ids(api, "distributionPolicies", "maxpagesize=100")) == 100
    assert len(await ids(api, "distributionPolicies", "maxpagesize=1000")) == 100


@pytest.mark.parametrize("size", ["0", "-1", "ten", "1.5"])
async def test_bad_page_sizes(api: Api, size: str) -> None:
    reply = await api.get(f"/routing/queues?maxpagesize={size}")
    assert reply.problems == [("Invalid", "maxpagesize")]


async def test_a_link_keeps_its_filters(api: Api) -> None:
    await api.ready()
    await create(api, "queues", "a%20b")
    for number in range(6):
        await create(api, "jobs", f"j{number}", queueId="a b" if number % 2 else "queue")
    page = (await api.get("/routing/jobs?queueId=a%20b&status=queued&maxpagesize=2")).json
    following = await follow(api, page["nextLink"])
    assert [job["id"] for job in page["value"] + following["value"]] == ["j1", "j3", "j5"]
    assert "nextLink" not in following


async def test_a_link_is_of_no_use_elsewhere(api: Api) -> None:
    await api.ready()
    for number in range(3):
        await create(api, "jobs", f"j{number}")
    link = (await api.get("/routing/jobs?maxpagesize=1")).json["nextLink"]
    for other in (link.replace("/jobs", "/workers"), link + "&status=queued", link + "x"):
        reply = await api.get(other)
        assert reply.problems == [("Invalid", "continuationToken")]


async def test_job_filters(api: Api) -> None:
    await api.ready()
    await create(api, "queues", "other")
    mode = {"kind": "scheduleAndSuspend", "scheduleAt": "2026-01-02T00:00:00Z"}
    await create(api, "jobs", "queued", queueId="other", channelId="voice")
    await create(api, "jobs", "scheduled", matchingMode=mode)
    await create(api, "jobs", "cancelled")
    await api.post("/routing/jobs/cancelled:cancel")
    expected = {
        "": ["cancelled", "queued", "scheduled"],
        "status=all": ["cancelled", "queued", "scheduled"],
        "status=active": ["queued", "scheduled"],
        "status=cancelled": ["cancelled"],
        "status=classificationFailed": [],
        "queueId=other": ["queued"],
        "channelId=voice": ["queued"],
        "channelId=voice&queueId=queue": [],
        "queueId=unknown": [],
        "classificationPolicyId=any": [],
        "scheduledBefore=2026-01-02T00%3A00%3A00.000Z": ["scheduled"],
        "scheduledAfter=2026-01-02T00:00:00Z": ["scheduled"],
        "scheduledAfter=2026-01-02T00:00:01Z": [],
        "status=": ["cancelled", "queued", "scheduled"],
        "unknown=x": ["cancelled", "queued", "scheduled"],
    }
    assert {query: await ids(api, "jobs", query) for query in expected} == expected


async def test_worker_filters(api: Api) -> None:
    await api.ready()
    await create(api, "workers", "idle")
    await create(api, "workers", "busy", availableForOffers=True)
    await create(api, "workers", "other", queues=[], channels=[{**CHAT, "channelId": "voice"}])
    await create(api, "jobs", "job")
    expected = {
        "": ["busy", "idle", "other"],
        "state=all": ["busy", "idle", "other"],
        "state=active": ["busy"],
        "state=draining": [],
        "queueId=queue": ["busy", "idle"],
        "channelId=voice": ["other"],
        "hasCapacity=true": ["idle", "other"],
        "hasCapacity=true&channelId=chat": ["idle"],
        "hasCapacity=false": ["busy", "idle", "other"],
    }
    assert {query: await ids(api, "workers", query) for query in expected} == expected


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("jobs?status=Queued", "status"),
        ("jobs?scheduledBefore=soon", "scheduledBefore"),
        ("jobs?status=queued&status=closed", "status"),
        ("workers?state=away", "state"),
        ("workers?hasCapacity=maybe", "hasCapacity"),
        ("queues?continuationToken=%21", "continuationToken"),
        ("jobs?continuationToken=AAAA", "continuationToken"),
    ],
)
async def test_bad_filters(api: Api, path: str, target: str) -> None:
    assert (await api.get(f"/routing/{path}")).problems == [("Invalid", target)]
