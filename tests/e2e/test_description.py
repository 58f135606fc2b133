"""The API's description of itself, put to the test: requests are made up from it, good and bad.

Whatever is sent to the running router, it must not fail, must answer what the description says,
and must refuse what the description rules out.
"""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, override
from urllib.parse import quote, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from requests.auth import AuthBase
from schemathesis.config import SchemathesisConfig

import function_app  # noqa: F401  declares the operations
from shared.api.versions import SUPPORTED
from tests.e2e.conftest import RunningRouter, start
from tests.e2e.signed_client import JsonObject, signature
from tests.e2e.webhook import Webhook
from tests.functions.description import document, operations

KNOWN = "0"
"""The id of what is there at first: the simplest that there is, so the one that is made up most."""

KINDS = ("jobs", "workers", "queues", "distributionPolicies")

CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"with-security-parameters": False},
        # The platform itself answers 404 to a method that is no operation.
        "phases": {"coverage": {"unexpected-methods": []}},
        "checks": {
            "unsupported_method": {"enabled": False},
            # What does not fit what is stored is refused, however well-formed it is.
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {
                "expected-statuses": ["400", "404", "409", "412", "413", "415"]
            },
        },
    }
)

SETTINGS = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    # The router is furnished once for each operation.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

type Case = schemathesis.Case[Any]
type Subjects = Mapping[str, Mapping[str, str]]
"""By the operation: the path parameters with which it can be granted."""

answered: dict[str, set[int]] = defaultdict(set)
"""The statuses that each operation was seen to answer."""


class Signed(AuthBase):
    """Signs a request when all else of it is settled."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        assert request.method is not None
        authority = urlsplit(request.url).netloc
        assert isinstance(authority, str)
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        assert isinstance(content, bytes)
        request.headers.update(
            signature(self._key, request.method, request.path_url, authority, content)
        )
        return request


@dataclass(frozen=True)
class Target:
    """A running router, and whoever signs."""

    router: RunningRouter
    auth: Signed

    def send(self, method: str, path: str, document: JsonObject | None = None) -> Any:
        """The answer's document, whatever the status."""
        url = f"{self.router.http_endpoint}{path}{'&' if '?' in path else '?'}api-version="
        answer = requests.request(
            method, url + SUPPORTED[-1], json=document, auth=self.auth, timeout=10
        )
        return answer.json() if answer.content else None

    def clear(self) -> None:
        for kind in KINDS:
            for id in self._ids(f"/routing/{kind}"):
                if kind == "jobs":
                    self.send("POST", f"/routing/jobs/{id}:cancel")
                self.send("DELETE", f"/routing/{kind}/{id}")

    def furnish(self) -> Subjects:
        self._define(KNOWN)
        self.send("PATCH", f"/routing/workers/{KNOWN}", WORKER)
        completed, assigned = self._assigned("completed"), self._assigned(KNOWN)
        path = f"/routing/jobs/completed/assignments/{completed['assignmentId']}"
        self.send("POST", f"{path}:complete")
        self.send("PATCH", "/routing/jobs/offered", JOB)
        offered = {"workerId": KNOWN, "offerId": self._offer_id()}
        self._define("idle")
        self.send("PATCH", "/routing/workers/idle", {"capacity": 1})
        self.send("PATCH", "/routing/jobs/idle", {**JOB, "queueId": "idle"})
        self.send("POST", "/routing/jobs/idle:cancel")
        return {
            "complete_job": assigned,
            "unassign_job": assigned,
            "close_job": completed,
            "accept_offer": offered,
            "decline_offer": offered,
            "delete_job": {"jobId": "idle"},
            "delete_worker": {"workerId": "idle"},
            "delete_queue": {"queueId": "idle"},
            "delete_distribution_policy": {"distributionPolicyId": "free"},
        }

    def _define(self, id: str) -> None:
        policy = {"offerExpiresAfterSeconds": 600, "mode": {"kind": "longestIdle"}}
        for policy_id in (id, "free"):
            self.send("PATCH", f"/routing/distributionPolicies/{policy_id}", policy)
        self.send("PATCH", f"/routing/queues/{id}", {"distributionPolicyId": id})

    def _assigned(self, job_id: str) -> Mapping[str, str]:
        self.send("PATCH", f"/routing/jobs/{job_id}", JOB)
        offer = f"/routing/workers/{KNOWN}/offers/{self._offer_id()}"
        assignment_id = self.send("POST", f"{offer}:accept")["assignmentId"]
        return {"jobId": job_id, "assignmentId": assignment_id}

    def _offer_id(self) -> str:
        offered: str = self.send("GET", f"/routing/workers/{KNOWN}")["offers"][0]["offerId"]
        return offered

    def _ids(self, path: str) -> list[str]:
        page = self.send("GET", f"{path}?maxpagesize=100")
        return [quote(item["id"], safe="") for item in page["value"]]


JOB = {"channelId": KNOWN, "queueId": KNOWN}
WORKER = {
    "capacity": 3,
    "queues": [KNOWN],
    "channels": [{"channelId": KNOWN, "capacityCostPerJob": 1}],
    "availableForOffers": True,
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Webhook() as webhook:
        data = tmp_path_factory.mktemp("router")
        for router in start(data, webhook, JOBROUTER_RATE_LIMIT="0"):
            yield Target(router, Signed(base64.b64decode(router.access_key)))


@pytest.fixture
def subjects(target: Target) -> Subjects:
    target.clear()
    return target.furnish()


def described(version: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(document(version), config=CONFIG)


def check(case: Case, target: Target, subjects: Subjects) -> None:
    name = case.operation.definition.raw["operationId"]
    if set(case.path_parameters.values()) == {KNOWN}:
        case.path_parameters.update(subjects.get(name, {}))
    # Headers are text in UTF-8; what is not, the platform itself refuses.
    case.headers.update({n: str(v).encode().decode("latin-1") for n, v in case.headers.items()})
    response = case.call_and_validate(base_url=target.router.http_endpoint, auth=target.auth)
    answered[name].add(response.status_code)


@SETTINGS
@described(SUPPORTED[-1]).parametrize()
def test_all_operations(case: Case, target: Target, subjects: Subjects) -> None:
    check(case, target, subjects)


@SETTINGS
@described(SUPPORTED[0]).include(path_regex="^/routing/workers").parametrize()
def test_workers_before_the_preview(case: Case, target: Target, subjects: Subjects) -> None:
    check(case, target, subjects)


def test_what_was_sent_was_not_just_refused() -> None:
    if answered.keys() != operations(SUPPORTED[-1]).keys():
        pytest.skip("Only some operations were tried.")
    granted = {name for name, statuses in answered.items() if statuses & {200, 201, 204}}
    assert granted == operations(SUPPORTED[-1]).keys()
    refused = {status for statuses in answered.values() for status in statuses if status >= 400}
    assert refused == {400, 404, 409, 412, 415}
