"""The migration tool between two routers, as a user runs it."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.communication.jobrouter.models import RouterQueue

from infra.migrate.main import main
from tests.e2e.conftest import RunningRouter, start
from tests.e2e.webhook import Webhook

PREVIEW = "2024-01-18-preview"
KEY, SECRET = "the-key-of-the-function", "the-secret-of-the-client"

type Run = Callable[..., tuple[int, str]]

FUNCTION = {"kind": "function", "functionUri": "https://rules.example/api/score"}
WEBHOOK = {
    "kind": "webhook",
    "authorizationServerUri": "https://login.example/token",
    "webhookUri": "https://rules.example/priority",
}
DISTRIBUTIONS: dict[str, Any] = {
    "plain": {},
    "scored": {
        "name": "By score",
        "offerExpiresAfterSeconds": 30.5,
        "mode": {
            "kind": "bestWorker",
            "maxConcurrentOffers": 2,
            "scoringRule": {**FUNCTION, "credential": {"functionKey": KEY}},
        },
    },
}
QUEUES: dict[str, Any] = {
    "first": {"distributionPolicyId": "plain", "labels": {"Level": 1, "Vip": True}},
    "second": {"distributionPolicyId": "scored", "name": "Second"},
}
CLASSIFICATIONS: dict[str, Any] = {
    "by-topic": {
        "fallbackQueueId": "second",
        "prioritizationRule": {
            **WEBHOOK,
            "clientCredential": {"clientId": "router", "clientSecret": SECRET},
        },
        "workerSelectorAttachments": [
            {"kind": "passThrough", "key": "Language", "labelOperator": "equal"}
        ],
    },
}
EXCEPTIONS: dict[str, Any] = {
    "too-long": {
        "exceptionRules": [
            {
                "id": "wait",
                "trigger": {"kind": "waitTime", "thresholdSeconds": 60},
                "actions": [
                    {"kind": "reclassify", "classificationPolicyId": "by-topic"},
                    {"kind": "manualReclassify", "queueId": "second", "priority": 5},
                ],
            }
        ]
    },
}
WORKERS: dict[str, Any] = {
    "ann": {
        "queues": ["second", "first"],
        "capacity": 4,
        "channels": [{"channelId": "chat", "capacityCostPerJob": 2, "maxNumberOfJobs": 1}],
        "labels": {"Language": "en"},
        "tags": {"Team": "blue"},
        "maxConcurrentOffers": 1,
        "availableForOffers": True,
    },
    "bob": {"capacity": 1},
}
SECRETS = {
    "distributionPolicies/scored#/mode/scoringRule": {"functionKey": KEY},
    "classificationPolicies/by-topic#/prioritizationRule": {"clientSecret": SECRET},
}
EVERYTHING = (
    *(f"distributionPolicies/{id}" for id in DISTRIBUTIONS),
    *(f"classificationPolicies/{id}" for id in CLASSIFICATIONS),
    *(f"exceptionPolicies/{id}" for id in EXCEPTIONS),
    *(f"queues/{id}" for id in QUEUES),
    *(f"workers/{id}" for id in WORKERS),
)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRouter]:
    """A router with one or two definitions of each kind, in a circle of references."""
    with (
        Webhook() as webhook,
        contextmanager(start)(tmp_path_factory.mktemp("old"), webhook) as router,
    ):
        _fill(router)
        yield router


def _fill(router: RunningRouter) -> None:
    with router.administration() as administration, router.client() as client:
        for id, policy in DISTRIBUTIONS.items():
            administration.upsert_distribution_policy(id, policy)
        for id, queue in QUEUES.items():
            administration.upsert_queue(id, queue)
        for id, policy in CLASSIFICATIONS.items():
            administration.upsert_classification_policy(id, policy)
        for id, policy in EXCEPTIONS.items():
            administration.upsert_exception_policy(id, policy)
        for id in QUEUES:
            administration.upsert_queue(id, RouterQueue(exception_policy_id="too-long"))
        for id, worker in WORKERS.items():
            client.upsert_worker(id, worker, params={"api-version": PREVIEW})


@pytest.fixture
def new(tmp_path: Path) -> Iterator[RunningRouter]:
    with Webhook() as webhook:
        yield from start(tmp_path / "new", webhook)


@pytest.fixture
def run(old: RunningRouter, new: RunningRouter, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on both. Gives the exit code and all that it told."""
    monkeypatch.setenv("OLD", old.connection_string)
    monkeypatch.setenv("NEW", new.connection_string)
    return lambda *arguments: _run(arguments, old, new)


