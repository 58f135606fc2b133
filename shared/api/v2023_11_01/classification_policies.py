"""Classification policies on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, override

from pydantic import Field

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01 import resources
from shared.api.v2023_11_01.attachments import (
    QueueAttachmentModel,
    WorkerAttachmentModel,
    queue_attachment_document,
    worker_attachment_document,
)
from shared.api.v2023_11_01.rules import RuleModel, rule_document
from shared.api.wire import MAX_ITEMS, Definition, Id, Text, present
from shared.domain.classification import ClassificationPolicy
from shared.ports import Stored


class ClassificationPolicyModel(Definition[ClassificationPolicy, ClassificationPolicy]):
    polymorphic: ClassVar = ("prioritizationRule",)
    answer: ClassVar = resources.ClassificationPolicy

    name: Text | None = None
    fallback_queue_id: Id | None = None
    queue_selector_attachments: Annotated[
        list[QueueAttachmentModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]
    prioritization_rule: RuleModel | None = None
    worker_selector_attachments: Annotated[
        list[WorkerAttachmentModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]

    @override
    def to_domain(
        self, id: str, current: ClassificationPolicy | None, now: datetime
    ) -> ClassificationPolicy:
        rule = self.prioritization_rule
        return ClassificationPolicy(
            id=id,
            name=self.name,
            fallback_queue_id=self.fallback_queue_id,
            queue_selector_attachments=tuple(
                attachment.to_domain() for attachment in self.queue_selector_attachments
            ),
            prioritization_rule=rule.to_domain() if rule else None,
            worker_selector_attachments=tuple(
                attachment.to_domain() for attachment in self.worker_selector_attachments
            ),
        )

    @override
    @classmethod
    def from_domain(cls, definition: ClassificationPolicy) -> JsonObject:
        rule = definition.prioritization_rule
        return present(
            name=definition.name,
            fallbackQueueId=definition.fallback_queue_id,
            queueSelectorAttachments=[
                queue_attachment_document(a) for a in definition.queue_selector_attachments
            ],
            prioritizationRule=rule_document(rule) if rule else None,
            workerSelectorAttachments=[
                worker_attachment_document(a) for a in definition.worker_selector_attachments
            ],
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[ClassificationPolicy]) -> JsonObject:
        own = present(etag=quoted(stored.etag), id=stored.value.id)
        return own | cls.from_domain(stored.value)
