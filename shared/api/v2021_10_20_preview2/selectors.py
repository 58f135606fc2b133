"""Selectors on the wire."""

from typing import Final, Self

from pydantic import ValidationInfo, field_validator, model_validator

from shared.api.merge_patch import JsonObject
from shared.api.v2021_10_20_preview2.spellings import Duration
from shared.api.v2021_10_20_preview2.words import LabelOperator
from shared.api.wire import Key, Primitive, Seconds, WireModel, present, refuse, require_number
from shared.domain import labels
from shared.domain.labels import LabelValue
from shared.domain.selectors import QueueSelector, WorkerSelector

_EQUALITY: Final = frozenset({LabelOperator.EQUAL, LabelOperator.NOT_EQUAL})


class SelectorModel(WireModel):
    """``operator`` is an older word for ``label_operator``."""

    key: Key
    label_operator: LabelOperator | None = None
    operator: LabelOperator | None = None
    value: Primitive

    @field_validator("value")
    @classmethod
    def _is_comparable(cls, value: LabelValue, info: ValidationInfo) -> LabelValue:
        operator = info.data.get("operator") or info.data.get("label_operator")
        return value if operator is None or operator in _EQUALITY else require_number(value)

    @model_validator(mode="after")
    def _has_an_operator(self) -> Self:
        if self.operator is None and self.label_operator is None:
            raise refuse("Field required", code="missing", member="labelOperator")
        return self

    @property
    def chosen_operator(self) -> labels.LabelOperator:
        operator = self.operator or self.label_operator
        assert operator is not None, "its validator requires it"
        return operator.to_domain()


class QueueSelectorModel(SelectorModel):
    def to_domain(self) -> QueueSelector:
        return QueueSelector(key=self.key, operator=self.chosen_operator, value=self.value)

    @classmethod
    def from_domain(cls, selector: QueueSelector) -> JsonObject:
        operator = LabelOperator.from_domain(selector.operator)
        return {"key": selector.key, "labelOperator": operator, "value": selector.value}


class WorkerSelectorModel(SelectorModel):
    """``ttl`` is an older word for ``ttl_seconds``, and a duration."""

    ttl_seconds: Seconds | None = None
    ttl: Duration | None = None
    expedite: bool = False

    def to_domain(self) -> WorkerSelector:
        return WorkerSelector(
            key=self.key,
            operator=self.chosen_operator,
            value=self.value,
            expires_after_seconds=self.ttl_seconds if self.ttl is None else self.ttl,
            expedite=self.expedite,
        )

    @classmethod
    def from_domain(cls, selector: WorkerSelector) -> JsonObject:
        return present(
            key=selector.key,
            labelOperator=LabelOperator.from_domain(selector.operator),
            value=selector.value,
            ttlSeconds=selector.expires_after_seconds,
            expedite=selector.expedite,
        )
