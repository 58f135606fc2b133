"""What every use case works with."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.ports import AlreadyExists, Clock, ConcurrencyConflict, IdGenerator, Store
from shared.services.backlog import Backlog
from shared.services.definitions import DefinitionCache
from shared.services.outbox import Outbox
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
    clock: Clock
    new_id: IdGenerator
    backlog: Backlog = field(default_factory=Backlog)
    job_turns: Turns = field(default_factory=Turns)
    worker_turns: Turns = field(default_factory=Turns)


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
