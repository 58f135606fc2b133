"""Distribution policies: which workers are offered a job, how many at once and for how long."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.limits import DEFAULT_OFFER_SECONDS


class DistributionModeKind(StrEnum):
    LONGEST_IDLE = "longestIdle"
    ROUND_ROBIN = "roundRobin"
    BEST_WORKER = "bestWorker"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionMode:
    """``min_concurrent_offers`` is a wish: a job gets that many before any job gets more."""

    kind: DistributionModeKind = DistributionModeKind.LONGEST_IDLE
    min_concurrent_offers: int = 1
    max_concurrent_offers: int = 1
    bypass_selectors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPolicy:
    id: str
    name: str | None = None
    offer_expires_after_seconds: float = DEFAULT_OFFER_SECONDS
    mode: DistributionMode = field(default_factory=DistributionMode)
