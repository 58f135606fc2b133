"""Attachments of selectors on the wire: to find a job's queue, or to demand more of its worker."""

from collections.abc import Callable, Iterable
from typing import Annotated, Final, Literal, NamedTuple, assert_never, override

from pydantic import Field

from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2023_11_01.rules import RuleModel, rule_document
from shared.api.v2023_11_01.selectors import QueueSelectorModel, WorkerSelectorModel
from shared.api.wire import INT32_MAX, MAX_ITEMS, Key, Seconds, WireModel, present
from shared.domain.classification import (
    Allocation,
    Attachment,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.labels import LabelOperator
from shared.domain.selectors import QueueSelector, WorkerSelector

type Weight = Annotated[float, Field(gt=0, le=INT32_MAX)]
"""Relative to the other weights: they need not add up to anything."""

_MANY: Final = Field(max_length=MAX_ITEMS)
_SOME: Final = Field(min_length=1, max_length=MAX_ITEMS)


# -- to find a queue --------------------------------------------------------------------------


class StaticQueueAttachmentModel(WireModel):
    kind: Literal["static"]
    queue_selector: QueueSelectorModel

    def to_domain(self) -> StaticAttachment[QueueSelector]:
        return StaticAttachment(selector=self.queue_selector.to_domain())


class ConditionalQueueAttachmentModel(WireModel):
    kind: Literal["conditional"]
    condition: RuleModel
    queue_selectors: Annotated[list[QueueSelectorModel], _MANY]

    def to_domain(self) -> ConditionalAttachment[QueueSelector]:
        return ConditionalAttachment(
            condition=self.condition.to_domain(), selectors=_queue_selectors(self.queue_selectors)
        )


class PassThroughQueueAttachmentModel(WireModel):
    kind: Literal["passThrough"]
    key: Key
    label_operator: LabelOperator

    def to_domain(self) -> PassThroughAttachment:
        return PassThroughAttachment(key=self.key, operator=self.label_operator)


class RuleEngineAttachmentModel(WireModel):
    kind: Literal["ruleEngine"]
    rule: RuleModel

    def to_domain(self) -> RuleAttachment:
        return RuleAttachment(rule=self.rule.to_domain())


class QueueAllocationModel(WireModel):
    weight: Weight
    queue_selectors: Annotated[list[QueueSelectorModel], _MANY]

    def to_domain(self) -> Allocation[QueueSelector]:
        return Allocation(weight=self.weight, selectors=_queue_selectors(self.queue_selectors))


class WeightedQueueAttachmentModel(WireModel):
    kind: Literal["weightedAllocation"]
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
    worker_selector: WorkerSelectorModel

    def to_domain(self) -> StaticAttachment[WorkerSelector]:
        return StaticAttachment(selector=self.worker_selector.to_domain())


class ConditionalWorkerAttachmentModel(WireModel):
    kind: Literal["conditional"]
    condition: RuleModel
    worker_selectors: Annotated[list[WorkerSelectorModel], _MANY]

    def to_domain(self) -> ConditionalAttachment[WorkerSelector]:
        return ConditionalAttachment(
            condition=self.condition.to_domain(), selectors=worker_selectors(self.worker_selectors)
        )


class PassThroughWorkerAttachmentModel(PassThroughQueueAttachmentModel):
    expires_after_seconds: Seconds | None = None

    @override
    def to_domain(self) -> PassThroughAttachment:
        return PassThroughAttachment(
            key=self.key,
            operator=self.label_operator,
            expires_after_seconds=self.expires_after_seconds,
        )


class WorkerAllocationModel(WireModel):
    weight: Weight
    worker_selectors: Annotated[list[WorkerSelectorModel], _MANY]

    def to_domain(self) -> Allocation[WorkerSelector]:
        return Allocation(weight=self.weight, selectors=worker_selectors(self.worker_selectors))


class WeightedWorkerAttachmentModel(WireModel):
    kind: Literal["weightedAllocation"]
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


def _queue_selectors(models: Iterable[QueueSelectorModel]) -> tuple[QueueSelector, ...]:
    return tuple(model.to_domain() for model in models)


def worker_selectors(models: Iterable[WorkerSelectorModel]) -> tuple[WorkerSelector, ...]:
    return tuple(model.to_domain() for model in models)


# -- as they are answered ---------------------------------------------------------------------


class _Words[S: (QueueSelector, WorkerSelector)](NamedTuple):
    """What members are called, by what is selected."""

    one: str
    many: str
    document: Callable[[S], JsonObject]


_QUEUES: Final = _Words("queueSelector", "queueSelectors", QueueSelectorModel.from_domain)
_WORKERS: Final = _Words("workerSelector", "workerSelectors", WorkerSelectorModel.from_domain)


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
            return {"kind": "static", words.one: words.document(selector)}
        case ConditionalAttachment(condition=rule, selectors=selectors):
            condition = rule_document(rule)
            return {"kind": "conditional", "condition": condition, **_many(selectors, words)}
        case PassThroughAttachment(key=key, operator=operator, expires_after_seconds=seconds):
            return present(
                kind="passThrough", key=key, labelOperator=operator, expiresAfterSeconds=seconds
            )
        case RuleAttachment(rule=rule):
            return {"kind": "ruleEngine", "rule": rule_document(rule)}
        case WeightedAttachment(allocations=allocations):
            weighted = [{"weight": a.weight, **_many(a.selectors, words)} for a in allocations]
            return {"kind": "weightedAllocation", "allocations": weighted}
        case _:
            assert_never(attachment)


def _many[S: (QueueSelector, WorkerSelector)](
    selectors: Iterable[S], words: _Words[S]
) -> JsonObject:
    return {words.many: [words.document(selector) for selector in selectors]}
