"""The app as the platform indexes it."""

import json
from collections.abc import AsyncIterator

import pytest

from functions import timers
from infra.local.routes import http_routes, overlapping_routes
from infra.local.schedule import Schedule
from infra.local.worker import HTTP_TRIGGER, TIMER_TRIGGER, FunctionWorker
from tests.local.host_rig import ROOT, loaded

POLICIES = "routing/distributionPolicies"
CLASSIFICATION = "routing/classificationPolicies"
EXCEPTIONS = "routing/exceptionPolicies"
OFFER = "routing/workers/{workerId}/offers/{offerId}"
ASSIGNMENT = "routing/jobs/{jobId}/assignments/{assignmentId}"

OPERATIONS = {
    "upsert_distribution_policy": ("PATCH", POLICIES + "/{distributionPolicyId}"),
    "get_distribution_policy": ("GET", POLICIES + "/{distributionPolicyId}"),
    "list_distribution_policies": ("GET", POLICIES),
    "delete_distribution_policy": ("DELETE", POLICIES + "/{distributionPolicyId}"),
    "upsert_classification_policy": ("PATCH", CLASSIFICATION + "/{classificationPolicyId}"),
    "get_classification_policy": ("GET", CLASSIFICATION + "/{classificationPolicyId}"),
    "list_classification_policies": ("GET", CLASSIFICATION),
    "delete_classification_policy": ("DELETE", CLASSIFICATION + "/{classificationPolicyId}"),
    "upsert_exception_policy": ("PATCH", EXCEPTIONS + "/{exceptionPolicyId}"),
    "get_exception_policy": ("GET", EXCEPTIONS + "/{exceptionPolicyId}"),
    "list_exception_policies": ("GET", EXCEPTIONS),
    "delete_exception_policy": ("DELETE", EXCEPTIONS + "/{exceptionPolicyId}"),
    "upsert_queue": ("PATCH", "routing/queues/{queueId}"),
    "get_queue": ("GET", "routing/queues/{queueId}"),
    "list_queues": ("GET", "routing/queues"),
    "get_queue_statistics": ("GET", "routing/queues/{queueId}/statistics"),
    "delete_queue": ("DELETE", "routing/queues/{queueId}"),
    "upsert_worker": ("PATCH", "routing/workers/{workerId}"),
    "get_worker": ("GET", "routing/workers/{workerId}"),
    "list_workers": ("GET", "routing/workers"),
    "delete_worker": ("DELETE", "routing/workers/{workerId}"),
    "accept_offer": ("POST", OFFER + ":accept"),
    "decline_offer": ("POST", OFFER + ":decline"),
    "upsert_job": ("PATCH", "routing/jobs/{jobId}"),
    "get_job": ("GET", "routing/jobs/{jobId}"),
    "list_jobs": ("GET", "routing/jobs"),
    "get_job_position": ("GET", "routing/jobs/{jobId}/position"),
    "delete_job": ("DELETE", "routing/jobs/{jobId}"),
    "cancel_job": ("POST", "routing/jobs/{jobId}:cancel"),
    "reclassify_job": ("POST", "routing/jobs/{jobId}:reclassify"),
    "complete_job": ("POST", ASSIGNMENT + ":complete"),
    "close_job": ("POST", ASSIGNMENT + ":close"),
    "unassign_job": ("POST", ASSIGNMENT + ":unassign"),
    "complete_job_2021": ("POST", "routing/jobs/{jobId}:complete"),
    "close_job_2021": ("POST", "routing/jobs/{jobId}:close"),
    "reclassify_job_2021": ("POST", "routing/jobs/{jobId}/reclassify"),
    "get_openapi": ("GET", "openapi.json"),
    "get_event_schemas": ("GET", "events/schemas.json"),
    "healthz": ("GET", "healthz"),
}
SCHEDULES = {
    "match": "*/5 * * * * *",
    "expire": "* * * * * *",
    "deregister_idle_workers": "0 * * * * *",
    "tell_changed_conditions": "*/5 * * * * *",
    "publish_outbox": "*/5 * * * * *",
    "observe_queues": "30 * * * * *",
}


@pytest.fixture
async def app() -> AsyncIterator[FunctionWorker]:
    async with loaded(ROOT) as worker:
        yield worker


async def test_every_operation_has_its_function(app: FunctionWorker) -> None:
    routes = http_routes(app.functions)
    found = {r.function.name: (*sorted(r.methods), r.template) for r in routes}
    assert found == OPERATIONS


async def test_no_two_routes_overlap(app: FunctionWorker) -> None:
    assert overlapping_routes(app.functions) == []


async def test_the_app_does_its_own_authentication(app: FunctionWorker) -> None:
    triggers = [f.trigger for f in app.functions if f.trigger["type"] == HTTP_TRIGGER]
    assert {trigger["authLevel"] for trigger in triggers} == {"ANONYMOUS"}


async def test_every_sweep_has_its_timer(app: FunctionWorker) -> None:
    found = {f.name: f.trigger for f in app.functions if f.trigger["type"] == TIMER_TRIGGER}
    assert {name: trigger["schedule"] for name, trigger in found.items()} == SCHEDULES
    # Azure's own monitor is for schedules of a minute and more.
    assert not any(trigger.get("useMonitor", True) for trigger in found.values())
    assert not any(trigger.get("runOnStartup", False) for trigger in found.values())


@pytest.mark.parametrize("schedule", sorted(set(SCHEDULES.values())))
def test_schedules_are_valid(schedule: str) -> None:
    Schedule(schedule)


@pytest.mark.parametrize(
    ("setting", "schedule"), [("0 */2 * * * *", "0 */2 * * * *"), ("  ", "* * * * * *")]
)
def test_schedules_can_be_set(monkeypatch: pytest.MonkeyPatch, setting: str, schedule: str) -> None:
    monkeypatch.setenv("JOBROUTER_EXPIRE_SCHEDULE", setting)
    assert timers.schedule("EXPIRE", "* * * * * *") == schedule


async def test_bindings_are_what_the_host_is_told(app: FunctionWorker) -> None:
    bindings = app.function("upsert_job").bindings
    assert [(b["type"], b["name"]) for b in bindings] == [
        ("httpTrigger", "req"),
        ("http", "$return"),
    ]
    assert json.dumps(bindings)


async def test_the_reference_lists_every_operation() -> None:
    reference = (ROOT / "docs/reference/http-api.md").read_text()
    for name, (method, route) in OPERATIONS.items():
        assert f"| `{name}` | `{method} /{route}`" in reference
