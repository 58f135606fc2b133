"""Classification through the official SDK: where a job goes, how urgent it is, who is to take it.

The scenarios are those that the hosted service's own SDKs are tested with.
"""

from datetime import timedelta
from typing import Any

import pytest
from azure.communication.jobrouter.models import (
    ConditionalQueueSelectorAttachment,
    ConditionalWorkerSelectorAttachment,
    DirectMapRouterRule,
    ExpressionRouterRule,
    PassThroughQueueSelectorAttachment,
    PassThroughWorkerSelectorAttachment,
    QueueAndMatchMode,
    RouterJob,
    RouterJobStatus,
    RouterQueueSelector,
    RouterWorkerSelector,
    RuleEngineQueueSelectorAttachment,
    RuleEngineWorkerSelectorAttachment,
    StaticQueueSelectorAttachment,
    StaticRouterRule,
    StaticWorkerSelectorAttachment,
    SuspendMode,
    WeightedAllocationWorkerSelectorAttachment,
    WorkerWeightedAllocation,
)
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from tests.e2e.sdk_clients import Sdk, all_of, eventually
from tests.e2e.sdk_setup import (
    accept,
    add_classification_policy,
    add_job,
    add_queue,
    add_worker,
    broken_rule,
    offer_of,
    offered_jobs,
    reach,
)


async def ids_of(sdk: Sdk, **filters: Any) -> set[str]:
    return {job.id for job in await all_of(sdk.client.list_jobs(**filters))}


async def classified(sdk: Sdk, policy_id: str, **members: Any) -> RouterJob:
    """A job that the policy has put in a queue."""
    created = await sdk.client.upsert_job(
        sdk.id("job"),
        RouterJob(channel_id="chat", classification_policy_id=policy_id, **members),
    )
    assert created.status == RouterJobStatus.PENDING_CLASSIFICATION
    return await reach(sdk, created.id, RouterJobStatus.QUEUED)


def to_queue(key: str, value: object, label_operator: str = "equal") -> RouterQueueSelector:
    return RouterQueueSelector(key=key, label_operator=label_operator, value=value)


def static(key: str, value: object) -> StaticQueueSelectorAttachment:
    return StaticQueueSelectorAttachment(queue_selector=to_queue(key, value))


def of_worker(key: str, value: object) -> RouterWorkerSelector:
    return RouterWorkerSelector(key=key, label_operator="equal", value=value)


async def test_create_job_with_classification_policy_with_static_priority(sdk: Sdk) -> None:
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=await add_queue(sdk),
        prioritization_rule=StaticRouterRule(value=10),
    )
    job = await classified(sdk, policy_id)
    assert (job.priority, job.queue_id) == (10, sdk.id("queue"))
    assert job.classification_policy_id == policy_id
    assert job.enqueued_at is not None


async def test_create_job_with_classification_policy_with_static_queue_selector(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    policy_id = await add_classification_policy(
        sdk, queue_selector_attachments=[static("Id", queue_id)]
    )
    job = await classified(sdk, policy_id)
    assert (job.queue_id, job.priority) == (queue_id, 1)


async def test_create_job_with_classification_policy_with_fallback_queue(sdk: Sdk) -> None:
    fallback_id = await add_queue(sdk)
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=fallback_id,
        queue_selector_attachments=[static("Id", sdk.id("nowhere"))],
    )
    assert (await classified(sdk, policy_id)).queue_id == fallback_id


async def test_create_job_with_queue_and_classification_policy(sdk: Sdk) -> None:
    own, fallback = await add_queue(sdk, "own"), await add_queue(sdk, "fallback")
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=fallback,
        queue_selector_attachments=[static("Id", fallback)],
        prioritization_rule=StaticRouterRule(value=7),
        worker_selector_attachments=[
            StaticWorkerSelectorAttachment(worker_selector=of_worker("Skill", "high"))
        ],
    )
    job = await classified(sdk, policy_id, queue_id=own)
    assert (job.queue_id, job.priority) == (own, 7), "the queue stays, the policy gives the rest"
    assert [selector.key for selector in job.attached_worker_selectors or []] == ["Skill"]


async def test_queue_scenario_with_a_condition(sdk: Sdk) -> None:
    office, fallback = await add_queue(sdk, "office"), await add_queue(sdk, "fallback")
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=fallback,
        queue_selector_attachments=[
            ConditionalQueueSelectorAttachment(
                condition=ExpressionRouterRule(
                    expression='If(job.Product = "O365", true, false)', language="powerFx"
                ),
                queue_selectors=[to_queue("Id", office)],
            )
        ],
    )
    assert (await classified(sdk, policy_id, labels={"Product": "O365"})).queue_id == office
    job_id = await add_job(
        sdk, "other", classification_policy_id=policy_id, labels={"Product": "Xbox"}
    )
    assert (await reach(sdk, job_id, RouterJobStatus.QUEUED)).queue_id == fallback


