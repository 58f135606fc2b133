"""The timer functions sweep the router."""

from infra.local.worker import FunctionWorker
from shared.domain.events import JobWaitingForActivation, OfferExpired, WorkerDeregistered
from tests.functions.api import JOB, WORKER, Api


async def sweep(api: Api, name: str) -> None:
    worker: FunctionWorker = api.worker
    await worker.invoke_timer(worker.function(name))


async def test_expire_ends_what_is_due(api: Api) -> None:
    await api.ready()
    await api.offered()
    mode = {"kind": "scheduleAndSuspend", "scheduleAt": "2026-01-01T00:00:30Z"}
    await api.patch("/routing/jobs/later", {**JOB, "matchingMode": mode})
    api.rig.clock.forward(seconds=61)
    await sweep(api, "expire")
    assert len(api.rig.events.of(OfferExpired)) == 1
    assert len(api.rig.events.of(JobWaitingForActivation)) == 1
    assert (await api.get("/routing/workers/worker")).json["state"] == "inactive"


async def test_deregister_idle_workers_after_a_week(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/workers/worker", WORKER)
    api.rig.clock.forward(days=7)
    await sweep(api, "deregister_idle_workers")
    assert len(api.rig.events.of(WorkerDeregistered)) == 1


async def test_waiting_jobs_are_told_of_other_exception_rules(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    trigger = {"kind": "waitTime", "thresholdSeconds": 30}
    rule = {"id": "late", "trigger": trigger, "actions": [{"kind": "cancel"}]}
    await api.patch("/routing/exceptionPolicies/late", {"exceptionRules": [rule]})
    await api.patch("/routing/queues/queue", {"exceptionPolicyId": "late"})
    api.rig.clock.forward(seconds=5)
    await sweep(api, "tell_changed_conditions")
    api.rig.clock.forward(seconds=25)
    await sweep(api, "expire")
    assert api.rig.events.names("job")[-2:] == ["JobExceptionTriggered", "JobCancelled"]


async def test_publish_outbox_publishes_what_requests_could_not(api: Api) -> None:
    await api.ready()
    api.rig.events.down = True
    assert (await api.patch("/routing/jobs/job", JOB)).status == 201
    assert api.rig.events.names() == []
    api.rig.events.down = False
    api.rig.clock.forward(minutes=1)
    await sweep(api, "publish_outbox")
    assert api.rig.events.names("job") == ["JobReceived", "JobQueued"]


async def test_match_offers_what_nobody_offered(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    await api.rig.worker("worker")
    offer_id = await api.offer_id()
    await api.post(
        f"/routing/workers/worker/offers/{offer_id}:decline",
        {"retryOfferAt": "2026-01-01T00:00:10Z"},
    )
    api.rig.clock.forward(seconds=11)
    await sweep(api, "expire")
    await sweep(api, "match")
    assert await api.offer_id() != offer_id
