"""Whatever is sent to whatever operation: never a failure, always the error format."""

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.api.versions import SUPPORTED
from tests.functions.api import JOB, WORKER, Api, Document, Reply

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    # Each example starts with an empty store.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FAR_TIMES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999-14:00", "2026-01-01"]
ODD_NUMBERS = [0, -1, 1, 2**31 - 1, 2**31, 2**53, 10**400, -0.0, 0.5, 1e-320, 1e308]

MEMBERS = {
    "distributionPolicies": [
        "name",
        "offerExpiresAfterSeconds",
        "offerTtlSeconds",
        "offerTTL",
        "mode",
    ],
    "classificationPolicies": [
        "name",
        "fallbackQueueId",
        "queueSelectorAttachments",
        "prioritizationRule",
        "workerSelectorAttachments",
    ],
    "exceptionPolicies": ["name", "exceptionRules"],
    "queues": ["name", "distributionPolicyId", "labels", "exceptionPolicyId"],
    "workers": [
        "queues",
        "capacity",
        "labels",
        "tags",
        "channels",
        "availableForOffers",
        "maxConcurrentOffers",
        "queueAssignments",
        "queueIds",
        "totalCapacity",
        "channelConfigurations",
    ],
    "jobs": [
        "channelReference",
        "channelId",
        "classificationPolicyId",
        "queueId",
        "priority",
        "dispositionCode",
        "requestedWorkerSelectors",
        "workerSelectors",
        "labels",
        "tags",
        "notes",
        "matchingMode",
    ],
}
INNER = [
    "kind",
    "minConcurrentOffers",
    "maxConcurrentOffers",
    "bypassSelectors",
    "scoringRule",
    "scheduleAt",
    "operator",
    "ttl",
    "ttlSeconds",
    "queueId",
    "key",
    "labelOperator",
    "value",
    "expiresAfterSeconds",
    "expedite",
    "message",
    "addedAt",
    "capacityCostPerJob",
    "maxNumberOfJobs",
    "channelId",
    "Id",
    "id",
    "trigger",
    "threshold",
    "thresholdSeconds",
    "actions",
    "queueId",
    "classificationPolicyId",
    "labelsToUpsert",
    "priority",
    "queueSelector",
    "queueSelectors",
    "workerSelector",
    "workerSelectors",
    "condition",
    "rule",
    "expression",
    "language",
    "allocations",
    "weight",
]
OPTIONS = ["note", "dispositionCode", "closeAt", "suspendMatching", "retryOfferAt"]
QUERIES = [
    "maxpagesize",
    "continuationToken",
    "status",
    "state",
    "queueId",
    "channelId",
    "classificationPolicyId",
    "scheduledBefore",
    "scheduledAfter",
    "hasCapacity",
]
CONDITIONS = ["if-match", "if-none-match", "if-unmodified-since", "content-type", "traceparent"]
WORDS = [
    "queue",
    "policy",
    "worker",
    "job",
    "chat",
    "equal",
    "greaterThan",
    "roundRobin",
    "round-robin",
    "PT1M",
    "bestWorker",
    "scheduleAndSuspend",
    "suspend",
    "queueAndMatch",
    "static",
    "directMap",
    "expression",
    "conditional",
    "passThrough",
    "ruleEngine",
    "weightedAllocation",
    "queueLength",
    "waitTime",
    "cancel",
    "reclassify",
    "manualReclassify",
    "true",
    "queued",
    "*",
    '"0"',
    "application/json",
]

BASES: list[Document] = [
    {},
    JOB,
    WORKER,
    {"distributionPolicyId": "policy"},
    {"totalCapacity": 1, "queueAssignments": {"queue": {}}},
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
known = st.sampled_from(WORDS + FAR_TIMES)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(ODD_NUMBERS)
    | texts
    | known
)


def objects(
    names: Sequence[str], values: st.SearchStrategy[object], size: int = 5
) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(names) | texts, values, max_size=size)


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | objects(INNER, inner),
    max_leaves=8,
)
ids = known | texts.filter(lambda text: text.strip(".") and "\0" not in text)
bodies = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20) | known


@st.composite
def patches(draw: st.DrawFn) -> tuple[str, bytes]:
    """A kind and a document that is nearly one of that kind."""
    kind = draw(st.sampled_from(list(MEMBERS)))
    basis = draw(st.sampled_from(BASES))
    document = {**basis, **draw(objects(MEMBERS[kind], values))}
    return kind, json.dumps(document).encode()


def is_proper(reply: Reply) -> bool:
    assert reply.status < 500
    if reply.status >= 400:
        assert reply.error
    elif reply.status not in {204, 304}:
        assert isinstance(reply.json, dict)
    return True


@pytest.fixture
def actions() -> Sequence[str]:
    assignment = "jobs/job/assignments/{}"
    offer = "workers/worker/offers/{}"
    return [
        "jobs/job:cancel",
        *(f"{assignment}:{verb}" for verb in ("complete", "close", "unassign")),
        *(f"{offer}:{verb}" for verb in ("accept", "decline")),
    ]


@SETTINGS
@given(patch=patches(), id=ids, version=st.sampled_from(SUPPORTED))
async def test_any_definition(api: Api, patch: tuple[str, bytes], id: str, version: str) -> None:
    api.restart()
    await api.ready()
    await api.offered()
    kind, body = patch
    path = f"/routing/{kind}/{quote(id, safe='')}"
    assert is_proper(await api.send("PATCH", path, body, version=version))
    assert is_proper(await api.send("PATCH", path, body, version=version))
    assert is_proper(await api.get(path))
    assert is_proper(await api.get(f"/routing/{kind}"))
    assert is_proper(await api.delete(path))


@SETTINGS
@given(body=bodies, kind=st.sampled_from(list(MEMBERS)))
async def test_any_body_of_a_patch(api: Api, body: bytes, kind: str) -> None:
    api.restart()
    assert is_proper(await api.send("PATCH", f"/routing/{kind}/x", body))


@SETTINGS
@given(
    number=st.integers(0, 5),
    id=ids | st.none(),
    body=bodies | objects(OPTIONS, values).map(lambda value: json.dumps(value).encode()),
    accepts=st.booleans(),
)
async def test_any_options_of_an_action(
    api: Api, actions: Sequence[str], number: int, id: str | None, body: bytes, accepts: bool
) -> None:
    """On an offer or an assignment that is there (``id`` is ``None``), or perhaps not."""
    api.restart()
    await api.ready()
    real = (await api.assigned()).rpartition("/")[2] if accepts else await api.offered()
    path = actions[number].format(real if id is None else quote(id, safe=""))
    assert is_proper(await api.send("POST", f"/routing/{path}", body))
    assert is_proper(await api.get("/routing/jobs/job"))


@SETTINGS
@given(
    path=st.sampled_from([*MEMBERS, *(f"{kind}/x" for kind in MEMBERS)]),
    query=st.lists(st.tuples(st.sampled_from(QUERIES) | texts, texts | known), max_size=3),
    headers=st.dictionaries(st.sampled_from(CONDITIONS), header_texts, max_size=2),
    method=st.sampled_from(["GET", "PATCH", "DELETE"]),
)
async def test_any_query_and_headers(
    api: Api, path: str, query: list[tuple[str, str]], headers: dict[str, str], method: str
) -> None:
    if method != "GET" and "/" not in path:
        method = "GET"
    api.restart()
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    target = f"/routing/{path}?{urlencode(query)}" if query else f"/routing/{path}"
    assert is_proper(await api.send(method, target, b"{}", sent))
