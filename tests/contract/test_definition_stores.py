"""What ``DefinitionStore`` promises, for definitions of all kinds alike."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from shared.domain.classification import (
    Allocation,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.labels import LabelOperator
from shared.domain.rules import DirectMapRule, ExpressionRule, StaticRule
from shared.domain.selectors import QueueSelector
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    DefinitionStore,
    Page,
    Store,
    Stored,
)
from tests.contract.stores import all_pages
from tests.factories import (
    NOW,
    make_classification_policy,
    make_distribution_policy,
    make_exception_policy,
    make_queue,
    make_selector,
    seconds,
)

LATER = NOW + seconds(5)
QUEUE_SELECTOR = QueueSelector(key="Id", operator=LabelOperator.EQUAL, value="q")
WORKER_SELECTOR = make_selector("Skill", LabelOperator.GREATER_THAN, 1.0)

type Definitions = DefinitionStore[Any]


@dataclass(frozen=True)
class Kind:
    make: Callable[[str], Any]
    changed: Any
    store_of: Callable[[Store], Definitions]


KINDS = {
    "queues": Kind(
        make=make_queue,
        changed=make_queue("a", name="Sales", labels={"a": True, "b": 1.0}),
        store_of=lambda store: store.queues,
    ),
    "distribution policies": Kind(
        make=make_distribution_policy,
        changed=make_distribution_policy(
            "a", mode=DistributionMode(kind=DistributionModeKind.ROUND_ROBIN)
        ),
        store_of=lambda store: store.distribution_policies,
    ),
    "classification policies": Kind(
        make=make_classification_policy,
        changed=make_classification_policy(
            "a",
            fallback_queue_id="q",
            queue_selector_attachments=(
                StaticAttachment(selector=QUEUE_SELECTOR),
                ConditionalAttachment(
                    condition=StaticRule(value=True), selectors=(QUEUE_SELECTOR,)
                ),
                RuleAttachment(rule=StaticRule(value=[{"key": "a", "value": [1, 1.0, None]}])),
            ),
            prioritization_rule=ExpressionRule(expression="job.Urgency + 1"),
            worker_selector_attachments=(
                StaticAttachment(selector=WORKER_SELECTOR),
                PassThroughAttachment(
                    key="a", operator=LabelOperator.NOT_EQUAL, expires_after_seconds=60
                ),
                RuleAttachment(rule=DirectMapRule()),
                WeightedAttachment(
                    allocations=(Allocation(weight=0.3, selectors=(WORKER_SELECTOR,)),)
                ),
            ),
        ),
        store_of=lambda store: store.classification_policies,
    ),
    "exception policies": Kind(
        make=make_exception_policy,
        changed=make_exception_policy(
            "a",
            rules=(
                ExceptionRule(
                    id="long queue",
                    trigger=QueueLengthTrigger(threshold=10),
                    actions=(CancelAction(id="cancel", note="Too many"),),
                ),
                ExceptionRule(
                    id="long wait",
                    trigger=WaitTimeTrigger(threshold_seconds=0.5),
                    actions=(
                        ReclassifyAction(id="again", labels_to_upsert={"a": 1.0, "b": True}),
                        ManualReclassifyAction(
                            id="move", queue_id="q", worker_selectors=(WORKER_SELECTOR,)
                        ),
                    ),
                ),
            ),
        ),
        store_of=lambda store: store.exception_policies,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def definitions(kind: Kind, store: Store) -> Definitions:
    return kind.store_of(store)


async def test_an_unknown_definition_is_none(definitions: Definitions) -> None:
    assert await definitions.get("a") is None


async def test_a_created_definition_is_read_back(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.changed, NOW)
    assert (created.value, created.modified_at) == (kind.changed, NOW)
    assert await definitions.get("a") == created


async def test_a_taken_id_is_refused(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.make("a"), NOW)
    with pytest.raises(AlreadyExists):
        await definitions.create(kind.changed, LATER)
    assert await definitions.get("a") == created


async def test_replace(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.make("a"), NOW)
    replaced = await definitions.replace(created, kind.changed, LATER)
    assert (replaced.value, replaced.modified_at) == (kind.changed, LATER)
    assert await definitions.get("a") == replaced


async def test_the_etag_changes_with_every_write(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.make("a"), NOW)
    replaced = await definitions.replace(created, kind.make("a"), NOW)
    await definitions.delete(replaced)
    again = await definitions.create(kind.make("a"), NOW)
    assert len({created.etag, replaced.etag, again.etag}) == 3


async def test_an_old_version_is_refused(kind: Kind, definitions: Definitions) -> None:
    old = await definitions.create(kind.make("a"), NOW)
    new = await definitions.replace(old, kind.make("a"), NOW)
    with pytest.raises(ConcurrencyConflict):
        await definitions.replace(old, kind.changed, LATER)
    with pytest.raises(ConcurrencyConflict):
        await definitions.delete(old)
    assert await definitions.get("a") == new


async def test_a_deleted_definition_is_gone(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.make("a"), NOW)
    await definitions.delete(created)
    assert await definitions.get("a") is None
    with pytest.raises(ConcurrencyConflict):
        await definitions.delete(created)
    with pytest.raises(ConcurrencyConflict):
        await definitions.replace(created, kind.changed, LATER)


async def test_one_of_many_writers_wins(kind: Kind, definitions: Definitions) -> None:
    created = await definitions.create(kind.make("a"), NOW)
    attempts = [definitions.replace(created, kind.changed, LATER) for _ in range(20)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert winners == [await definitions.get("a")]
    assert [type(o) for o in outcomes if o not in winners] == [ConcurrencyConflict] * 19


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_a_list_is_ordered_by_id(kind: Kind, definitions: Definitions, limit: int) -> None:
    assert await definitions.list(limit) == Page([])
    stored = {id: await definitions.create(kind.make(id), NOW) for id in ("c", "a", "é", "b", "B")}
    listed = await all_pages(partial(definitions.list, limit))
    assert listed == [stored[id] for id in ("B", "a", "b", "c", "é")]


async def test_what_exists_throughout_appears_once(kind: Kind, definitions: Definitions) -> None:
    for id in "aceg":
        await definitions.create(kind.make(id), NOW)
    page = await definitions.list(2)
    await definitions.create(kind.make("b"), NOW)
    await definitions.delete(page.items[1])
    rest = await definitions.list(2, page.continuation)
    assert [definition.value.id for definition in rest.items] == ["e", "g"]


async def test_kinds_are_apart(store: Store) -> None:
    for kind in KINDS.values():
        definitions = kind.store_of(store)
        assert await definitions.get("a") is None
        await definitions.create(kind.changed, NOW)
    for kind in KINDS.values():
        page = await kind.store_of(store).list(10)
        assert [stored.value for stored in page.items] == [kind.changed]
