"""Distribution policies on the wire."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, override

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01 import resources
from shared.api.wire import Definition, PositiveInt32, Text, WireModel, present, refuse
from shared.domain.distribution import DistributionMode, DistributionModeKind, DistributionPolicy
from shared.domain.limits import DEFAULT_OFFER_SECONDS, MAX_OFFER_SECONDS
from shared.ports import Stored


class DistributionModeModel(WireModel):
    kind: DistributionModeKind
    min_concurrent_offers: PositiveInt32 = 1
    max_concurrent_offers: PositiveInt32 = 1
    bypass_selectors: bool = False
    scoring_rule: Any = None
    scoring_rule_options: Any = None

    @model_validator(mode="after")
    def _has_room_for_the_minimum(self) -> Self:
        if self.max_concurrent_offers < self.min_concurrent_offers:
            raise refuse(
                "Input should not be less than minConcurrentOffers", member="maxConcurrentOffers"
            )
        return self

    @field_validator("scoring_rule", "scoring_rule_options")
    @classmethod
    def _default_score_only(cls, rule: Any, info: ValidationInfo) -> Any:
        if info.data.get("kind") is DistributionModeKind.BEST_WORKER:
            raise refuse(
                "Scoring rules are not supported yet: bestWorker uses the default score",
                code="not_supported",
            )
        return rule

    def to_domain(self) -> DistributionMode:
        return DistributionMode(
            kind=self.kind,
            min_concurrent_offers=self.min_concurrent_offers,
            max_concurrent_offers=self.max_concurrent_offers,
            bypass_selectors=self.bypass_selectors,
        )


class DistributionPolicyModel(Definition[DistributionPolicy, DistributionPolicy]):
    polymorphic: ClassVar = ("mode",)
    answer: ClassVar = resources.DistributionPolicy

    name: Text | None = None
    offer_expires_after_seconds: Annotated[float, Field(gt=0, le=MAX_OFFER_SECONDS)] = (
        DEFAULT_OFFER_SECONDS
    )
    mode: DistributionModeModel | None = None

    @override
    def to_domain(
        self, id: str, current: DistributionPolicy | None, now: datetime
    ) -> DistributionPolicy:
        return DistributionPolicy(
            id=id,
            name=self.name,
            offer_expires_after_seconds=self.offer_expires_after_seconds,
            mode=self.mode.to_domain() if self.mode else DistributionMode(),
        )

    @override
    @classmethod
    def from_domain(cls, definition: DistributionPolicy) -> JsonObject:
        mode = definition.mode
        return present(
            name=definition.name,
            offerExpiresAfterSeconds=definition.offer_expires_after_seconds,
            mode=present(
                kind=mode.kind,
                minConcurrentOffers=mode.min_concurrent_offers,
                maxConcurrentOffers=mode.max_concurrent_offers,
                bypassSelectors=mode.bypass_selectors,
            ),
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[DistributionPolicy]) -> JsonObject:
        own = present(etag=quoted(stored.etag), id=stored.value.id)
        return own | cls.from_domain(stored.value)
