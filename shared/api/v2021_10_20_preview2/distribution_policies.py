"""Distribution policies on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self, override

from pydantic import Field, field_validator, model_validator

from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.definitions import PreviewConfiguration
from shared.api.v2021_10_20_preview2.rules import RuleModel, rule_document
from shared.api.v2021_10_20_preview2.spellings import Duration
from shared.api.v2021_10_20_preview2.words import DistributionModeWord
from shared.api.wire import PositiveInt32, Text, WireModel, distinct, present, refuse
from shared.domain.distribution import (
    DEFAULT_SCORING,
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
    ScoringOptions,
    ScoringParameter,
)
from shared.domain.limits import MAX_OFFER_SECONDS


class ScoringRuleOptionsModel(WireModel):
    batch_size: PositiveInt32 = DEFAULT_SCORING.batch_size
    scoring_parameters: Annotated[
        list[ScoringParameter],
        distinct(lambda parameter: parameter, "Scoring parameters"),
        Field(default_factory=lambda: [*DEFAULT_SCORING.parameters]),
    ]
    allow_scoring_batch_of_workers: bool = DEFAULT_SCORING.is_batch_enabled
    descending_order: bool = DEFAULT_SCORING.descending_order

    def to_domain(self) -> ScoringOptions:
        return ScoringOptions(
            batch_size=self.batch_size,
            parameters=tuple(self.scoring_parameters),
            is_batch_enabled=self.allow_scoring_batch_of_workers,
            descending_order=self.descending_order,
        )


class _DistributionModeModel(WireModel):
    min_concurrent_offers: PositiveInt32
    max_concurrent_offers: PositiveInt32
    bypass_selectors: bool = False

    @model_validator(mode="after")
    def _has_room_for_the_minimum(self) -> Self:
        if self.max_concurrent_offers < self.min_concurrent_offers:
            raise refuse(
                "Input should not be less than minConcurrentOffers", member="maxConcurrentOffers"
            )
        return self


class BestWorkerModeModel(_DistributionModeModel):
    kind: Literal["best-worker"]
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
    kind: Literal["longest-idle", "round-robin"]

    def to_domain(self) -> DistributionMode:
        return DistributionMode(
            kind=DistributionModeWord(self.kind).to_domain(),
            min_concurrent_offers=self.min_concurrent_offers,
            max_concurrent_offers=self.max_concurrent_offers,
            bypass_selectors=self.bypass_selectors,
        )


type ModeModel = Annotated[BestWorkerModeModel | OtherModeModel, ByKind()]


class DistributionPolicyModel(PreviewConfiguration[DistributionPolicy]):
    """``offer_ttl`` is an older word for ``offer_ttl_seconds``, and a duration."""

    polymorphic: ClassVar = ("mode",)
    answer: ClassVar = resources.DistributionPolicy

    name: Text | None = None
    offer_ttl_seconds: Annotated[float, Field(gt=0, le=MAX_OFFER_SECONDS)] | None = None
    offer_ttl: Annotated[Duration | None, Field(alias="offerTTL")] = None
    mode: ModeModel

    @field_validator("offer_ttl")
    @classmethod
    def _ends_before_every_job(cls, seconds: float | None) -> float | None:
        if seconds is not None and seconds > MAX_OFFER_SECONDS:
            raise refuse(f"An offer should last at most {MAX_OFFER_SECONDS:.0f} seconds")
        return seconds

    @model_validator(mode="after")
    def _says_how_long_offers_last(self) -> Self:
        if self.offer_ttl is None and self.offer_ttl_seconds is None:
            raise refuse("Field required", code="missing", member="offerTtlSeconds")
        return self

    @override
    def to_domain(
        self, id: str, current: DistributionPolicy | None, now: datetime
    ) -> DistributionPolicy:
        seconds = self.offer_ttl_seconds if self.offer_ttl is None else self.offer_ttl
        assert seconds is not None, "its validator requires it"
        return DistributionPolicy(
            id=id,
            name=self.name,
            offer_expires_after_seconds=seconds,
            mode=self.mode.to_domain(),
        )

    @override
    @classmethod
    def from_domain(cls, definition: DistributionPolicy) -> JsonObject:
        return present(
            name=definition.name,
            offerTtlSeconds=definition.offer_expires_after_seconds,
            mode=_mode_document(definition.mode),
        )


def _mode_document(mode: DistributionMode) -> JsonObject:
    rule, options = mode.scoring_rule, mode.scoring_options
    return present(
        kind=DistributionModeWord.from_domain(mode.kind),
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
        "allowScoringBatchOfWorkers": options.is_batch_enabled,
        "descendingOrder": options.descending_order,
    }
