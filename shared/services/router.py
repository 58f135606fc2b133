"""What every use case works with."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.domain.behaviour import DEFAULT_BEHAVIOUR, Behaviour
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import (
    AlreadyExists,
    Clock,
    ConcurrencyConflict,
    IdGenerator,
    RuleEngine,
    Store,
    Telemetry,
)
from shared.services.backlog import Backlog
from shared.services.definitions import DefinitionCache
from shared.services.known_scores import KnownScores
from shared.services.no_telemetry import NO_TELEMETRY
from shared.services.outbox import Outbox
from shared.services.recent_services import RecentServices
from shared.services.recent_versions import RecentVersions
from shared.services.turns import Turns

ATTEMPTS = 12
"""How often a use case decides again after it lost a race."""


class TooMuchContention(Exception):
    """The same document kept changing under the use case; trying again later will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    store: Store
    outbox: Outbox
    definitions: DefinitionCache
    rules: RuleEngine
    clock: Clock
    new_id: IdGenerator
    behaviour: Behaviour = DEFAULT_BEHAVIOUR
    telemetry: Telemetry = NO_TELEMETRY
    draw: Callable[[], float] = random.random
    """Chance: a number from 0 up to, but without, 1."""
    backlog: Backlog = field(default_factory=Backlog)
    recent_services: RecentServices = field(default_factory=RecentServices)
    recent_jobs: RecentVersions[Job] = field(default_factory=RecentVersions[Job])
    recent_workers: RecentVersions[Worker] = field(default_factory=RecentVersions[Worker])
    scores: KnownScores = field(default_factory=KnownScores)
    job_turns: Turns = field(default_factory=Turns)
    worker_turns: Turns = field(default_factory=Turns)
    settling: set[str] = field(default_factory=set)
    """Ids of the outbox records that this process is settling now."""


async def until_committed[T](attempt: Callable[[], Awaitable[T]]) -> T:
    """Run ``attempt``, which reads, decides and commits, again while it loses the race.

    :raises TooMuchContention: it lost every time.
    """
    for number in range(ATTEMPTS):
        try:
            return await attempt()
        except (AlreadyExists, ConcurrencyConflict):
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(number, 6)))
    raise TooMuchContention("The document is being changed by others all the time.")