async def test_queue_scenario_with_the_labels_of_the_job(sdk: Sdk) -> None:
    """A queue matches only if every selector holds on it, whichever attachment it is from."""
    own = sdk.id("Region")
    north = await add_queue(sdk, "north", labels={own: "north", "Product": "O365"})
    await add_queue(sdk, "south", labels={own: "south", "Product": "O365"})
    await add_queue(sdk, "other", labels={own: "north", "Product": "Xbox"})
    policy_id = await add_classification_policy(
        sdk,
        queue_selector_attachments=[
            PassThroughQueueSelectorAttachment(key=own, label_operator="equal"),
            PassThroughQueueSelectorAttachment(key="Product", label_operator="equal"),
            static("Id", north),
        ],
    )
    job = await classified(sdk, policy_id, labels={own: "north", "Product": "O365"})
    assert job.queue_id == north


async def test_queue_scenario_with_rules(sdk: Sdk) -> None:
    own = sdk.id("Region")
    queue_id = await add_queue(sdk, labels={own: "north"})
    by_map = await add_classification_policy(
        sdk,
        "map",
        queue_selector_attachments=[RuleEngineQueueSelectorAttachment(rule=DirectMapRouterRule())],
    )
    assert (await classified(sdk, by_map, labels={own: "north"})).queue_id == queue_id
    by_name = await add_classification_policy(
        sdk,
        "name",
        queue_selector_attachments=[
            RuleEngineQueueSelectorAttachment(
                rule=ExpressionRouterRule(
                    expression=f'If(job.Escalated = true, "{queue_id}", "nowhere")'
                )
            )
        ],
    )
    named = await add_job(
        sdk, "named", classification_policy_id=by_name, labels={"Escalated": True}
    )
    assert (await reach(sdk, named, RouterJobStatus.QUEUED)).queue_id == queue_id


async def test_worker_selectors_are_attached(sdk: Sdk) -> None:
    always = ExpressionRouterRule(expression='If(job.Language = "de", true, false)')
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=await add_queue(sdk),
        worker_selector_attachments=[
            StaticWorkerSelectorAttachment(worker_selector=of_worker("Static", 1)),
            ConditionalWorkerSelectorAttachment(
                condition=always, worker_selectors=[of_worker("Conditional", 2)]
            ),
            PassThroughWorkerSelectorAttachment(
                key="Language", label_operator="equal", expires_after_seconds=90
            ),
            RuleEngineWorkerSelectorAttachment(
                rule=StaticRouterRule(value=[of_worker("Rule", 3).as_dict()])
            ),
            WeightedAllocationWorkerSelectorAttachment(
                allocations=[
                    WorkerWeightedAllocation(
                        weight=1.0, worker_selectors=[of_worker("Weighted", 4)]
                    )
                ]
            ),
        ],
    )
    job = await classified(
        sdk,
        policy_id,
        labels={"Language": "de"},
        requested_worker_selectors=[of_worker("Requested", 0)],
    )
    attached = {selector.key: selector for selector in job.attached_worker_selectors or []}
    assert {key: selector.value for key, selector in attached.items()} == {
        "Static": 1,
        "Conditional": 2,
        "Language": "de",
        "Rule": 3,
        "Weighted": 4,
    }
    assert job.enqueued_at is not None
    assert attached["Language"].expires_at == job.enqueued_at + timedelta(seconds=90)
    assert [selector.key for selector in job.requested_worker_selectors or []] == ["Requested"]


