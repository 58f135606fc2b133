"""Jobs on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, Self, override

from pydantic import Field, model_validator

from shared.api.merge_patch import JsonObject
from shared.api.timestamps import format_time, optional_time
from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.definitions import PreviewDefinition
from shared.api.v2021_10_20_preview2.notes import NoteMap, notes_by_time, notes_from
from shared.api.v2021_10_20_preview2.selectors import WorkerSelectorModel
from shared.api.v2021_10_20_preview2.words import JobStatus
from shared.api.wire import MAX_ITEMS, ChannelId, Id, LabelMap, Text, present, refuse
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Assignment, Job
from shared.domain.limits import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY
from shared.domain.matching_modes import QueueAndMatch
from shared.ports import Stored


class JobModel(PreviewDefinition[JobDefinition, Job]):
    """``worker_selectors`` is an older word for ``requested_worker_selectors``."""

    answer: ClassVar = resources.RouterJob

    channel_id: ChannelId
    queue_id: Id | None = None
    classification_policy_id: Id | None = None
    channel_reference: Text | None = None
    priority: Annotated[int, Field(ge=MIN_PRIORITY, le=MAX_PRIORITY)] = DEFAULT_PRIORITY
    disposition_code: Text | None = None
    requested_worker_selectors: Annotated[
        list[WorkerSelectorModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]
    worker_selectors: Annotated[list[WorkerSelectorModel] | None, Field(max_length=MAX_ITEMS)] = (
        None
    )
    labels: LabelMap = Field(default_factory=dict)
    tags: LabelMap = Field(default_factory=dict)
    notes: NoteMap = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leads_to_a_queue(self) -> Self:
        if self.queue_id is None and self.classification_policy_id is None:
            raise refuse(
                "Field required, unless there is a classificationPolicyId",
                code="missing",
                member="queueId",
            )
        return self

    @override
    def to_domain(self, id: str, current: JobDefinition | None, now: datetime) -> JobDefinition:
        older = self.worker_selectors
        selectors = self.requested_worker_selectors if older is None else older
        return JobDefinition(
            channel_id=self.channel_id,
            queue_id=self.queue_id,
            classification_policy_id=self.classification_policy_id,
            channel_reference=self.channel_reference,
            priority=self.priority,
            disposition_code=self.disposition_code,
            labels=self.labels,
            tags=self.tags,
            requested_worker_selectors=tuple(selector.to_domain() for selector in selectors),
            notes=notes_from(self.notes),
            matching_mode=current.matching_mode if current else QueueAndMatch(),
        )

    @override
    @classmethod
    def from_domain(cls, definition: JobDefinition) -> JsonObject:
        selectors = definition.requested_worker_selectors
        return present(
            channelReference=definition.channel_reference,
            channelId=definition.channel_id,
            classificationPolicyId=definition.classification_policy_id,
            queueId=definition.queue_id,
            priority=definition.priority,
            dispositionCode=definition.disposition_code,
            requestedWorkerSelectors=[WorkerSelectorModel.from_domain(s) for s in selectors],
            labels=definition.labels,
            tags=definition.tags,
            notes=notes_by_time(definition.notes),
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[Job]) -> JsonObject:
        job = stored.value
        attached = job.attached_worker_selectors
        own = present(
            id=job.id,
            jobStatus=JobStatus.from_domain(job.status),
            enqueueTimeUtc=optional_time(job.enqueued_at),
            attachedWorkerSelectors=[WorkerSelectorModel.from_domain(s) for s in attached],
            assignments={a.assignment_id: _assignment(a) for a in job.assignments},
        )
        return own | cls.from_domain(job.definition)


def _assignment(assignment: Assignment) -> JsonObject:
    return present(
        id=assignment.assignment_id,
        workerId=assignment.worker_id,
        assignTime=format_time(assignment.assigned_at),
        completeTime=optional_time(assignment.completed_at),
        closeTime=optional_time(assignment.closed_at),
    )
