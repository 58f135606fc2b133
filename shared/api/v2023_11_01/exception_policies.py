"""Exception policies on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, assert_never, override

from pydantic import Field

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2023_11_01 import resources
from shared.api.v2023_11_01.selectors import WorkerSelectorModel
from shared.api.wire import (
    INT32_MAX,
    MAX_ITEMS,
    Definition,
    Id,
    LabelMap,
    LocalId,
    Priority,
    Seconds,
    Text,
    WireModel,
    distinct,
    present,
)
from shared.domain.exception_policies import (
    UNNAMED,
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
from shared.ports import Stored

# -- triggers ---------------------------------------------------------------------------------


class QueueLengthTriggerModel(WireModel):
    """``threshold`` 0: any job that is to join the queue."""

    kind: Literal["queueLength"]
    threshold: Annotated[int, Field(ge=0, le=INT32_MAX)]

    def to_domain(self) -> QueueLengthTrigger:
        return QueueLengthTrigger(threshold=self.threshold)


class WaitTimeTriggerModel(WireModel):
    kind: Literal["waitTime"]
    threshold_seconds: Seconds

    def to_domain(self) -> WaitTimeTrigger:
        return WaitTimeTrigger(threshold_seconds=self.threshold_seconds)


type ExceptionTriggerModel = Annotated[QueueLengthTriggerModel | WaitTimeTriggerModel, ByKind()]


def _trigger(trigger: ExceptionTrigger) -> JsonObject:
    match trigger:
        case QueueLengthTrigger(threshold=threshold):
            return {"kind": "queueLength", "threshold": threshold}
        case WaitTimeTrigger(threshold_seconds=seconds):
            return {"kind": "waitTime", "thresholdSeconds": seconds}
        case _:
            assert_never(trigger)


# -- actions ----------------------------------------------------------------------------------


class _Action(WireModel):
    """Without an id the router finds one."""

    id: LocalId | None = None


class CancelActionModel(_Action):
    kind: Literal["cancel"]
    note: Text | None = None
    disposition_code: Text | None = None

    def to_domain(self) -> CancelAction:
        return CancelAction(
            id=self.id or UNNAMED, note=self.note, disposition_code=self.disposition_code
        )


class ReclassifyActionModel(_Action):
    kind: Literal["reclassify"]
    classification_policy_id: Id | None = None
    labels_to_upsert: LabelMap = Field(default_factory=dict)

    def to_domain(self) -> ReclassifyAction:
        return ReclassifyAction(
            id=self.id or UNNAMED,
            classification_policy_id=self.classification_policy_id,
            labels_to_upsert=self.labels_to_upsert,
        )


class ManualReclassifyActionModel(_Action):
    kind: Literal["manualReclassify"]
    queue_id: Id | None = None
    priority: Priority | None = None
    worker_selectors: Annotated[
        list[WorkerSelectorModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]

    def to_domain(self) -> ManualReclassifyAction:
        return ManualReclassifyAction(
            id=self.id or UNNAMED,
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
            own = present(kind="cancel", note=action.note, dispositionCode=action.disposition_code)
        case ReclassifyAction():
            own = present(
                kind="reclassify",
                classificationPolicyId=action.classification_policy_id,
                labelsToUpsert=action.labels_to_upsert,
            )
        case ManualReclassifyAction(worker_selectors=selectors):
            own = present(
                kind="manualReclassify",
                queueId=action.queue_id,
                priority=action.priority,
                workerSelectors=[WorkerSelectorModel.from_domain(s) for s in selectors],
            )
        case _:
            assert_never(action)
    return {"id": action.id} | own


# -- policies ---------------------------------------------------------------------------------


class ExceptionRuleModel(WireModel):
    id: LocalId
    trigger: ExceptionTriggerModel
    actions: Annotated[
        list[ExceptionActionModel],
        Field(max_length=MAX_ITEMS),
        distinct(lambda action: action.id or object(), "Action ids"),
    ]

    def to_domain(self) -> ExceptionRule:
        return ExceptionRule(
            id=self.id,
            trigger=self.trigger.to_domain(),
            actions=tuple(action.to_domain() for action in self.actions),
        )

    @classmethod
    def from_domain(cls, rule: ExceptionRule) -> JsonObject:
        return {
            "id": rule.id,
            "trigger": _trigger(rule.trigger),
            "actions": [_action(action) for action in rule.actions],
        }


class ExceptionPolicyModel(Definition[ExceptionPolicy, ExceptionPolicy]):
    answer: ClassVar = resources.ExceptionPolicy

    name: Text | None = None
    exception_rules: Annotated[
        list[ExceptionRuleModel],
        Field(max_length=MAX_ITEMS, default_factory=list),
        distinct(lambda rule: rule.id, "Rule ids"),
    ]

    @override
    def to_domain(self, id: str, current: ExceptionPolicy | None, now: datetime) -> ExceptionPolicy:
        rules = tuple(rule.to_domain() for rule in self.exception_rules)
        return ExceptionPolicy(id=id, name=self.name, rules=rules)

    @override
    @classmethod
    def from_domain(cls, definition: ExceptionPolicy) -> JsonObject:
        rules = [ExceptionRuleModel.from_domain(rule) for rule in definition.rules]
        return present(name=definition.name, exceptionRules=rules)

    @override
    @classmethod
    def resource(cls, stored: Stored[ExceptionPolicy]) -> JsonObject:
        own = present(etag=quoted(stored.etag), id=stored.value.id)
        return own | cls.from_domain(stored.value)
