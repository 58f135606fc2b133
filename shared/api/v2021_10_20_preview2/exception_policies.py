"""Exception policies on the wire: maps of rules and of actions, by their ids."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, assert_never, override

from pydantic import Field

from shared.api.durations import format_duration
from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.definitions import PreviewConfiguration
from shared.api.v2021_10_20_preview2.selectors import WorkerSelectorModel
from shared.api.v2021_10_20_preview2.spellings import Duration
from shared.api.wire import (
    INT32_MAX,
    MAX_ITEMS,
    Id,
    LabelMap,
    LocalId,
    Priority,
    Text,
    WireModel,
    present,
)
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionAction,
    ExceptionPolicy,
    ExceptionRule,
    ExceptionTrigger,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)

# -- triggers ---------------------------------------------------------------------------------


class QueueLengthTriggerModel(WireModel):
    """``threshold`` 0: any job that is to join the queue."""

    kind: Literal["queue-length"]
    threshold: Annotated[int, Field(ge=0, le=INT32_MAX)]

    def to_domain(self) -> QueueLengthTrigger:
        return QueueLengthTrigger(threshold=self.threshold)


class WaitTimeTriggerModel(WireModel):
    kind: Literal["wait-time"]
    threshold: Duration

    def to_domain(self) -> WaitTimeTrigger:
        return WaitTimeTrigger(threshold_seconds=self.threshold)


type ExceptionTriggerModel = Annotated[QueueLengthTriggerModel | WaitTimeTriggerModel, ByKind()]


def _trigger(trigger: ExceptionTrigger) -> JsonObject:
    match trigger:
        case QueueLengthTrigger(threshold=threshold):
            return {"kind": "queue-length", "threshold": threshold}
        case WaitTimeTrigger(threshold_seconds=seconds):
            return {"kind": "wait-time", "threshold": format_duration(seconds)}
        case _:
            assert_never(trigger)


# -- actions ----------------------------------------------------------------------------------


class CancelActionModel(WireModel):
    kind: Literal["cancel"]
    note: Text | None = None
    disposition_code: Text | None = None

    def to_domain(self, id: str) -> CancelAction:
        return CancelAction(id=id, note=self.note, disposition_code=self.disposition_code)


class ReclassifyActionModel(WireModel):
    kind: Literal["reclassify"]
    classification_policy_id: Id | None = None
    labels_to_upsert: LabelMap = Field(default_factory=dict)

    def to_domain(self, id: str) -> ReclassifyAction:
        return ReclassifyAction(
            id=id,
            classification_policy_id=self.classification_policy_id,
            labels_to_upsert=self.labels_to_upsert,
        )


class ManualReclassifyActionModel(WireModel):
    kind: Literal["manual-reclassify"]
    queue_id: Id | None = None
    priority: Priority | None = None
    worker_selectors: Annotated[
        list[WorkerSelectorModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]

    def to_domain(self, id: str) -> ManualReclassifyAction:
        return ManualReclassifyAction(
            id=id,
            queue_id=self.queue_id,
            priority=self.priority,
            worker_selectors=tuple(selector.to_domain() for selector in self.worker_selectors),
        )


type ExceptionActionModel = Annotated[
    CancelActionModel | ReclassifyActionModel | ManualReclassifyActionModel, ByKind()
]


def _action(action: ExceptionAction) -> JsonObject:
    match action:
        case CancelAction():
            return present(kind="cancel", note=action.note, dispositionCode=action.disposition_code)
        case ReclassifyAction():
            return present(
                kind="reclassify",
                classificationPolicyId=action.classification_policy_id,
                labelsToUpsert=action.labels_to_upsert,
            )
        case ManualReclassifyAction(worker_selectors=selectors):
            return present(
                kind="manual-reclassify",
                queueId=action.queue_id,
                priority=action.priority,
                workerSelectors=[WorkerSelectorModel.from_domain(s) for s in selectors],
            )
        case _:
            assert_never(action)


# -- policies ---------------------------------------------------------------------------------


class ExceptionRuleModel(WireModel):
    trigger: ExceptionTriggerModel
    actions: Annotated[dict[LocalId, ExceptionActionModel], Field(max_length=MAX_ITEMS)]

    def to_domain(self, id: str) -> ExceptionRule:
        return ExceptionRule(
            id=id,
            trigger=self.trigger.to_domain(),
            actions=tuple(action.to_domain(id) for id, action in self.actions.items()),
        )

    @classmethod
    def from_domain(cls, rule: ExceptionRule) -> JsonObject:
        return {
            "trigger": _trigger(rule.trigger),
            "actions": {action.id: _action(action) for action in rule.actions},
        }


class ExceptionPolicyModel(PreviewConfiguration[ExceptionPolicy]):
    answer: ClassVar = resources.ExceptionPolicy

    name: Text | None = None
    exception_rules: Annotated[
        dict[LocalId, ExceptionRuleModel], Field(max_length=MAX_ITEMS, default_factory=dict)
    ]

    @override
    def to_domain(self, id: str, current: ExceptionPolicy | None, now: datetime) -> ExceptionPolicy:
        rules = tuple(rule.to_domain(id) for id, rule in self.exception_rules.items())
        return ExceptionPolicy(id=id, name=self.name, rules=rules)

    @override
    @classmethod
    def from_domain(cls, definition: ExceptionPolicy) -> JsonObject:
        rules = {rule.id: ExceptionRuleModel.from_domain(rule) for rule in definition.rules}
        return present(name=definition.name, exceptionRules=rules)
