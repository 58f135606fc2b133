"""Jobs on the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self, assert_never, override

from pydantic import Field, model_validator

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.timestamps import format_time, optional_time
from shared.api.v2023_11_01 import resources
from shared.api.v2023_11_01.selectors import WorkerSelectorModel
from shared.api.wire import (
    MAX_ITEMS,
    ChannelId,
    Definition,
    Id,
    LabelMap,
    Text,
    Time,
    WireModel,
    present,
    refuse,
)
from shared.domain.job_definition import JobDefinition, Note
from shared.domain.jobs import Assignment, Job
from shared.domain.limits import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY
from shared.domain.matching_modes import MatchingMode, QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.ports import Stored


class MatchingModeKind(StrEnum):
    QUEUE_AND_MATCH = "queueAndMatch"
    SCHEDULE_AND_SUSPEND = "scheduleAndSuspend"
    SUSPEND = "suspend"


class MatchingModeModel(WireModel):
    """``schedule_at`` belongs to ``scheduleAndSuspend`` alone."""

    kind: MatchingModeKind
    schedule_at: Time | None = None

    @model_validator(mode="after")
    def _needs_a_time_to_schedule(self) -> Self:
        if self.kind is MatchingModeKind.SCHEDULE_AND_SUSPEND and self.schedule_at is None:
            raise refuse("Field required", code="missing", member="scheduleAt")
        return self

    def to_domain(self) -> MatchingMode:
        match self.kind:
            case MatchingModeKind.QUEUE_AND_MATCH:
                return QueueAndMatch()
            case MatchingModeKind.SUSPEND:
                return Suspend()
            case MatchingModeKind.SCHEDULE_AND_SUSPEND:
                assert self.schedule_at is not None, "its validator requires it"
                return ScheduleAndSuspend(schedule_at=self.schedule_at)
            case _:
                assert_never(self.kind)

    @classmethod
    def from_domain(cls, mode: MatchingMode) -> JsonObject:
        match mode:
            case QueueAndMatch():
                return {"kind": MatchingModeKind.QUEUE_AND_MATCH}
            case Suspend():
                return {"kind": MatchingModeKind.SUSPEND}
            case ScheduleAndSuspend(schedule_at=at):
                kind = MatchingModeKind.SCHEDULE_AND_SUSPEND
                return {"kind": kind, "scheduleAt": format_time(at)}
            case _:
                assert_never(mode)


class NoteModel(WireModel):
    message: Text
    added_at: Time | None = None

    def to_domain(self, now: datetime) -> Note:
        return Note(message=self.message, added_at=self.added_at or now)

    @classmethod
    def from_domain(cls, note: Note) -> JsonObject:
        return {"message": note.message, "addedAt": format_time(note.added_at)}


class JobModel(Definition[JobDefinition, Job]):
    polymorphic: ClassVar = ("matchingMode",)
    answer: ClassVar = resources.RouterJob

    channel_id: ChannelId
    queue_id: Id | None = None
    channel_reference: Text | None = None
    classification_policy_id: Id | None = None
    priority: Annotated[int, Field(ge=MIN_PRIORITY, le=MAX_PRIORITY)] = DEFAULT_PRIORITY
    disposition_code: Text | None = None
    requested_worker_selectors: Annotated[
        list[WorkerSelectorModel], Field(max_length=MAX_ITEMS, default_factory=list)
    ]
    labels: LabelMap = Field(default_factory=dict)
    tags: LabelMap = Field(default_factory=dict)
    notes: list[NoteModel] = Field(default_factory=list)
    matching_mode: MatchingModeModel | None = None

    @model_validator(mode="after")
    def _can_get_into_a_queue(self) -> Self:
        if self.queue_id is None and self.classification_policy_id is None:
            raise refuse(
                "Field required, unless there is a classificationPolicyId",
                code="missing",
                member="queueId",
            )
        return self

    @override
    def to_domain(self, id: str, current: JobDefinition | None, now: datetime) -> JobDefinition:
        return JobDefinition(
            channel_id=self.channel_id,
            queue_id=self.queue_id,
            classification_policy_id=self.classification_policy_id,
            channel_reference=self.channel_reference,
            priority=self.priority,
            disposition_code=self.disposition_code,
            labels=self.labels,
            tags=self.tags,
            requested_worker_selectors=tuple(
                selector.to_domain() for selector in self.requested_worker_selectors
            ),
            notes=tuple(note.to_domain(now) for note in self.notes),
            matching_mode=self.matching_mode.to_domain() if self.matching_mode else QueueAndMatch(),
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
            notes=[NoteModel.from_domain(note) for note in definition.notes],
            matchingMode=MatchingModeModel.from_domain(definition.matching_mode),
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[Job]) -> JsonObject:
        job = stored.value
        own = present(
            etag=quoted(stored.etag),
            id=job.id,
            status=job.status,
            enqueuedAt=optional_time(job.enqueued_at),
            scheduledAt=optional_time(job.scheduled_at),
            attachedWorkerSelectors=[
                WorkerSelectorModel.from_domain(s) for s in job.attached_worker_selectors
            ],
            assignments={a.assignment_id: _assignment(a) for a in job.assignments},
        )
        return own | cls.from_domain(job.definition)


def _assignment(assignment: Assignment) -> JsonObject:
    return present(
        assignmentId=assignment.assignment_id,
        workerId=assignment.worker_id,
        assignedAt=format_time(assignment.assigned_at),
        completedAt=optional_time(assignment.completed_at),
        closedAt=optional_time(assignment.closed_at),
    )
