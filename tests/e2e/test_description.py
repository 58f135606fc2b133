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
from hypothesis import HealthCheck, Phase, settings
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

POLICIES = ("distributionPolicies", "classificationPolicies", "exceptionPolicies")
KINDS = ("jobs", "workers", "queues", *POLICIES)

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

answered: dict[str, dict[str, set[int]]] = {v: defaultdict(set) for v in SUPPORTED}
"""The statuses that each operation was seen to answer, by the version of the API."""


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
    """A running router, connections to it, and whoever signs."""

    router: RunningRouter
    session: requests.Session
    auth: Signed

    def send(self, method: str, path: str, document: JsonObject | None = None) -> Any:
        """The answer's document, whatever the status."""
        url = f"{self.router.http_endpoint}{path}{'&' if '?' in path else '?'}api-version="
        answer = self.session.request(
            method, url + SUPPORTED[-1], json=document, auth=self.auth, timeout=10
        )
        return answer.json() if answer.content else None

    def clear(self) -> None:
        self._part()
        for kind in KINDS:
            for id in self._ids(f"/routing/{kind}"):
                if kind == "jobs":
                    self.send("POST", f"/routing/jobs/{id}:cancel")
                self.send("DELETE", f"/routing/{kind}/{id}")

    def _part(self) -> None:
        """Have policies name nothing, so that everything can be deleted."""
        for id in self._ids("/routing/classificationPolicies"):
            self.send("PATCH", f"/routing/classificationPolicies/{id}", {"fallbackQueueId": None})
        for id in self._ids("/routing/exceptionPolicies"):
            self.send("PATCH", f"/routing/exceptionPolicies/{id}", {"exceptionRules": []})

    def furnish(self) -> Subjects:
        self._define(KNOWN)
        for kind in POLICIES[1:]:
            self.send("PATCH", f"/routing/{kind}/{KNOWN}", {})
        self.send("PATCH", f"/routing/workers/{KNOWN}", WORKER)
        completed, assigned = self._assigned("completed"), self._assigned(KNOWN)
        path = f"/routing/jobs/completed/assignments/{completed['assignmentId']}"
        self.send("POST", f"{path}:complete")
        self.send("PATCH", "/routing/jobs/offered", JOB)
        offered = {"workerId": KNOWN, "offerId": self._offer_id()}
        self.send("PATCH", "/routing/classificationPolicies/used", {})
        self.send("PATCH", "/routing/jobs/classified", {**JOB, "classificationPolicyId": "used"})
        self._define("idle")
        self.send("PATCH", "/routing/workers/idle", {"capacity": 1})
        self.send("PATCH", "/routing/jobs/idle", {**JOB, "queueId": "idle"})
        self.send("POST", "/routing/jobs/idle:cancel")
        return {
            "complete_job": assigned,
            "unassign_job": assigned,
            "close_job": completed,
            "complete_job_2021": assigned,
            "close_job_2021": completed,
            "reclassify_job": {"jobId": "classified"},
            "reclassify_job_2021": {"jobId": "classified"},
            "accept_offer": offered,
            "decline_offer": offered,
            "delete_job": {"jobId": "idle"},
            "get_job_position": {"jobId": "offered"},
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
    with Webhook() as webhook, requests.Session() as session:
        data = tmp_path_factory.mktemp("router")
        for router in start(data, webhook, JOBROUTER_RATE_LIMIT="0"):
            yield Target(router, session, Signed(base64.b64decode(router.access_key)))


@pytest.fixture
def subjects(target: Target) -> Subjects:
    target.clear()
    return target.furnish()


def described(version: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(document(version), config=CONFIG)


def check(case: Case, target: Target, subjects: Subjects, version: str) -> None:
    name = case.operation.definition.raw["operationId"]
    if set(case.path_parameters.values()) == {KNOWN}:
        subject = subjects.get(name, {})
        case.path_parameters.update(_replaced(case.path_parameters, subject))
        if isinstance(case.body, dict):
            case.body.update(_replaced(case.body, subject))
    # Headers are text in UTF-8; what is not, the platform itself refuses.
    case.headers.update({n: str(v).encode().decode("latin-1") for n, v in case.headers.items()})
    response = case.call_and_validate(
        base_url=target.router.http_endpoint, session=target.session, auth=target.auth
    )
    answered[version][name].add(response.status_code)


def _replaced(members: Mapping[str, object], subject: Mapping[str, str]) -> Mapping[str, str]:
    return {name: id for name, id in subject.items() if members.get(name) == KNOWN}


@SETTINGS
@described(SUPPORTED[-1]).parametrize()
def test_all_operations(case: Case, target: Target, subjects: Subjects) -> None:
    check(case, target, subjects, SUPPORTED[-1])


@SETTINGS
@described(SUPPORTED[1]).include(path_regex="^/routing/workers").parametrize()
def test_workers_before_the_preview(case: Case, target: Target, subjects: Subjects) -> None:
    check(case, target, subjects, SUPPORTED[1])


@settings(SETTINGS, max_examples=6, phases=[Phase.generate])
@described(SUPPORTED[0]).parametrize()
def test_all_operations_in_the_words_of_2021(
    case: Case, target: Target, subjects: Subjects
) -> None:
    check(case, target, subjects, SUPPORTED[0])


@pytest.mark.parametrize("version", [SUPPORTED[0], SUPPORTED[-1]])
def test_what_was_sent_was_not_just_refused(version: str) -> None:
    seen = all_answered(version)
    granted = {name for name, statuses in seen.items() if statuses & {200, 201, 202, 204}}
    assert granted == seen.keys()


def test_what_was_sent_was_refused_for_every_reason() -> None:
    seen = all_answered(SUPPORTED[-1])
    refused = {status for statuses in seen.values() for status in statuses if status >= 400}
    assert refused >= {400, 404, 409, 412, 415}


def all_answered(version: str) -> Mapping[str, set[int]]:
    seen = answered[version]
    if seen.keys() != operations(version).keys():
        pytest.skip("Only some operations were tried.")
    return seen