async def test_attached_selectors_decide_who_is_offered_the_job(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    policy_id = await add_classification_policy(
        sdk,
        fallback_queue_id=queue_id,
        worker_selector_attachments=[
            PassThroughWorkerSelectorAttachment(key="Language", label_operator="equal")
        ],
    )
    french = await add_worker(sdk, queue_id, what="french", labels={"Language": "fr"})
    german = await add_worker(sdk, queue_id, what="german", labels={"Language": "de"})
    job = await classified(sdk, policy_id, labels={"Language": "de"})
    await offer_of(sdk, german, job.id)
    assert await offered_jobs(sdk, french) == set()


async def test_a_job_without_any_queue_to_go_to(sdk: Sdk) -> None:
    queue_id, own = await add_queue(sdk, labels={sdk.id("Region"): "north"}), sdk.id("Region")
    policy_id = await add_classification_policy(
        sdk,
        queue_selector_attachments=[
            PassThroughQueueSelectorAttachment(key=own, label_operator="equal")
        ],
    )
    id = await add_job(sdk, classification_policy_id=policy_id, labels={own: "south"})
    failed = await reach(sdk, id, RouterJobStatus.CLASSIFICATION_FAILED)
    assert failed.queue_id is None
    found = await ids_of(sdk, classification_policy_id=policy_id, status="classificationFailed")
    assert found == {id}
    assert await ids_of(sdk, classification_policy_id=policy_id, status="active") == {id}

    await sdk.client.upsert_job(id, RouterJob(labels={own: "north"}))
    assert (await reach(sdk, id, RouterJobStatus.QUEUED)).queue_id == queue_id


async def test_update_labels_with_a_policy(sdk: Sdk) -> None:
    own = sdk.id("Region")
    for region in ("north", "south"):
        await add_queue(sdk, region, labels={own: region})
    policy_id = await add_classification_policy(
        sdk,
        prioritization_rule=ExpressionRouterRule(expression="If(job.Escalated = true, 10, 5)"),
        queue_selector_attachments=[
            PassThroughQueueSelectorAttachment(key=own, label_operator="equal")
        ],
    )
    job = await classified(sdk, policy_id, labels={own: "north"})
    assert (job.queue_id, job.priority) == (sdk.id("north"), 5)
    labels = {own: "south", "Escalated": True}
    await sdk.client.upsert_job(job.id, RouterJob(labels=labels))
    moved = await eventually(
        lambda: sdk.client.get_job(job.id), lambda job: job.queue_id == sdk.id("south")
    )
    assert (moved.status, moved.priority) == (RouterJobStatus.QUEUED, 10)


async def test_update_labels_with_a_direct_queue(sdk: Sdk) -> None:
    id = await add_job(sdk, queue_id=await add_queue(sdk), labels={"Region": "north"})
    await reach(sdk, id, RouterJobStatus.QUEUED)
    changed = await sdk.client.upsert_job(id, RouterJob(labels={"Region": "south"}))
    assert (changed.status, changed.labels) == (RouterJobStatus.QUEUED, {"Region": "south"})


async def test_reclassify_a_job(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    policy_id = await add_classification_policy(
        sdk, fallback_queue_id=queue_id, prioritization_rule=StaticRouterRule(value=2)
    )
    job = await classified(sdk, policy_id)
    assert job.priority == 2
    await add_classification_policy(sdk, prioritization_rule=StaticRouterRule(value=20))
    assert (await sdk.client.get_job(job.id)).priority == 2, "until it is asked for"
    await sdk.client.reclassify_job(job.id)
    again = await eventually(
        lambda: sdk.client.get_job(job.id), lambda reclassified: reclassified.priority == 20
    )
    assert (again.status, again.queue_id) == (RouterJobStatus.QUEUED, queue_id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.reclassify_job(sdk.id("nowhere"))


async def test_what_cannot_be_reclassified(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    direct = await add_job(sdk, "direct", queue_id=queue_id)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.reclassify_job(direct)
    assert broken_rule(refused.value) == (409, "JobHasNoClassificationPolicy")
    await sdk.client.cancel_job(direct)

    job = await classified(sdk, await add_classification_policy(sdk, fallback_queue_id=queue_id))
    await accept(sdk, await add_worker(sdk, queue_id), job.id)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.reclassify_job(job.id)
    assert broken_rule(refused.value) == (409, "JobNotInQueue")


async def test_a_suspended_job_is_classified_when_it_is_to_be_queued(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    policy_id = await add_classification_policy(sdk, fallback_queue_id=queue_id)
    id = await add_job(sdk, classification_policy_id=policy_id, matching_mode=SuspendMode())
    suspended = await reach(sdk, id, RouterJobStatus.WAITING_FOR_ACTIVATION)
    assert suspended.queue_id is None
    await sdk.client.upsert_job(id, RouterJob(matching_mode=QueueAndMatchMode()))
    assert (await reach(sdk, id, RouterJobStatus.QUEUED)).queue_id == queue_id


async def test_another_policy_classifies_the_job_again(sdk: Sdk) -> None:
    first = await add_classification_policy(
        sdk, "first", fallback_queue_id=await add_queue(sdk, "one")
    )
    second = await add_classification_policy(
        sdk, "second", queue_selector_attachments=[static("Id", await add_queue(sdk, "two"))]
    )
    job = await classified(sdk, first)
    assert job.queue_id == sdk.id("one")
    await sdk.client.upsert_job(job.id, RouterJob(classification_policy_id=second))
    await eventually(
        lambda: sdk.client.get_job(job.id), lambda moved: moved.queue_id == sdk.id("two")
    )


async def test_get_jobs_by_classification_policy(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    policy_id = await add_classification_policy(sdk, fallback_queue_id=queue_id)
    classified = await add_job(sdk, "classified", classification_policy_id=policy_id)
    await add_job(sdk, "direct", queue_id=queue_id)
    assert await ids_of(sdk, classification_policy_id=policy_id) == {classified}
    assert await ids_of(sdk, classification_policy_id=sdk.id("nowhere")) == set()