def _run(arguments: Sequence[object], *routers: RunningRouter) -> tuple[int, str]:
    """What it tells is never a secret."""
    output = io.StringIO()
    trust = [f"--ca-certificate={router.ca_certificate}" for router in routers]
    code = main([*map(str, arguments), *trust], output, output)
    told = output.getvalue()
    assert not any(secret in told for secret in (KEY, SECRET, *(r.access_key for r in routers)))
    return code, told


def test_everything_is_moved(run: Run, tmp_path: Path, new: RunningRouter) -> None:
    file, secrets = tmp_path / "router.json", tmp_path / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))

    code, told = run("export", "env:OLD", file)
    assert code == 0
    assert all(place in told for place in SECRETS)
    assert "No router tells the secrets of rules. Give them to the import with --secrets:" in told
    assert not any(secret in file.read_text() for secret in (KEY, SECRET))

    code, told = run("import", file, "env:NEW", "--secrets", secrets, "--dry-run")
    assert code == 0
    assert [line for line in told.splitlines() if line[0] == "+"] == [f"+ {e}" for e in EVERYTHING]
    code, told = run("diff", file, "env:NEW")
    assert [line for line in told.splitlines() if line[0] == "-"] == [f"- {e}" for e in EVERYTHING]

    code, told = run("import", file, "env:NEW", "--secrets", secrets)
    assert (code, "8 written, 0 refused" in told) == (0, True), told
    assert run("diff", "env:OLD", "env:NEW")[0] == 0
    assert "0 written, 0 refused" in run("import", "env:OLD", "env:NEW")[1]

    with new.client() as client:
        assert client.get_worker("ann").available_for_offers is False
        assert "\n~ workers/ann\n" in run("diff", "env:OLD", "env:NEW", "--availability")[1]
        assert "1 written, 0 refused" in run("import", file, "env:NEW", "--availability")[1]
        assert client.get_worker("ann").available_for_offers is True
        assert run("diff", "env:OLD", "env:NEW", "--availability")[0] == 0


def test_what_lacks_its_secret_is_refused_and_comes_with_the_next_import(
    run: Run, tmp_path: Path
) -> None:
    code, told = run("import", "env:OLD", "env:NEW")
    assert code == 1
    refused = {line.split(":")[0].strip() for line in told.splitlines() if "NotFound" in line}
    assert refused == {"queues/second", "exceptionPolicies/too-long", "queues/first", "workers/ann"}
    assert all(place in told for place in SECRETS)

    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    code, told = run("import", "env:OLD", "env:NEW", "--secrets", secrets)
    assert (code, "6 written, 0 refused" in told) == (0, True), told
    assert run("diff", "env:OLD", "env:NEW")[0] == 0


def test_only_what_differs_is_written(run: Run, tmp_path: Path, new: RunningRouter) -> None:
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    assert run("import", "env:OLD", "env:NEW", "--secrets", secrets)[0] == 0
    with new.administration() as administration:
        changed = RouterQueue(name="First", labels={"Level": "1", "More": 2})
        administration.upsert_queue("first", changed)
        administration.upsert_distribution_policy(
            "plain", {"mode": {"kind": "roundRobin", "bypassSelectors": True}}
        )
        administration.upsert_queue("third", RouterQueue(distribution_policy_id="plain"))

    code, told = run("import", "env:OLD", "env:NEW", "--dry-run")
    assert [line for line in told.splitlines() if not line.startswith("reading")] == [
        "~ distributionPolicies/plain",
        '    mode: {"bypassSelectors": true, "kind": "roundRobin"} -> (not set)',
        "~ queues/first",
        '    labels.Level: "1" -> 1',
        "    labels.More: 2 -> (not set)",
        '    name: "First" -> (not set)',
    ]
    assert "2 written, 0 refused" in run("import", "env:OLD", "env:NEW")[1]
    code, told = run("diff", "env:OLD", "env:NEW")
    assert (code, told.splitlines()[-1]) == (1, "+ queues/third")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("export", "env:NOBODY", "x.json"), "NOBODY holds no connection string"),
        (("export", "x.json", "y.json"), "x.json is no endpoint"),
        (("export", "endpoint=https://x;accesskey=%", "x.json"), "A connection string is"),
        (("diff", "missing.json", "env:OLD"), "missing.json cannot be read"),
        (("export", "env:WRONG", "x.json"), "does not accept the access key"),
        (("export", "env:OLD", "/missing/x.json"), "cannot be written"),
        (("export", "env:OLD", "x.json", "--api-version=1999-01-01"), "api-version"),
    ],
)
def test_what_cannot_be_done_is_said(
    old: RunningRouter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLD", old.connection_string)
    monkeypatch.setenv("WRONG", old.connection_string.replace(old.access_key, "d3Jvbmc="))
    code, told = _run(arguments, old)
    assert (code, reason in told) == (2, True), told
    assert not (tmp_path / "x.json").exists()
