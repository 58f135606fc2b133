"""Use cases of distribution policies."""

from collections.abc import Callable

from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import InvalidReference, NotFound
from shared.ports import Page, Stored
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.upserts import Upserted

type DefinePolicy = Callable[[DistributionPolicy | None], DistributionPolicy]

PAGE = 200


async def upsert_distribution_policy(
    router: Router, policy_id: str, define: DefinePolicy, precondition: Precondition
) -> Upserted[DistributionPolicy]:
    """Create a distribution policy or change one. ``define``: as for jobs.

    A change applies to offers made after it.
    :raises PreconditionFailed, TooMuchContention: nothing was changed.
    """
    policies = router.store.distribution_policies

    async def attempt() -> Upserted[DistributionPolicy]:
        stored = await policies.get(policy_id)
        precondition.check(stored)
        policy = define(stored.value if stored else None)
        if stored is None:
            return Upserted(await policies.create(policy, router.clock()), created=True)
        changed = await policies.replace(stored, policy, router.clock())
        return Upserted(changed, created=False)

    upserted = await until_committed(attempt)
    router.definitions.distribution_policies.forget(policy_id)
    return upserted


async def get_distribution_policy(router: Router, policy_id: str) -> Stored[DistributionPolicy]:
    """:raises NotFound: there is no such distribution policy."""
    stored = await router.store.distribution_policies.get(policy_id)
    if stored is None:
        raise NotFound("distribution policy", policy_id)
    return stored


async def list_distribution_policies(
    router: Router, limit: int, continuation: str | None
) -> Page[Stored[DistributionPolicy]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await router.store.distribution_policies.list(limit, continuation)


async def delete_distribution_policy(router: Router, policy_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such policy, or a queue uses it."""

    async def attempt() -> None:
        stored = await get_distribution_policy(router, policy_id)
        await _check_unused(router, policy_id)
        await router.store.distribution_policies.delete(stored)

    await until_committed(attempt)
    router.definitions.distribution_policies.forget(policy_id)


async def _check_unused(router: Router, policy_id: str) -> None:
    continuation: str | None = None
    while True:
        page = await router.store.queues.list(PAGE, continuation)
        for stored in page.items:
            if stored.value.distribution_policy_id == policy_id:
                raise InvalidReference(
                    "QueueWithDistributionPolicyExist",
                    f"The queue '{stored.value.id}' uses this distribution policy.",
                )
        continuation = page.continuation
        if continuation is None:
            return
