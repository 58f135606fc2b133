"""Jobs that policies route, as clients see them."""

from typing import Any

from tests.functions.api import JOB, Api

POLICY = "/routing/classificationPolicies/policy"


async def classified(api: Api, **members: Any) -> dict[str, Any]:
    """The job ``job``, submitted with the policy; two queues, ``queue`` and ``second``."""
    await api.ready()
    await api.patch("/routing/queues/second", {"distributionPolicyId": "policy"})
    assert (await api.patch(POLICY, members)).status == 201
    created = await api.patch(
        "/routing/jobs/job", {"channelId": "chat", "classificationPolicyId": "policy"}
    )
    assert created.status == 201
    answer: dict[str, Any] = created.json
    return answer


async def job(api: Api) -> dict[str, Any]:
    answer: dict[str, Any] = (await api.get("/routing/jobs/job")).json
    return answer


def expression(text: str) -> dict[str, str]:
    return {"kind": "expression", "language": "powerFx", "expression": text}


async def test_a_job_is_answered_as_pending_and_found_queued(api: Api) -> None:
    selector = {"key": "language", "labelOperator": "equal", "value": "fr"}
    created = await classified(
        api,
        fallbackQueueId="second",
        prioritizationRule=expression("If(job.Escalated = true, 10, 5)"),
        workerSelectorAttachments=[{"kind": "static", "workerSelector": selector}],
    )
    assert created["status"] == "pendingClassification"
    assert "queueId" not in created
    found = await job(api)
    assert (found["status"], found["queueId"], found["priority"]) == ("queued", "second", 5)
    assert found["attachedWorkerSelectors"] == [{**selector, "expedite": False, "status": "active"}]


async def test_labels_have_the_job_classified_again(api: Api) -> None:
    rule = expression('If(job.Escalated = true, "second", "queue")')
    await classified(api, queueSelectorAttachments=[{"kind": "ruleEngine", "rule": rule}])
    assert (await job(api))["queueId"] == "queue"
    changed = await api.patch("/routing/jobs/job", {"labels": {"Escalated": True}})
    assert changed.json["status"] == "pendingClassification"
    assert (await job(api))["queueId"] == "second"


async def test_a_failed_classification_shows_and_is_repaired_by_reclassifying(api: Api) -> None:
    await classified(api)
    assert (await job(api))["status"] == "classificationFailed"
    listed = await api.get("/routing/jobs?status=classificationFailed")
    assert [each["id"] for each in listed.json["value"]] == ["job"]
    await api.patch(POLICY, {"fallbackQueueId": "second"})
    api.rig.clock.forward(seconds=2)
    assert (await api.post("/routing/jobs/job:reclassify", {})).json == {}
    assert (await job(api))["status"] == "queued"


async def test_what_cannot_be_reclassified(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    refused = await api.post("/routing/jobs/job:reclassify", {})
    assert refused.status == 409
    assert refused.error["innererror"]["code"] == "JobHasNoClassificationPolicy"
    assert (await api.post("/routing/jobs/nobody:reclassify", {})).status == 404


async def test_jobs_are_found_by_their_policy(api: Api) -> None:
    await classified(api, fallbackQueueId="queue")
    await api.patch("/routing/jobs/other", JOB)
    listed = await api.get("/routing/jobs?classificationPolicyId=policy")
    assert [each["id"] for each in listed.json["value"]] == ["job"]


async def test_a_policy_cannot_be_deleted_under_an_active_job(api: Api) -> None:
    await classified(api, fallbackQueueId="queue")
    refused = await api.delete(POLICY)
    assert refused.problems == [("ActiveJobWithClassificationPolicyExist", None)]
    await api.post("/routing/jobs/job:cancel")
    assert (await api.delete(POLICY)).status == 204


async def test_unknown_policies_are_refused(api: Api) -> None:
    await api.ready()
    refused = await api.patch(
        "/routing/jobs/job", {"channelId": "chat", "classificationPolicyId": "x"}
    )
    assert refused.problems == [("ClassificationPolicyNotFound", "classificationPolicyId")]
    assert (await api.get("/routing/jobs/job")).status == 404
