"""Workers that limit how many offers they hold at a time."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar, override

from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01 import workers as v2023_11_01
from shared.api.v2024_01_18_preview import resources
from shared.api.wire import PositiveInt32, present
from shared.domain.workers import WorkerProfile


class WorkerModel(v2023_11_01.WorkerModel):
    answer: ClassVar = resources.RouterWorker

    max_concurrent_offers: PositiveInt32 | None = None

    @override
    def to_domain(self, id: str, current: WorkerProfile | None, now: datetime) -> WorkerProfile:
        profile = super().to_domain(id, current, now)
        return replace(profile, max_concurrent_offers=self.max_concurrent_offers)

    @override
    @classmethod
    def from_domain(cls, definition: WorkerProfile) -> JsonObject:
        limit = present(maxConcurrentOffers=definition.max_concurrent_offers)
        return super().from_domain(definition) | limit
