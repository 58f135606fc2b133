"""Workers on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, override

from pydantic import Field

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.timestamps import format_time, optional_time
from shared.api.v2023_11_01 import resources
from shared.api.wire import (
    MAX_ITEMS,
    ChannelId,
    Definition,
    Id,
    LabelMap,
    PositiveInt32,
    WireModel,
    distinct,
    present,
    with_id_label,
)
from shared.domain.channels import Channel
from shared.domain.offers import Reservation
from shared.domain.workers import Worker, WorkerProfile
from shared.ports import Stored


class ChannelModel(WireModel):
    channel_id: ChannelId
    capacity_cost_per_job: PositiveInt32
    max_number_of_jobs: PositiveInt32 | None = None

    def to_domain(self) -> Channel:
        return Channel(
            channel_id=self.channel_id,
            capacity_cost_per_job=self.capacity_cost_per_job,
            max_number_of_jobs=self.max_number_of_jobs,
        )

    @classmethod
    def from_domain(cls, channel: Channel) -> JsonObject:
        return present(
            channelId=channel.channel_id,
            capacityCostPerJob=channel.capacity_cost_per_job,
            maxNumberOfJobs=channel.max_number_of_jobs,
        )


class WorkerModel(Definition[WorkerProfile, Worker]):
    answer: ClassVar = resources.RouterWorker

    capacity: PositiveInt32
    queues: Annotated[
        list[Id],
        Field(max_length=MAX_ITEMS, default_factory=list),
        distinct(lambda queue_id: queue_id, "Queues"),
    ]
    channels: Annotated[
        list[ChannelModel],
        Field(max_length=MAX_ITEMS, default_factory=list),
        distinct(lambda channel: channel.channel_id, "Channels"),
    ]
    labels: LabelMap = Field(default_factory=dict)
    tags: LabelMap = Field(default_factory=dict)
    available_for_offers: bool = False

    @override
    def to_domain(self, id: str, current: WorkerProfile | None, now: datetime) -> WorkerProfile:
        return WorkerProfile(
            capacity=self.capacity,
            queues=tuple(self.queues),
            channels=tuple(channel.to_domain() for channel in self.channels),
            labels=with_id_label(self.labels, id),
            tags=self.tags,
            available_for_offers=self.available_for_offers,
            max_concurrent_offers=current.max_concurrent_offers if current else None,
        )

    @override
    @classmethod
    def from_domain(cls, definition: WorkerProfile) -> JsonObject:
        return present(
            queues=definition.queues,
            capacity=definition.capacity,
            labels=definition.labels,
            tags=definition.tags,
            channels=[ChannelModel.from_domain(channel) for channel in definition.channels],
            availableForOffers=definition.available_for_offers,
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[Worker]) -> JsonObject:
        worker = stored.value
        own = present(
            etag=quoted(stored.etag),
            id=worker.id,
            state=worker.state,
            offers=[_offer(held) for held in worker.open_offers],
            assignedJobs=[_assigned_job(held) for held in worker.assignments],
            loadRatio=worker.load_ratio,
        )
        return own | cls.from_domain(worker.profile)


def _offer(held: Reservation) -> JsonObject:
    return present(
        offerId=held.offer_id,
        jobId=held.job_id,
        capacityCost=held.capacity_cost,
        offeredAt=format_time(held.offered_at),
        expiresAt=format_time(held.expires_at),
    )


def _assigned_job(held: Reservation) -> JsonObject:
    return present(
        assignmentId=held.assignment_id,
        jobId=held.job_id,
        capacityCost=held.capacity_cost,
        assignedAt=optional_time(held.assigned_at),
    )
