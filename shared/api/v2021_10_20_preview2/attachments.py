"""Attachments of selectors on the wire: to find a job's queue, or to demand more of its worker."""

from collections.abc import Callable, Iterable
from typing import Annotated, Final, Literal, NamedTuple, assert_never, override

from pydantic import Field

from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2021_10_20_preview2.rules import RuleModel, rule_document
from shared.api.v2021_10_20_preview2.selectors import QueueSelectorModel, WorkerSelectorModel
from shared.api.v2021_10_20_preview2.words import LabelOperator
from shared.api.v2023_11_01.attachments import Weight
from shared.api.wire import MAX_ITEMS, Key, Seconds, WireModel, present
from shared.domain.classification import (
    Allocation,
    Attachment,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.selectors import QueueSelector, WorkerSelector

type _QueueSelectors = Annotated[list[QueueSelectorModel], Field(max_length=MAX_ITEMS)]
type _WorkerSelectors = Annotated[list[WorkerSelectorModel], Field(max_length=MAX_ITEMS)]

_SOME: Final = Field(min_length=1, max_length=MAX_ITEMS)


class RuleEngineAttachmentModel(WireModel):
    kind: Literal["rule-engine"]
    rule: RuleModel

    def to_domain(self) -> RuleAttachment:
        return RuleAttachment(rule=self.rule.to_domain())


# -- to find a queue --------------------------------------------------------------------------


class StaticQueueAttachmentModel(WireModel):
    kind: Literal["static"]
    label_selector: QueueSelectorModel

    def to_domain(self) -> StaticAttachment[QueueSelector]:
        return StaticAttachment(selector=self.label_selector.to_domain())


class ConditionalQueueAttachmentModel(WireModel):
    kind: Literal["conditional"]
    condition: RuleModel
    label_selectors: _QueueSelectors

    def to_domain(self) -> ConditionalAttachment[QueueSelector]:
        selectors = tuple(selector.to_domain() for selector in self.label_selectors)
        return ConditionalAttachment(condition=self.condition.to_domain(), selectors=selectors)


class PassThroughQueueAttachmentModel(WireModel):
    kind: Literal["pass-through"]
    key: Key
    label_operator: LabelOperator

    def to_domain(self) -> PassThroughAttachment:
        return PassThroughAttachment(key=self.key, operator=self.label_operator.to_domain())


class QueueAllocationModel(WireModel):
    weight: Weight
    label_selectors: _QueueSelectors

    def to_domain(self) -> Allocation[QueueSelector]:
        selectors = tuple(selector.to_domain() for selector in self.label_selectors)
        return Allocation(weight=self.weight, selectors=selectors)


class WeightedQueueAttachmentModel(WireModel):
    kind: Literal["weighted-allocation-queue-selector"]
    allocations: Annotated[list[QueueAllocationModel], _SOME]

    def to_domain(self) -> WeightedAttachment[QueueSelector]:
        allocations = tuple(allocation.to_domain() for allocation in self.allocations)
        return WeightedAttachment(allocations=allocations)


type QueueAttachmentModel = Annotated[
    StaticQueueAttachmentModel
    | ConditionalQueueAttachmentModel
    | PassThroughQueueAttachmentModel
    | RuleEngineAttachmentModel
    | WeightedQueueAttachmentModel,
    ByKind(),
]


# -- to demand more of the worker -------------------------------------------------------------


class StaticWorkerAttachmentModel(WireModel):
    kind: Literal["static"]
    label_selector: WorkerSelectorModel

    def to_domain(self) -> StaticAttachment[WorkerSelector]:
        return StaticAttachment(selector=self.label_selector.to_domain())


class ConditionalWorkerAttachmentModel(WireModel):
    kind: Literal["conditional"]
    condition: RuleModel
    label_selectors: _WorkerSelectors

    def to_domain(self) -> ConditionalAttachment[WorkerSelector]:
        selectors = tuple(selector.to_domain() for selector in self.label_selectors)
        return ConditionalAttachment(condition=self.condition.to_domain(), selectors=selectors)


class PassThroughWorkerAttachmentModel(PassThroughQueueAttachmentModel):
    ttl_seconds: Seconds | None = None

    @override
    def to_domain(self) -> PassThroughAttachment:
        return PassThroughAttachment(
            key=self.key,
            operator=self.label_operator.to_domain(),
            expires_after_seconds=self.ttl_seconds,
        )


class WorkerAllocationModel(WireModel):
    weight: Weight
    label_selectors: _WorkerSelectors

    def to_domain(self) -> Allocation[WorkerSelector]:
        selectors = tuple(selector.to_domain() for selector in self.label_selectors)
        return Allocation(weight=self.weight, selectors=selectors)


class WeightedWorkerAttachmentModel(WireModel):
    kind: Literal["weighted-allocation-worker-selector"]
    allocations: Annotated[list[WorkerAllocationModel], _SOME]

    def to_domain(self) -> WeightedAttachment[WorkerSelector]:
        allocations = tuple(allocation.to_domain() for allocation in self.allocations)
        return WeightedAttachment(allocations=allocations)


type WorkerAttachmentModel = Annotated[
    StaticWorkerAttachmentModel
    | ConditionalWorkerAttachmentModel
    | PassThroughWorkerAttachmentModel
    | RuleEngineAttachmentModel
    | WeightedWorkerAttachmentModel,
    ByKind(),
]


# -- as they are answered ---------------------------------------------------------------------


class _Words[S: (QueueSelector, WorkerSelector)](NamedTuple):
    """What differs by what is selected."""

    weighted: str
    document: Callable[[S], JsonObject]


_QUEUES: Final = _Words("weighted-allocation-queue-selector", QueueSelectorModel.from_domain)
_WORKERS: Final = _Words("weighted-allocation-worker-selector", WorkerSelectorModel.from_domain)


def queue_attachment_document(attachment: Attachment[QueueSelector]) -> JsonObject:
    """The attachment as a client would send it."""
    return _document(attachment, _QUEUES)


def worker_attachment_document(attachment: Attachment[WorkerSelector]) -> JsonObject:
    """The attachment as a client would send it."""
    return _document(attachment, _WORKERS)


def _document[S: (QueueSelector, WorkerSelector)](
    attachment: Attachment[S], words: _Words[S]
) -> JsonObject:
    match attachment:
        case StaticAttachment(selector=selector):
            return {"kind": "static", "labelSelector": words.document(selector)}
        case ConditionalAttachment(condition=rule, selectors=selectors):
            condition = rule_document(rule)
            return {"kind": "conditional", "condition": condition, **_many(selectors, words)}
        case PassThroughAttachment(key=key, operator=operator, expires_after_seconds=seconds):
            word = LabelOperator.from_domain(operator)
            return present(kind="pass-through", key=key, labelOperator=word, ttlSeconds=seconds)
        case RuleAttachment(rule=rule):
            return {"kind": "rule-engine", "rule": rule_document(rule)}
        case WeightedAttachment(allocations=allocations):
            weighted = [{"weight": a.weight, **_many(a.selectors, words)} for a in allocations]
            return {"kind": words.weighted, "allocations": weighted}
        case _:
            assert_never(attachment)


def _many[S: (QueueSelector, WorkerSelector)](
    selectors: Iterable[S], words: _Words[S]
) -> JsonObject:
    return {"labelSelectors": [words.document(selector) for selector in selectors]}
