"""Distribution policies on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self, override

from pydantic import Field, model_validator

from shared.api.conditions import quoted
from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2023_11_01 import resources
from shared.api.v2023_11_01.rules import RuleModel, rule_document
from shared.api.wire import Definition, PositiveInt32, Text, WireModel, distinct, present, refuse
from shared.domain.distribution import (
    DEFAULT_SCORING,
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
    ScoringOptions,
    ScoringParameter,
)
from shared.domain.limits import DEFAULT_OFFER_SECONDS, MAX_OFFER_SECONDS
from shared.ports import Stored


class ScoringRuleOptionsModel(WireModel):
    batch_size: PositiveInt32 = DEFAULT_SCORING.batch_size
    scoring_parameters: Annotated[
        list[ScoringParameter],
        distinct(lambda parameter: parameter, "Scoring parameters"),
        Field(default_factory=lambda: [*DEFAULT_SCORING.parameters]),
    ]
    is_batch_scoring_enabled: bool = DEFAULT_SCORING.is_batch_enabled
    descending_order: bool = DEFAULT_SCORING.descending_order

    def to_domain(self) -> ScoringOptions:
        return ScoringOptions(
            batch_size=self.batch_size,
            parameters=tuple(self.scoring_parameters),
            is_batch_enabled=self.is_batch_scoring_enabled,
            descending_order=self.descending_order,
        )


class _DistributionModeModel(WireModel):
    min_concurrent_offers: PositiveInt32 = 1
    max_concurrent_offers: PositiveInt32 = 1
    bypass_selectors: bool = False

    @model_validator(mode="after")
    def _has_room_for_the_minimum(self) -> Self:
        if self.max_concurrent_offers < self.min_concurrent_offers:
            raise refuse(
                "Input should not be less than minConcurrentOffers", member="maxConcurrentOffers"
            )
        return self


class BestWorkerModeModel(_DistributionModeModel):
    kind: Literal["bestWorker"]
    scoring_rule: RuleModel | None = None
    scoring_rule_options: ScoringRuleOptionsModel | None = None

    def to_domain(self) -> DistributionMode:
        rule, options = self.scoring_rule, self.scoring_rule_options
        return DistributionMode(
            kind=DistributionModeKind.BEST_WORKER,
            min_concurrent_offers=self.min_concurrent_offers,
            max_concurrent_offers=self.max_concurrent_offers,
            bypass_selectors=self.bypass_selectors,
            scoring_rule=rule.to_domain() if rule else None,
            scoring_options=options.to_domain() if options else None,
        )


class OtherModeModel(_DistributionModeModel):
    kind: Literal["longestIdle", "roundRobin"]

    def to_domain(self) -> DistributionMode:
        return DistributionMode(
            kind=DistributionModeKind(self.kind),
            min_concurrent_offers=self.min_concurrent_offers,
            max_concurrent_offers=self.max_concurrent_offers,
            bypass_selectors=self.bypass_selectors,
        )


type ModeModel = Annotated[BestWorkerModeModel | OtherModeModel, ByKind()]


class DistributionPolicyModel(Definition[DistributionPolicy, DistributionPolicy]):
    polymorphic: ClassVar = ("mode",)
    answer: ClassVar = resources.DistributionPolicy

    name: Text | None = None
    offer_expires_after_seconds: Annotated[float, Field(gt=0, le=MAX_OFFER_SECONDS)] = (
        DEFAULT_OFFER_SECONDS
    )
    mode: ModeModel | None = None

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
        return present(
            name=definition.name,
            offerExpiresAfterSeconds=definition.offer_expires_after_seconds,
            mode=_mode_document(definition.mode),
        )

    @override
    @classmethod
    def resource(cls, stored: Stored[DistributionPolicy]) -> JsonObject:
        own = present(etag=quoted(stored.etag), id=stored.value.id)
        return own | cls.from_domain(stored.value)


def _mode_document(mode: DistributionMode) -> JsonObject:
    rule, options = mode.scoring_rule, mode.scoring_options
    return present(
        kind=mode.kind,
        minConcurrentOffers=mode.min_concurrent_offers,
        maxConcurrentOffers=mode.max_concurrent_offers,
        bypassSelectors=mode.bypass_selectors,
        scoringRule=rule_document(rule) if rule else None,
        scoringRuleOptions=_options_document(options) if options else None,
    )


def _options_document(options: ScoringOptions) -> JsonObject:
    return {
        "batchSize": options.batch_size,
        "scoringParameters": [*options.parameters],
        "isBatchScoringEnabled": options.is_batch_enabled,
        "descendingOrder": options.descending_order,
    }
