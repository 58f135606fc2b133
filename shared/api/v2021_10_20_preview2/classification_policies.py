"""Classification policies on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, override

from pydantic import Field

from shared.api.merge_patch import JsonObject
from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.attachments import (
    QueueAttachmentModel,
    WorkerAttachmentModel,
    queue_attachment_document,
    worker_attachment_document,
)
from shared.api.v2021_10_20_preview2.definitions import PreviewConfiguration
from shared.api.v2021_10_20_preview2.rules import RuleModel, rule_document
from shared.api.wire import MAX_ITEMS, Id, Text, present
from shared.domain.classification import ClassificationPolicy


class ClassificationPolicyModel(PreviewConfiguration[ClassificationPolicy]):
    polymorphic: ClassVar = ("prioritizationRule",)
    answer: ClassVar = resources.ClassificationPolicy

    name: Text | None = None
    fallback_queue_id: Id | None = None
    queue_selectors: Annotated[
        list[QueueAttachmentModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]
    prioritization_rule: RuleModel | None = None
    worker_selectors: Annotated[
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
            queue_selector_attachments=tuple(a.to_domain() for a in self.queue_selectors),
            prioritization_rule=rule.to_domain() if rule else None,
            worker_selector_attachments=tuple(a.to_domain() for a in self.worker_selectors),
        )

    @override
    @classmethod
    def from_domain(cls, definition: ClassificationPolicy) -> JsonObject:
        rule = definition.prioritization_rule
        to_queues = definition.queue_selector_attachments
        to_workers = definition.worker_selector_attachments
        return present(
            name=definition.name,
            fallbackQueueId=definition.fallback_queue_id,
            queueSelectors=[queue_attachment_document(a) for a in to_queues],
            prioritizationRule=rule_document(rule) if rule else None,
            workerSelectors=[worker_attachment_document(a) for a in to_workers],
        )
