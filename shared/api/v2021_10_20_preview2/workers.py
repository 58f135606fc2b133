"""Workers on the wire."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, ClassVar, Final, override

from pydantic import Field

from shared.api.merge_patch import JsonObject
from shared.api.timestamps import format_time, optional_time
from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.definitions import PreviewDefinition
from shared.api.v2021_10_20_preview2.spellings import OrListed
from shared.api.wire import (
    MAX_ITEMS,
    ChannelId,
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

_ONCE_LISTED: Final = ("queueIds", "queueAssignments", "channelConfigurations")
"""What was a list when workers were registered, which made them available."""


class QueueAssignmentModel(WireModel):
    """That a worker is assigned to a queue; there is no more to say about it."""


class ListedQueueAssignmentModel(QueueAssignmentModel):
    queue_id: Id


class ChannelConfigurationModel(WireModel):
    capacity_cost_per_job: PositiveInt32

    def to_domain(self, channel_id: str, current: Channel | None) -> Channel:
        return Channel(
            channel_id=channel_id,
            capacity_cost_per_job=self.capacity_cost_per_job,
            max_number_of_jobs=current.max_number_of_jobs if current else None,
        )


class ListedChannelConfigurationModel(ChannelConfigurationModel):
    channel_id: ChannelId


class WorkerModel(PreviewDefinition[WorkerProfile, Worker]):
    """``queue_ids`` is an older word for ``queue_assignments``."""

    answer: ClassVar = resources.RouterWorker

    total_capacity: PositiveInt32
    queue_assignments: Annotated[
        dict[Id, QueueAssignmentModel],
        Field(max_length=MAX_ITEMS, default_factory=dict),
        OrListed("queueId", ListedQueueAssignmentModel),
    ]
    queue_ids: Annotated[
        list[Id] | None,
        Field(max_length=MAX_ITEMS),
        distinct(lambda queue_id: queue_id, "Queues"),
    ] = None
    channel_configurations: Annotated[
        dict[ChannelId, ChannelConfigurationModel],
        Field(max_length=MAX_ITEMS, default_factory=dict),
        OrListed("channelId", ListedChannelConfigurationModel),
    ]
    labels: LabelMap = Field(default_factory=dict)
    tags: LabelMap = Field(default_factory=dict)
    available_for_offers: bool = False

    @override
    @classmethod
    def patched(
        cls, id: str, patch: JsonObject, now: datetime
    ) -> Callable[[WorkerProfile | None], WorkerProfile]:
        registered = {"availableForOffers": True} if _registers(patch) else {}
        return super().patched(id, registered | patch, now)

    @override
    def to_domain(self, id: str, current: WorkerProfile | None, now: datetime) -> WorkerProfile:
        known = {channel.channel_id: channel for channel in current.channels} if current else {}
        queues = self.queue_assignments if self.queue_ids is None else self.queue_ids
        return WorkerProfile(
            capacity=self.total_capacity,
            queues=tuple(queues),
            channels=tuple(
                channel.to_domain(channel_id, known.get(channel_id))
                for channel_id, channel in self.channel_configurations.items()
            ),
            labels=with_id_label(self.labels, id),
            tags=self.tags,
            available_for_offers=self.available_for_offers,
            max_concurrent_offers=current.max_concurrent_offers if current else None,
        )

    @override
    @classmethod
    def from_domain(cls, definition: WorkerProfile) -> JsonObject:
        return present(
            queueAssignments={queue_id: {} for queue_id in definition.queues},
            totalCapacity=definition.capacity,
            labels=definition.labels,
            tags=definition.tags,
            channelConfigurations={
                channel.channel_id: {"capacityCostPerJob": channel.capacity_cost_per_job}
                for channel in definition.channels
            },
            availableForOffers=definition.available_for_offers,
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[Worker]) -> JsonObject:
        worker = stored.value
        own = present(
            id=worker.id,
            state=worker.state,
            offers=[_offer(held) for held in worker.open_offers],
            assignedJobs=[_assigned_job(held) for held in worker.assignments],
            loadRatio=worker.load_ratio,
        )
        return own | cls.from_domain(worker.profile)


def _registers(patch: JsonObject) -> bool:
    return any(isinstance(patch.get(member), list) for member in _ONCE_LISTED)


def _offer(held: Reservation) -> JsonObject:
    return present(
        id=held.offer_id,
        jobId=held.job_id,
        capacityCost=held.capacity_cost,
        offerTimeUtc=format_time(held.offered_at),
        expiryTimeUtc=format_time(held.expires_at),
    )


def _assigned_job(held: Reservation) -> JsonObject:
    return present(
        id=held.assignment_id,
        jobId=held.job_id,
        capacityCost=held.capacity_cost,
        assignTime=optional_time(held.assigned_at),
    )
