"""Every method of the official SDK's ``JobRouterAdministrationClient``, synchronous and not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from azure.communication.jobrouter.models import (
    BestWorkerMode,
    CancelExceptionAction,
    ClassificationPolicy,
    ConditionalQueueSelectorAttachment,
    ConditionalWorkerSelectorAttachment,
    DirectMapRouterRule,
    DistributionPolicy,
    ExceptionPolicy,
    ExceptionRule,
    ExpressionRouterRule,
    LongestIdleMode,
    ManualReclassifyExceptionAction,
    PassThroughQueueSelectorAttachment,
    PassThroughWorkerSelectorAttachment,
    QueueLengthExceptionTrigger,
    QueueWeightedAllocation,
    ReclassifyExceptionAction,
    RoundRobinMode,
    RouterJob,
    RouterQueue,
    RouterQueueSelector,
    RouterWorkerSelector,
    RuleEngineQueueSelectorAttachment,
    RuleEngineWorkerSelectorAttachment,
    StaticQueueSelectorAttachment,
    StaticRouterRule,
    StaticWorkerSelectorAttachment,
    WaitTimeExceptionTrigger,
    WeightedAllocationQueueSelectorAttachment,
    WeightedAllocationWorkerSelectorAttachment,
    WorkerWeightedAllocation,
)
from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest

from tests.e2e.sdk_clients import Sdk, all_of, first_page, pages_of
from tests.e2e.sdk_setup import Answered, problems

# -- what the four collections have in common --------------------------------------------------


@dataclass(frozen=True)
class Collection:
    """The methods of one sort of resource. ``required``: what each of them must have."""

    upsert: Callable[..., Awaitable[Any]]
    get: Callable[[str], Awaitable[Any]]
    list: Callable[..., AsyncItemPaged[Any]]
    delete: Callable[[str], Awaitable[None]]
    model: type[Any]
    required: dict[str, Any]


async def classification_policies(sdk: Sdk) -> Collection:
    administration = sdk.administration
    return Collection(
        administration.upsert_classification_policy,
        administration.get_classification_policy,
        administration.list_classification_policies,
        administration.delete_classification_policy,
        ClassificationPolicy,
        {},
    )


async def distribution_policies(sdk: Sdk) -> Collection:
    administration = sdk.administration
    return Collection(
        administration.upsert_distribution_policy,
        administration.get_distribution_policy,
        administration.list_distribution_policies,
        administration.delete_distribution_policy,
        DistributionPolicy,
        {},
    )


async def exception_policies(sdk: Sdk) -> Collection:
    administration = sdk.administration
    return Collection(
        administration.upsert_exception_policy,
        administration.get_exception_policy,
        administration.list_exception_policies,
        administration.delete_exception_policy,
        ExceptionPolicy,
        {},
    )


async def queues(sdk: Sdk) -> Collection:
    administration = sdk.administration
    await administration.upsert_distribution_policy(sdk.id("policy"), DistributionPolicy())
    return Collection(
        administration.upsert_queue,
        administration.get_queue,
        administration.list_queues,
        administration.delete_queue,
        RouterQueue,
        {"distribution_policy_id": sdk.id("policy")},
    )


@pytest.fixture(
    params=[classification_policies, distribution_policies, exception_policies, queues],
    ids=lambda open_collection: open_collection.__name__,
)
async def collection(request: pytest.FixtureRequest, sdk: Sdk) -> Collection:
    opened: Collection = await request.param(sdk)
    return opened


async def test_a_resource_from_its_first_upsert_to_its_end(
    sdk: Sdk, collection: Collection
) -> None:
    id, answered = sdk.id("one"), Answered()
    new = collection.model(name="first", **collection.required)

    created = await collection.upsert(id, new, raw_response_hook=answered)
    assert (answered.status, created.id, created.name) == (201, id, "first")
    changed = await collection.upsert(id, name="second", raw_response_hook=answered)
    assert (answered.status, changed.id, changed.name) == (200, id, "second")
    assert changed.etag != created.etag

    assert await collection.get(id) == changed
    assert changed in await all_of(collection.list())
    await collection.delete(id)
    with pytest.raises(ResourceNotFoundError):
        await collection.get(id)
    with pytest.raises(ResourceNotFoundError):
        await collection.delete(id)
    assert id not in [resource.id for resource in await all_of(collection.list())]


async def test_an_upsert_without_changes_changes_nothing(sdk: Sdk, collection: Collection) -> None:
    id = sdk.id("same")
    created = await collection.upsert(id, collection.model(name="name", **collection.required))
    upserted = await collection.upsert(id)
    assert upserted.as_dict() | {"etag": created.etag} == created.as_dict()
    assert await collection.get(id) == upserted


async def test_null_removes_what_a_model_cannot(sdk: Sdk, collection: Collection) -> None:
    id = sdk.id("nameless")
    await collection.upsert(id, collection.model(name="name", **collection.required))
    kept = await collection.upsert(id, collection.model(name=None))
    assert kept.name == "name", "the SDK leaves out a member that is None"
    removed = await collection.upsert(id, {"name": None})
    assert removed.name is None
    assert "name" not in removed
    assert await collection.get(id) == removed


async def test_conditions_on_the_etag(sdk: Sdk, collection: Collection) -> None:
    id = sdk.id("conditional")
    new = collection.model(name="first", **collection.required)
    with pytest.raises(ResourceNotFoundError):
        await collection.upsert(id, new, match_condition=MatchConditions.IfPresent)
    first = await collection.upsert(id, new, match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceExistsError):
        await collection.upsert(id, new, match_condition=MatchConditions.IfMissing)

    unchanged = {"etag": first.etag, "match_condition": MatchConditions.IfNotModified}
    second = await collection.upsert(id, name="second", **unchanged)
    with pytest.raises(ResourceModifiedError):
        await collection.upsert(id, name="third", **unchanged)
    assert await collection.get(id) == second

    with pytest.raises(HttpResponseError) as refused:
        await collection.upsert(
            id, name="third", etag=second.etag, match_condition=MatchConditions.IfModified
        )
    assert refused.value.status_code == 412
    third = await collection.upsert(
        id, name="third", etag=first.etag, match_condition=MatchConditions.IfModified
    )
    fourth = await collection.upsert(id, name="4", match_condition=MatchConditions.IfPresent)
    assert (third.name, fourth.name) == ("third", "4")


async def test_conditions_on_the_time(sdk: Sdk, collection: Collection) -> None:
    id, answered = sdk.id("timed"), Answered()
    new = collection.model(name="first", **collection.required)
    await collection.upsert(id, new, raw_response_hook=answered)
    before = answered.last_modified - timedelta(seconds=1)
    with pytest.raises(HttpResponseError) as refused:
        await collection.upsert(id, name="second", if_unmodified_since=before)
    assert refused.value.status_code == 412
    assert (await collection.get(id)).name == "first"
    changed = await collection.upsert(id, name="second", if_unmodified_since=answered.last_modified)
    assert changed.name == "second"


async def test_lists_come_in_pages_that_can_be_continued(sdk: Sdk, collection: Collection) -> None:
    own = {sdk.id(f"listed-{number}") for number in range(5)}
    for id in own:
        await collection.upsert(id, collection.model(**collection.required))
    # Other tests have resources of their own in the same list.
    size = min(len(await all_of(collection.list())) // 2, 100)
    pages = await pages_of(collection.list(results_per_page=size))
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 1 <= len(pages[-1]) <= size
    listed = [resource.id for page in pages for resource in page]
    assert sorted(set(listed)) == listed, "each is there once, in the order of the ids"
    assert own <= set(listed)

    first, token = await first_page(collection.list(results_per_page=size))
    assert first == pages[0]
    assert await pages_of(collection.list(results_per_page=size), token) == pages[1:]


# -- distribution policies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    [
        LongestIdleMode(min_concurrent_offers=1, max_concurrent_offers=2, bypass_selectors=True),
        RoundRobinMode(min_concurrent_offers=2, max_concurrent_offers=3, bypass_selectors=False),
        BestWorkerMode(min_concurrent_offers=1, max_concurrent_offers=1, bypass_selectors=False),
    ],
    ids=lambda mode: mode.kind,
)
async def test_a_distribution_policy_keeps_its_mode(
    sdk: Sdk, mode: LongestIdleMode | RoundRobinMode | BestWorkerMode
) -> None:
    policy = DistributionPolicy(name="name", offer_expires_after_seconds=30.5, mode=mode)
    await sdk.administration.upsert_distribution_policy(sdk.id("policy"), policy)
    kept = await sdk.administration.get_distribution_policy(sdk.id("policy"))
    assert kept.offer_expires_after_seconds == 30.5
    assert isinstance(kept.mode, type(mode))
    assert mode.as_dict().items() <= kept.mode.as_dict().items()


async def test_a_distribution_policy_is_updated_by_keyword(sdk: Sdk) -> None:
    id = sdk.id("policy")
    mode = RoundRobinMode(min_concurrent_offers=2, max_concurrent_offers=2)
    await sdk.administration.upsert_distribution_policy(id, DistributionPolicy(mode=mode))
    changed = await sdk.administration.upsert_distribution_policy(
        id, name="name", offer_expires_after_seconds=7, mode=LongestIdleMode()
    )
    assert (changed.name, changed.offer_expires_after_seconds) == ("name", 7)
    assert isinstance(changed.mode, LongestIdleMode)
    assert changed.mode.max_concurrent_offers == 1, "a mode of another kind replaces the old one"


async def test_a_distribution_policy_in_use_cannot_be_deleted(sdk: Sdk) -> None:
    await queues(sdk)
    queue = RouterQueue(distribution_policy_id=sdk.id("policy"))
    await sdk.administration.upsert_queue(sdk.id("queue"), queue)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_distribution_policy(sdk.id("policy"))
    assert problems(refused.value) == (400, ["QueueWithDistributionPolicyExist"])
    await sdk.administration.delete_queue(sdk.id("queue"))
    await sdk.administration.delete_distribution_policy(sdk.id("policy"))


# -- queues ------------------------------------------------------------------------------------


async def test_the_labels_of_a_queue(sdk: Sdk) -> None:
    id = sdk.id("queue")
    required = (await queues(sdk)).required
    labels = {"Region": "eu", "Tier": 2, "Paid": True}
    created = await sdk.administration.upsert_queue(id, RouterQueue(**required, labels=labels))
    assert created.labels == {**labels, "Id": id}
    changed = await sdk.administration.upsert_queue(
        id, RouterQueue(labels={"Region": None, "Tier": 3})
    )
    assert changed.labels == {"Tier": 3, "Paid": True, "Id": id}


async def test_a_queue_needs_what_it_refers_to(sdk: Sdk) -> None:
    id = sdk.id("queue")
    required = (await queues(sdk)).required
    unknown = {
        "DistributionPolicyNotFound": RouterQueue(distribution_policy_id=sdk.id("nowhere")),
        "ExceptionPolicyNotFound": RouterQueue(**required, exception_policy_id=sdk.id("nowhere")),
        "Required": RouterQueue(name="without a distribution policy"),
    }
    for code, queue in unknown.items():
        with pytest.raises(HttpResponseError, match=code) as refused:
            await sdk.administration.upsert_queue(id, queue)
        assert problems(refused.value) == (400, [code])
    with pytest.raises(ResourceNotFoundError):
        await sdk.administration.get_queue(id)


async def test_a_queue_with_jobs_cannot_be_deleted(sdk: Sdk) -> None:
    id = sdk.id("queue")
    required = (await queues(sdk)).required
    await sdk.administration.upsert_queue(id, RouterQueue(**required))
    await sdk.client.upsert_job(sdk.id("job"), RouterJob(channel_id="chat", queue_id=id))
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_queue(id)
    assert problems(refused.value) == (400, ["ActiveJobWithQueueExist"])
    await sdk.client.cancel_job(sdk.id("job"))
    await sdk.administration.delete_queue(id)


async def test_a_queue_that_policies_send_jobs_to_cannot_be_deleted(sdk: Sdk) -> None:
    id = sdk.id("queue")
    required = (await queues(sdk)).required
    await sdk.administration.upsert_queue(id, RouterQueue(**required))
    await sdk.administration.upsert_classification_policy(
        sdk.id("policy"), ClassificationPolicy(fallback_queue_id=id)
    )
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_queue(id)
    assert problems(refused.value) == (400, ["ClassificationPolicyWithQueueExist"])
    await sdk.administration.delete_classification_policy(sdk.id("policy"))
    await sdk.administration.delete_queue(id)


async def test_null_takes_the_exception_policy_off_a_queue(sdk: Sdk) -> None:
    id, policy_id = sdk.id("queue"), sdk.id("exceptions")
    required = (await queues(sdk)).required
    await sdk.administration.upsert_exception_policy(policy_id, ExceptionPolicy())
    queue = RouterQueue(**required, exception_policy_id=policy_id)
    assert (await sdk.administration.upsert_queue(id, queue)).exception_policy_id == policy_id
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_exception_policy(policy_id)
    assert problems(refused.value) == (400, ["QueueWithExceptionPolicyExist"])
    changed = await sdk.administration.upsert_queue(id, {"exceptionPolicyId": None})
    assert changed.exception_policy_id is None
    await sdk.administration.delete_exception_policy(policy_id)


# -- classification policies -------------------------------------------------------------------

IS_OFFICE = ExpressionRouterRule(
    language="powerFx", expression='If(job.Product = "O365", true, false)'
)


def queue_selector(key: str, value: object) -> RouterQueueSelector:
    return RouterQueueSelector(key=key, label_operator="equal", value=value)


def worker_selector(key: str, value: object) -> RouterWorkerSelector:
    return RouterWorkerSelector(key=key, label_operator="greaterThanOrEqual", value=value)


def every_kind_of_attachment(queue_id: str) -> ClassificationPolicy:
    return ClassificationPolicy(
        name="everything",
        fallback_queue_id=queue_id,
        prioritization_rule=StaticRouterRule(value=5),
        queue_selector_attachments=[
            StaticQueueSelectorAttachment(queue_selector=queue_selector("Id", queue_id)),
            ConditionalQueueSelectorAttachment(
                condition=IS_OFFICE, queue_selectors=[queue_selector("Product", "O365")]
            ),
            PassThroughQueueSelectorAttachment(key="Region", label_operator="notEqual"),
            RuleEngineQueueSelectorAttachment(rule=DirectMapRouterRule()),
            WeightedAllocationQueueSelectorAttachment(
                allocations=[
                    QueueWeightedAllocation(
                        weight=0.3, queue_selectors=[queue_selector("Site", "a")]
                    ),
                    QueueWeightedAllocation(
                        weight=0.7, queue_selectors=[queue_selector("Site", "b")]
                    ),
                ]
            ),
        ],
        worker_selector_attachments=[
            StaticWorkerSelectorAttachment(worker_selector=worker_selector("Level", 3)),
            ConditionalWorkerSelectorAttachment(
                condition=IS_OFFICE, worker_selectors=[worker_selector("Office", 1)]
            ),
            PassThroughWorkerSelectorAttachment(
                key="Language", label_operator="equal", expires_after_seconds=10
            ),
            RuleEngineWorkerSelectorAttachment(rule=StaticRouterRule(value=[])),
            WeightedAllocationWorkerSelectorAttachment(
                allocations=[
                    WorkerWeightedAllocation(
                        weight=1.0, worker_selectors=[worker_selector("Vendor", 1)]
                    )
                ]
            ),
        ],
    )


async def test_a_classification_policy_keeps_every_kind_of_attachment(sdk: Sdk) -> None:
    required = (await queues(sdk)).required
    await sdk.administration.upsert_queue(sdk.id("queue"), RouterQueue(**required))
    policy = every_kind_of_attachment(sdk.id("queue"))
    await sdk.administration.upsert_classification_policy(sdk.id("policy"), policy)
    kept = await sdk.administration.get_classification_policy(sdk.id("policy"))
    assert contains(kept.as_dict(), policy.as_dict())


def contains(answer: Any, sent: Any) -> bool:
    """Whether everything that was sent is in the answer; it may have more members, not items."""
    if isinstance(sent, dict):
        return all(name in answer and contains(answer[name], sent[name]) for name in sent)
    if isinstance(sent, list):
        return len(answer) == len(sent) and all(map(contains, answer, sent))
    return bool(answer == sent)


async def test_a_classification_policy_is_updated_by_keyword(sdk: Sdk) -> None:
    id = sdk.id("policy")
    required = (await queues(sdk)).required
    await sdk.administration.upsert_queue(sdk.id("queue"), RouterQueue(**required))
    policy = ClassificationPolicy(prioritization_rule=StaticRouterRule(value=5))
    await sdk.administration.upsert_classification_policy(id, policy)
    attachment = StaticWorkerSelectorAttachment(worker_selector=worker_selector("Level", 3))
    # The SDK declares other names for its keywords than it reads.
    keywords: dict[str, Any] = {
        "fallback_queue_id": sdk.id("queue"),
        "worker_selector_attachments": [attachment],
    }
    changed = await sdk.administration.upsert_classification_policy(id, **keywords)
    assert changed.fallback_queue_id == sdk.id("queue")
    assert isinstance(changed.prioritization_rule, StaticRouterRule)
    assert changed.worker_selector_attachments is not None
    assert contains(changed.worker_selector_attachments[0].as_dict(), attachment.as_dict())
    bare = await sdk.administration.upsert_classification_policy(
        id, {"prioritizationRule": None, "fallbackQueueId": None}
    )
    assert (bare.prioritization_rule, bare.fallback_queue_id) == (None, None)
    assert bare.worker_selector_attachments == changed.worker_selector_attachments


async def test_a_classification_policy_needs_its_fallback_queue(sdk: Sdk) -> None:
    policy = ClassificationPolicy(fallback_queue_id=sdk.id("nowhere"))
    with pytest.raises(HttpResponseError, match="does not exist") as refused:
        await sdk.administration.upsert_classification_policy(sdk.id("policy"), policy)
    assert problems(refused.value) == (400, ["QueueNotFound"])


async def test_an_expression_with_an_error_in_it_is_refused(sdk: Sdk) -> None:
    wrong = ExpressionRouterRule(expression="If(job.Product = ")
    policy = ClassificationPolicy(prioritization_rule=wrong)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.upsert_classification_policy(sdk.id("policy"), policy)
    assert problems(refused.value) == (400, ["InvalidRule"])


async def test_a_classification_policy_with_jobs_cannot_be_deleted(sdk: Sdk) -> None:
    required = (await queues(sdk)).required
    queue_id, policy_id, job_id = sdk.id("queue"), sdk.id("policy"), sdk.id("job")
    await sdk.administration.upsert_queue(queue_id, RouterQueue(**required))
    policy = ClassificationPolicy(fallback_queue_id=queue_id)
    await sdk.administration.upsert_classification_policy(policy_id, policy)
    job = RouterJob(channel_id="chat", classification_policy_id=policy_id)
    await sdk.client.upsert_job(job_id, job)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_classification_policy(policy_id)
    assert problems(refused.value) == (400, ["ActiveJobWithClassificationPolicyExist"])
    await sdk.client.cancel_job(job_id)
    await sdk.administration.delete_classification_policy(policy_id)


# -- exception policies ------------------------------------------------------------------------


async def test_an_exception_policy_keeps_its_rules(sdk: Sdk) -> None:
    await queues(sdk)
    await sdk.administration.upsert_classification_policy(sdk.id("c"), ClassificationPolicy())
    rules = [
        ExceptionRule(
            id="too-long",
            trigger=QueueLengthExceptionTrigger(threshold=10),
            actions=[CancelExceptionAction(id="off", note="full", disposition_code="Busy")],
        ),
        ExceptionRule(
            id="too-late",
            trigger=WaitTimeExceptionTrigger(threshold_seconds=12.5),
            actions=[
                ReclassifyExceptionAction(
                    classification_policy_id=sdk.id("c"), labels_to_upsert={"Late": True}
                ),
                ManualReclassifyExceptionAction(id="by-hand", priority=7),
            ],
        ),
    ]
    id = sdk.id("exceptions")
    policy = ExceptionPolicy(name="name", exception_rules=rules)
    await sdk.administration.upsert_exception_policy(id, policy)

    kept = await sdk.administration.get_exception_policy(id)
    assert contains(kept.as_dict(), policy.as_dict())
    assert kept.exception_rules is not None
    reclassify, by_hand = kept.exception_rules[1].actions
    assert reclassify.id, "the router gives an id to an action without one"
    assert isinstance(by_hand, ManualReclassifyExceptionAction)
    assert by_hand.worker_selectors == []
    changed = await sdk.administration.upsert_exception_policy(
        id, exception_rules=rules[:1], name="other"
    )
    assert changed.name == "other"
    assert [rule.id for rule in changed.exception_rules or []] == ["too-long"]


async def test_an_exception_policy_needs_what_it_refers_to(sdk: Sdk) -> None:
    unknown = {
        "ClassificationPolicyNotFound": ReclassifyExceptionAction(
            classification_policy_id=sdk.id("nowhere")
        ),
        "QueueNotFound": ManualReclassifyExceptionAction(queue_id=sdk.id("nowhere")),
    }
    for code, action in unknown.items():
        trigger = QueueLengthExceptionTrigger(threshold=1)
        policy = ExceptionPolicy(
            exception_rules=[ExceptionRule(id="rule", trigger=trigger, actions=[action])]
        )
        with pytest.raises(HttpResponseError, match="does not exist") as refused:
            await sdk.administration.upsert_exception_policy(sdk.id("policy"), policy)
        assert problems(refused.value) == (400, [code])


async def test_what_an_exception_policy_refers_to_cannot_be_deleted(sdk: Sdk) -> None:
    queue_id, classification_id, id = sdk.id("queue"), sdk.id("c"), sdk.id("exceptions")
    required = (await queues(sdk)).required
    await sdk.administration.upsert_queue(queue_id, RouterQueue(**required))
    await sdk.administration.upsert_classification_policy(classification_id, {"name": "c"})
    rule = ExceptionRule(
        id="rule",
        trigger=WaitTimeExceptionTrigger(threshold_seconds=60),
        actions=[
            ReclassifyExceptionAction(classification_policy_id=classification_id),
            ManualReclassifyExceptionAction(queue_id=queue_id),
        ],
    )
    policy = ExceptionPolicy(exception_rules=[rule])
    await sdk.administration.upsert_exception_policy(id, policy)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_queue(queue_id)
    assert problems(refused.value) == (400, ["ExceptionPolicyWithQueueExist"])
    with pytest.raises(HttpResponseError) as refused:
        await sdk.administration.delete_classification_policy(classification_id)
    assert problems(refused.value) == (400, ["ExceptionPolicyWithClassificationPolicyExist"])
    await sdk.administration.delete_exception_policy(id)
    await sdk.administration.delete_queue(queue_id)
    await sdk.administration.delete_classification_policy(classification_id)


# -- the client itself -------------------------------------------------------------------------


async def test_requests_of_ones_own(sdk: Sdk) -> None:
    required = (await queues(sdk)).required
    queue = await sdk.administration.upsert_queue(sdk.id("queue"), RouterQueue(**required))
    url = f"/routing/queues/{queue.id}?api-version=2023-11-01"
    response = await sdk.administration.send_request(HttpRequest("GET", url))
    assert response.status_code == 200
    assert response.headers["ETag"] == queue.etag == response.json()["etag"]
    modified = parsedate_to_datetime(response.headers["Last-Modified"])
    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=1)
