"""Distribution policies: which workers are offered a job, how many at once and for how long."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.limits import DEFAULT_OFFER_SECONDS
from shared.domain.rules import Rule


class DistributionModeKind(StrEnum):
    LONGEST_IDLE = "longestIdle"
    ROUND_ROBIN = "roundRobin"
    BEST_WORKER = "bestWorker"


class ScoringParameter(StrEnum):
    """What of a job another service is told that scores workers for it."""

    JOB_LABELS = "jobLabels"
    WORKER_SELECTORS = "workerSelectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringOptions:
    """``parameters``, ``is_batch_enabled`` and ``batch_size`` concern rules that ask another
    service: with a batch it is asked about so many workers at once. ``descending_order``: whether
    the highest score is the best, not the lowest.
    """

    batch_size: int = 20
    parameters: tuple[ScoringParameter, ...] = tuple(ScoringParameter)
    is_batch_enabled: bool = False
    descending_order: bool = True


DEFAULT_SCORING = ScoringOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionMode:
    """``min_concurrent_offers`` is a wish: a job gets that many before any job gets more.

    ``scoring_rule`` is of ``bestWorker`` alone; without one the default score ranks the workers.
    ``scoring_options``: how the policy has them, if it has.
    """

    kind: DistributionModeKind = DistributionModeKind.LONGEST_IDLE
    min_concurrent_offers: int = 1
    max_concurrent_offers: int = 1
    bypass_selectors: bool = False
    scoring_rule: Rule | None = None
    scoring_options: ScoringOptions | None = None

    @property
    def is_scored_by_rule(self) -> bool:
        return self.kind is DistributionModeKind.BEST_WORKER and self.scoring_rule is not None

    @property
    def scoring(self) -> ScoringOptions:
        return self.scoring_options or DEFAULT_SCORING


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPolicy:
    id: str
    name: str | None = None
    offer_expires_after_seconds: float = DEFAULT_OFFER_SECONDS
    mode: DistributionMode = field(default_factory=DistributionMode)
