"""What the use cases of definitions have in common, whatever the kind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import NotFound, unknown_reference
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.queues import Queue
from shared.ports import Definition, DefinitionStore, Page, Store, Stored
from shared.services.definitions import Cache, DefinitionCache, every
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.upserts import Upserted

type Define[D] = Callable[[D | None], D]
"""Makes a definition of the current one (``None``: a new one). Has no other effect."""


@dataclass(frozen=True, slots=True)
class Kind[D: Definition]:
    """``noun`` is what messages call a definition of this kind."""

    noun: str
    store: Callable[[Store], DefinitionStore[D]]
    cache: Callable[[DefinitionCache], Cache[D]]


QUEUES: Final = Kind[Queue](
    "queue", lambda store: store.queues, lambda definitions: definitions.queues
)
DISTRIBUTION_POLICIES: Final = Kind[DistributionPolicy](
    "distribution policy",
    lambda store: store.distribution_policies,
    lambda definitions: definitions.distribution_policies,
)
CLASSIFICATION_POLICIES: Final = Kind[ClassificationPolicy](
    "classification policy",
    lambda store: store.classification_policies,
    lambda definitions: definitions.classification_policies,
)
EXCEPTION_POLICIES: Final = Kind[ExceptionPolicy](
    "exception policy",
    lambda store: store.exception_policies,
    lambda definitions: definitions.exception_policies,
)


async def upsert_definition[D: Definition](
    router: Router,
    kind: Kind[D],
    id: str,
    define: Define[D],
    precondition: Precondition,
    check: Callable[[D], Awaitable[None]] | None = None,
) -> Upserted[D]:
    """Create a definition or change one; this instance sees the change at once.

    ``define`` and ``check``, which raises if the definition must not be stored, are called again
    when a race was lost.
    :raises PreconditionFailed, TooMuchContention: nothing was changed.
    """

    async def attempt() -> Upserted[D]:
        stored = await kind.store(router.store).get(id)
        precondition.check(stored)
        definition = define(stored.value if stored else None)
        if check is not None:
            await check(definition)
        return await _put(router, kind, stored, definition)

    upserted = await until_committed(attempt)
    kind.cache(router.definitions).forget(id)
    return upserted


async def get_definition[D: Definition](router: Router, kind: Kind[D], id: str) -> Stored[D]:
    """:raises NotFound: there is no such definition."""
    stored = await kind.store(router.store).get(id)
    if stored is None:
        raise NotFound(kind.noun, id)
    return stored


async def list_definitions[D: Definition](
    router: Router, kind: Kind[D], limit: int, continuation: str | None
) -> Page[Stored[D]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await kind.store(router.store).list(limit, continuation)


async def delete_definition[D: Definition](
    router: Router, kind: Kind[D], id: str, check_unused: Callable[[], Awaitable[None]]
) -> None:
    """Remove a definition, unless ``check_unused`` raises.

    :raises NotFound, TooMuchContention: there is no such definition, or it keeps changing.
    """

    async def attempt() -> None:
        stored = await get_definition(router, kind, id)
        await check_unused()
        await kind.store(router.store).delete(stored)

    await until_committed(attempt)
    kind.cache(router.definitions).forget(id)


async def require_known[D: Definition](router: Router, kind: Kind[D], id: str, target: str) -> None:
    """:raises InvalidReference: there is no such definition; ``target`` is what names it."""
    if await kind.store(router.store).get(id) is None:
        raise unknown_reference(target, kind.noun, id)


async def find_definition[D: Definition](
    router: Router, kind: Kind[D], matches: Callable[[D], bool]
) -> D | None:
    """The first definition, by id, that matches."""
    async for definition in every(kind.store(router.store)):
        if matches(definition):
            return definition
    return None


async def _put[D: Definition](
    router: Router, kind: Kind[D], expected: Stored[D] | None, definition: D
) -> Upserted[D]:
    store, now = kind.store(router.store), router.clock()
    if expected is None:
        return Upserted(await store.create(definition, now), created=True)
    return Upserted(await store.replace(expected, definition, now), created=False)
