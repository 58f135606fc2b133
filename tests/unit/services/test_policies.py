"""Classification and exception policies: rules are checked, references hold in both directions."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.domain.classification import (
    Attachment,
    ClassificationPolicy,
    ConditionalAttachment,
    RuleAttachment,
    StaticAttachment,
)
from shared.domain.errors import InvalidReference, InvalidRules, NotFound
from shared.domain.exception_policies import (
    UNNAMED,
    CancelAction,
    ExceptionAction,
    ExceptionPolicy,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
)
from shared.domain.labels import LabelOperator
from shared.domain.queues import Queue
from shared.domain.rules import ExpressionRule, StaticRule
from shared.domain.selectors import QueueSelector
from shared.services import definitions
from shared.services.classification_policies import (
    delete_classification_policy,
    get_classification_policy,
    list_classification_policies,
    upsert_classification_policy,
)
from shared.services.exception_policies import (
    delete_exception_policy,
    get_exception_policy,
    list_exception_policies,
    upsert_exception_policy,
)
from shared.services.jobs import cancel_job, upsert_job
from shared.services.preconditions import Precondition, PreconditionFailed
from shared.services.queues import delete_queue, upsert_queue
from tests.factories import make_definition
from tests.rig import NONE, Rig

BROKEN = ExpressionRule(expression="If(")
SOUND = ExpressionRule(expression='If(job.Product = "phone", 5, 1)')
ASKING = ExpressionRule(expression='job.Product = "phone"')
SELECTOR = QueueSelector(key="Region", operator=LabelOperator.EQUAL, value="eu")


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def classify(rig: Rig, id: str = "c", **members: object) -> ClassificationPolicy:
    policy = ClassificationPolicy(id=id, **members)  # type: ignore[arg-type]
    upserted = await upsert_classification_policy(rig.router, id, lambda _: policy, NONE)
    return upserted.stored.value


async def except_(rig: Rig, *actions: ExceptionAction, id: str = "e") -> ExceptionPolicy:
    """A policy with the one rule ``rule``."""
    rule = ExceptionRule(id="rule", trigger=QueueLengthTrigger(threshold=1), actions=actions)
    policy = ExceptionPolicy(id=id, rules=(rule,))
    upserted = await upsert_exception_policy(rig.router, id, lambda _: policy, NONE)
    return upserted.stored.value


def action_ids(policy: ExceptionPolicy) -> Sequence[str]:
    return [action.id for rule in policy.rules for action in rule.actions]


# -- life -----------------------------------------------------------------------------------------


async def test_a_classification_policy_is_made_changed_listed_and_deleted(rig: Rig) -> None:
    made = await classify(rig, name="one")
    await classify(rig, "d")
    assert (await get_classification_policy(rig.router, "c")).value == made
    changed = await classify(rig, name="two", prioritization_rule=SOUND)
    first = await list_classification_policies(rig.router, 1, None)
    rest = await list_classification_policies(rig.router, 1, first.continuation)
    assert [s.value for s in first.items] == [changed]
    assert [s.value.id for s in rest.items] == ["d"]
    await delete_classification_policy(rig.router, "c")
    for operation in (get_classification_policy, delete_classification_policy):
        with pytest.raises(NotFound, match="classification policy 'c'"):
            await operation(rig.router, "c")


async def test_an_exception_policy_is_made_changed_listed_and_deleted(rig: Rig) -> None:
    made = await except_(rig, CancelAction(id="a"))
    await except_(rig, id="f")
    assert (await get_exception_policy(rig.router, "e")).value == made
    changed = await except_(rig, CancelAction(id="a", note="too many"))
    first = await list_exception_policies(rig.router, 1, None)
    rest = await list_exception_policies(rig.router, 1, first.continuation)
    assert [s.value for s in first.items] == [changed]
    assert [s.value.id for s in rest.items] == ["f"]
    await delete_exception_policy(rig.router, "e")
    for operation in (get_exception_policy, delete_exception_policy):
        with pytest.raises(NotFound, match="exception policy 'e'"):
            await operation(rig.router, "e")


async def test_conditions_hold_for_policies(rig: Rig) -> None:
    await classify(rig)
    await except_(rig)
    classification = (await get_classification_policy(rig.router, "c")).value
    exception = (await get_exception_policy(rig.router, "e")).value
    stale = Precondition(if_match="stale")
    with pytest.raises(PreconditionFailed):
        await upsert_classification_policy(rig.router, "c", lambda _: classification, stale)
    with pytest.raises(PreconditionFailed):
        await upsert_exception_policy(rig.router, "e", lambda _: exception, stale)


async def test_changes_are_seen_at_once_by_the_instance_that_made_them(rig: Rig) -> None:
    cache = rig.router.definitions
    for name in ("one", "two"):
        await classify(rig, name=name)
        await except_(rig, CancelAction(id=name))
        classification = await cache.classification_policies.get("c")
        exception = await cache.exception_policies.get("e")
        assert classification is not None
        assert classification.name == name
        assert exception is not None
        assert action_ids(exception) == [name]
    await delete_classification_policy(rig.router, "c")
    await delete_exception_policy(rig.router, "e")
    assert await cache.classification_policies.get("c") is None
    assert await cache.exception_policies.get("e") is None


# -- rules ----------------------------------------------------------------------------------------


async def test_rules_that_can_have_a_result_are_let_in(rig: Rig) -> None:
    attachments: tuple[Attachment[QueueSelector], ...] = (
        StaticAttachment(selector=SELECTOR),
        ConditionalAttachment(condition=ASKING, selectors=(SELECTOR,)),
        RuleAttachment(rule=StaticRule(value="queue")),
    )
    policy = await classify(
        rig, queue_selector_attachments=attachments, prioritization_rule=StaticRule(value="2")
    )
    assert policy.queue_selector_attachments == attachments


async def test_rules_that_can_never_have_a_result_are_refused_all_at_once(rig: Rig) -> None:
    await classify(rig, name="before")
    with pytest.raises(InvalidRules) as refused:
        await classify(
            rig,
            prioritization_rule=BROKEN,
            queue_selector_attachments=(
                ConditionalAttachment(condition=ASKING, selectors=()),
                ConditionalAttachment(condition=BROKEN, selectors=()),
            ),
            worker_selector_attachments=(RuleAttachment(rule=BROKEN),),
        )
    assert [problem.target for problem in refused.value.problems] == [
        "prioritizationRule.expression",
        "queueSelectorAttachments[1].condition.expression",
        "workerSelectorAttachments[0].rule.expression",
    ]
    assert all(p.message.startswith("Line 1, column ") for p in refused.value.problems)
    assert (await get_classification_policy(rig.router, "c")).value.name == "before"


# -- references on write --------------------------------------------------------------------------


async def test_a_fallback_queue_exists(rig: Rig) -> None:
    with pytest.raises(InvalidReference, match="queue 'none' does not exist") as caught:
        await classify(rig, fallback_queue_id="none")
    assert (caught.value.code, caught.value.target) == ("QueueNotFound", "fallbackQueueId")
    with pytest.raises(NotFound):
        await get_classification_policy(rig.router, "c")
    assert (await classify(rig, fallback_queue_id="queue")).fallback_queue_id == "queue"


@pytest.mark.parametrize(
    ("action", "code", "member"),
    [
        (
            ReclassifyAction(id="a", classification_policy_id="none"),
            "ClassificationPolicyNotFound",
            "classificationPolicyId",
        ),
        (ManualReclassifyAction(id="a", queue_id="none"), "QueueNotFound", "queueId"),
    ],
)
async def test_what_an_action_names_exists(
    rig: Rig, action: ExceptionAction, code: str, member: str
) -> None:
    with pytest.raises(InvalidReference, match="'none' does not exist") as caught:
        await except_(rig, CancelAction(id="first"), action)
    assert caught.value.code == code
    assert caught.value.target == f"exceptionRules[0].actions[1].{member}"
    with pytest.raises(NotFound):
        await get_exception_policy(rig.router, "e")


async def test_an_action_need_not_name_anything(rig: Rig) -> None:
    await except_(rig, ReclassifyAction(id="a"), ManualReclassifyAction(id="b", priority=3))


async def test_a_queue_needs_an_existing_exception_policy(rig: Rig) -> None:
    queue = Queue(id="queue", distribution_policy_id="policy", exception_policy_id="e")
    with pytest.raises(InvalidReference, match="exception policy 'e'") as caught:
        await upsert_queue(rig.router, "queue", lambda _: queue, NONE)
    assert (caught.value.code, caught.value.target) == (
        "ExceptionPolicyNotFound",
        "exceptionPolicyId",
    )
    await except_(rig)
    upserted = await upsert_queue(rig.router, "queue", lambda _: queue, NONE)
    assert upserted.stored.value.exception_policy_id == "e"


# -- references on delete -------------------------------------------------------------------------


async def test_a_classification_policy_of_unfinished_jobs_stays(rig: Rig) -> None:
    await classify(rig, fallback_queue_id="queue")
    definition = make_definition(queue_id="queue", classification_policy_id="c")
    await upsert_job(rig.router, "job", lambda _: definition, NONE)
    with pytest.raises(InvalidReference, match="active jobs with this") as caught:
        await delete_classification_policy(rig.router, "c")
    assert caught.value.code == "ActiveJobWithClassificationPolicyExist"
    await cancel_job(rig.router, "job", None, None)
    await delete_classification_policy(rig.router, "c")


async def test_a_classification_policy_that_an_action_names_stays(rig: Rig) -> None:
    await classify(rig)
    await classify(rig, "other")
    await except_(rig, ReclassifyAction(id="a", classification_policy_id="c"))
    with pytest.raises(InvalidReference, match="'e' classifies") as caught:
        await delete_classification_policy(rig.router, "c")
    assert caught.value.code == "ExceptionPolicyWithClassificationPolicyExist"
    await delete_classification_policy(rig.router, "other")
    await delete_exception_policy(rig.router, "e")
    await delete_classification_policy(rig.router, "c")


async def test_an_exception_policy_of_a_queue_stays(rig: Rig) -> None:
    await except_(rig)
    await except_(rig, id="other")
    queue = Queue(id="queue", distribution_policy_id="policy", exception_policy_id="e")
    await upsert_queue(rig.router, "queue", lambda _: queue, NONE)
    with pytest.raises(InvalidReference, match="queue 'queue' uses") as caught:
        await delete_exception_policy(rig.router, "e")
    assert caught.value.code == "QueueWithExceptionPolicyExist"
    await delete_exception_policy(rig.router, "other")
    without = replace(queue, exception_policy_id=None)
    await upsert_queue(rig.router, "queue", lambda _: without, NONE)
    await delete_exception_policy(rig.router, "e")


async def test_what_is_used_is_found_on_whichever_page(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "PAGE", 2)
    for number in range(4):
        await classify(rig, f"c{number}")
    await classify(rig, "c9", fallback_queue_id="queue")
    with pytest.raises(InvalidReference, match="'c9' falls back"):
        await delete_queue(rig.router, "queue")


async def test_a_queue_that_is_fallen_back_to_stays(rig: Rig) -> None:
    await classify(rig, fallback_queue_id="queue")
    with pytest.raises(InvalidReference, match="'c' falls back to this") as caught:
        await delete_queue(rig.router, "queue")
    assert caught.value.code == "ClassificationPolicyWithQueueExist"
    await delete_classification_policy(rig.router, "c")
    await delete_queue(rig.router, "queue")


async def test_a_queue_that_jobs_are_moved_to_stays(rig: Rig) -> None:
    await except_(rig, CancelAction(id="a"), ManualReclassifyAction(id="b", queue_id="queue"))
    with pytest.raises(InvalidReference, match="'e' moves jobs") as caught:
        await delete_queue(rig.router, "queue")
    assert caught.value.code == "ExceptionPolicyWithQueueExist"
    await delete_exception_policy(rig.router, "e")
    await delete_queue(rig.router, "queue")


# -- ids of actions -------------------------------------------------------------------------------


async def test_actions_without_an_id_are_given_one(rig: Rig) -> None:
    policy = await except_(
        rig, CancelAction(id=UNNAMED), CancelAction(id="mine"), CancelAction(id=UNNAMED)
    )
    one, mine, other = action_ids(policy)
    assert mine == "mine"
    assert len({UNNAMED, one, mine, other}) == 4


async def test_the_same_actions_keep_their_ids(rig: Rig) -> None:
    cancel, mark = CancelAction(id=UNNAMED), ReclassifyAction(id=UNNAMED, labels_to_upsert={"a": 1})
    first = await except_(rig, cancel, mark, cancel)
    again = await except_(rig, cancel, mark, cancel)
    assert again == first
    fewer = await except_(rig, mark, cancel)
    assert action_ids(fewer) == [first.rules[0].actions[1].id, first.rules[0].actions[0].id]


async def test_other_actions_get_other_ids(rig: Rig) -> None:
    first = await except_(rig, ReclassifyAction(id=UNNAMED, labels_to_upsert={"a": 1}))
    other = await except_(rig, ReclassifyAction(id=UNNAMED, labels_to_upsert={"a": True}))
    assert set(action_ids(first)).isdisjoint(action_ids(other))


async def test_an_id_that_is_given_again_is_given_to_no_other(rig: Rig) -> None:
    (known,) = action_ids(await except_(rig, CancelAction(id=UNNAMED)))
    both = await except_(rig, CancelAction(id=UNNAMED), CancelAction(id=known, note="again"))
    assert action_ids(both)[1] == known
    assert action_ids(both)[0] != known
