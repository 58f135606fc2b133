"""Queues on the wire."""

from datetime import datetime
from typing import ClassVar, override

from pydantic import Field

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01 import resources
from shared.api.wire import Definition, Id, LabelMap, Text, present, with_id_label
from shared.domain.queues import Queue
from shared.ports import Stored


class QueueModel(Definition[Queue, Queue]):
    answer: ClassVar = resources.RouterQueue

    distribution_policy_id: Id
    name: Text | None = None
    labels: LabelMap = Field(default_factory=dict)
    exception_policy_id: Id | None = None

    @override
    def to_domain(self, id: str, current: Queue | None, now: datetime) -> Queue:
        return Queue(
            id=id,
            distribution_policy_id=self.distribution_policy_id,
            name=self.name,
            labels=with_id_label(self.labels, id),
            exception_policy_id=self.exception_policy_id,
        )

    @override
    @classmethod
    def from_domain(cls, definition: Queue) -> JsonObject:
        return present(
            name=definition.name,
            distributionPolicyId=definition.distribution_policy_id,
            labels=definition.labels,
            exceptionPolicyId=definition.exception_policy_id,
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[Queue]) -> JsonObject:
        own = present(etag=quoted(stored.etag), id=stored.value.id)
        return own | cls.from_domain(stored.value)
