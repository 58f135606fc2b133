"""Use cases of distribution policies."""

from dataclasses import replace

from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import InvalidReference, InvalidRules
from shared.domain.rules import Rule, RuleUse, with_known_secret
from shared.ports import Page, RuleEngine, Stored
from shared.services.definition_changes import (
    DISTRIBUTION_POLICIES,
    QUEUES,
    Define,
    delete_definition,
    find_definition,
    get_definition,
    list_definitions,
    upsert_definition,
)
from shared.services.preconditions import Precondition
from shared.services.router import Router
from shared.services.rule_checks import PlacedRule, problem_of
from shared.services.upserts import Upserted


async def upsert_distribution_policy(
    router: Router,
    policy_id: str,
    define: Define[DistributionPolicy],
    precondition: Precondition,
) -> Upserted[DistributionPolicy]:
    """Create a distribution policy or change one.

    A change applies to offers made after it. A scoring rule that leaves its secret out keeps the
    one that the policy has for it.
    :raises PreconditionFailed, InvalidRules, TooMuchContention: nothing was changed.
    """

    def define_storable(current: DistributionPolicy | None) -> DistributionPolicy:
        policy = define(current)
        rule = policy.mode.scoring_rule
        if rule is None:
            return policy
        known = current.mode.scoring_rule if current else None
        rule = with_known_secret(rule, [known] if known else [])
        return _scored_by(policy, _storable(router.rules, rule))

    return await upsert_definition(
        router, DISTRIBUTION_POLICIES, policy_id, define_storable, precondition
    )


async def get_distribution_policy(router: Router, policy_id: str) -> Stored[DistributionPolicy]:
    """:raises NotFound: there is no such distribution policy."""
    return await get_definition(router, DISTRIBUTION_POLICIES, policy_id)


async def list_distribution_policies(
    router: Router, limit: int, continuation: str | None
) -> Page[Stored[DistributionPolicy]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await list_definitions(router, DISTRIBUTION_POLICIES, limit, continuation)


async def delete_distribution_policy(router: Router, policy_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such policy, or a queue uses it."""

    async def check_unused() -> None:
        queue = await find_definition(
            router, QUEUES, lambda queue: queue.distribution_policy_id == policy_id
        )
        if queue is not None:
            raise InvalidReference(
                "QueueWithDistributionPolicyExist",
                f"The queue '{queue.id}' uses this distribution policy.",
            )

    await delete_definition(router, DISTRIBUTION_POLICIES, policy_id, check_unused)


def _storable(engine: RuleEngine, rule: Rule) -> Rule:
    """:raises InvalidRules: it can never result in a score."""
    problem = problem_of(engine, PlacedRule("mode.scoringRule", rule, RuleUse.SCORE))
    if problem is not None:
        raise InvalidRules([problem])
    return engine.seal(rule)


def _scored_by(policy: DistributionPolicy, rule: Rule) -> DistributionPolicy:
    return replace(policy, mode=replace(policy.mode, scoring_rule=rule))
