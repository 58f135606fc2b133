"""Selectors on the wire."""

from pydantic import ValidationInfo, field_validator

from shared.api.merge_patch import JsonObject
from shared.api.timestamps import optional_time
from shared.api.wire import Key, Primitive, Seconds, WireModel, present, require_number
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.selectors import QueueSelector, WorkerSelector

_EQUALITY = frozenset({LabelOperator.EQUAL, LabelOperator.NOT_EQUAL})


class _Comparison(WireModel):
    key: Key
    label_operator: LabelOperator
    value: Primitive

    @field_validator("value")
    @classmethod
    def _is_comparable(cls, value: LabelValue, info: ValidationInfo) -> LabelValue:
        operator = info.data.get("label_operator", LabelOperator.EQUAL)
        return value if operator in _EQUALITY else require_number(value)


class QueueSelectorModel(_Comparison):
    def to_domain(self) -> QueueSelector:
        return QueueSelector(key=self.key, operator=self.label_operator, value=self.value)

    @classmethod
    def from_domain(cls, selector: QueueSelector) -> JsonObject:
        return {"key": selector.key, "labelOperator": selector.operator, "value": selector.value}


class WorkerSelectorModel(_Comparison):
    """What the router adds (``status``, ``expiresAt``) is ignored: it keeps its own record."""

    expires_after_seconds: Seconds | None = None
    expedite: bool = False

    def to_domain(self) -> WorkerSelector:
        return WorkerSelector(
            key=self.key,
            operator=self.label_operator,
            value=self.value,
            expires_after_seconds=self.expires_after_seconds,
            expedite=self.expedite,
        )

    @classmethod
    def from_domain(cls, selector: WorkerSelector) -> JsonObject:
        return present(
            key=selector.key,
            labelOperator=selector.operator,
            value=selector.value,
            expiresAfterSeconds=selector.expires_after_seconds,
            expedite=selector.expedite,
            status=selector.status,
            expiresAt=optional_time(selector.expires_at),
        )
