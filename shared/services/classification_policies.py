"""Use cases of classification policies."""

from collections.abc import Iterable, Iterator

from shared.domain.classification import (
    Attachment,
    ClassificationPolicy,
    ConditionalAttachment,
    RuleAttachment,
)
from shared.domain.errors import InvalidReference, InvalidRules
from shared.domain.rules import RuleUse, with_known_secret
from shared.domain.selectors import QueueSelector, WorkerSelector
from shared.domain.statuses import UNFINISHED
from shared.ports import JobFilter, Page, RuleEngine, Stored
from shared.services.definition_changes import (
    CLASSIFICATION_POLICIES,
    EXCEPTION_POLICIES,
    QUEUES,
    Define,
    delete_definition,
    find_definition,
    get_definition,
    list_definitions,
    require_known,
    upsert_definition,
)
from shared.services.preconditions import Precondition
from shared.services.router import Router
from shared.services.rule_checks import PlacedRule, problem_of
from shared.services.upserts import Upserted


async def upsert_classification_policy(
    router: Router,
    policy_id: str,
    define: Define[ClassificationPolicy],
    precondition: Precondition,
) -> Upserted[ClassificationPolicy]:
    """Create a classification policy or change one.

    A change applies to classifications made after it: jobs are not classified again for it. A rule
    that leaves its secret out keeps the one that the policy has for it.
    :raises PreconditionFailed, InvalidRules, InvalidReference, TooMuchContention: nothing was
        changed.
    """

    def define_storable(current: ClassificationPolicy | None) -> ClassificationPolicy:
        policy = _with_known_secrets(define(current), current)
        _check_rules(router.rules, policy)
        return policy.with_rules(router.rules.seal)

    async def check(policy: ClassificationPolicy) -> None:
        if policy.fallback_queue_id is not None:
            await require_known(router, QUEUES, policy.fallback_queue_id, "fallbackQueueId")

    return await upsert_definition(
        router, CLASSIFICATION_POLICIES, policy_id, define_storable, precondition, check
    )


async def get_classification_policy(router: Router, policy_id: str) -> Stored[ClassificationPolicy]:
    """:raises NotFound: there is no such classification policy."""
    return await get_definition(router, CLASSIFICATION_POLICIES, policy_id)


async def list_classification_policies(
    router: Router, limit: int, continuation: str | None
) -> Page[Stored[ClassificationPolicy]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await list_definitions(router, CLASSIFICATION_POLICIES, limit, continuation)


async def delete_classification_policy(router: Router, policy_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such policy, or something needs it.

    Unfinished jobs that name it do, and exception policies that classify by it.
    """

    async def check_unused() -> None:
        await _check_jobs(router, policy_id)
        await _check_exceptions(router, policy_id)

    await delete_definition(router, CLASSIFICATION_POLICIES, policy_id, check_unused)


async def _check_jobs(router: Router, policy_id: str) -> None:
    filter = JobFilter(statuses=UNFINISHED, classification_policy_id=policy_id)
    if (await router.store.jobs.list(filter, limit=1)).items:
        raise InvalidReference(
            "ActiveJobWithClassificationPolicyExist",
            "There are active jobs with this classification policy.",
        )


async def _check_exceptions(router: Router, policy_id: str) -> None:
    policy = await find_definition(
        router, EXCEPTION_POLICIES, lambda policy: policy.classifies_by(policy_id)
    )
    if policy is not None:
        raise InvalidReference(
            "ExceptionPolicyWithClassificationPolicyExist",
            f"The exception policy '{policy.id}' classifies jobs by this classification policy.",
        )


def _with_known_secrets(
    policy: ClassificationPolicy, current: ClassificationPolicy | None
) -> ClassificationPolicy:
    known = [placed.rule for placed in _rules_of(current)] if current else []
    return policy.with_rules(lambda rule: with_known_secret(rule, known))


def _check_rules(engine: RuleEngine, policy: ClassificationPolicy) -> None:
    """:raises InvalidRules: with all that can never have a result."""
    problems = [
        problem
        for placed in _rules_of(policy)
        if (problem := problem_of(engine, placed)) is not None
    ]
    if problems:
        raise InvalidRules(problems)


def _rules_of(policy: ClassificationPolicy) -> Iterator[PlacedRule]:
    if policy.prioritization_rule is not None:
        yield PlacedRule("prioritizationRule", policy.prioritization_rule, RuleUse.PRIORITY)
    yield from _attached_rules(
        "queueSelectorAttachments", policy.queue_selector_attachments, RuleUse.QUEUE_SELECTORS
    )
    yield from _attached_rules(
        "workerSelectorAttachments", policy.worker_selector_attachments, RuleUse.WORKER_SELECTORS
    )


def _attached_rules[S: (QueueSelector, WorkerSelector)](
    member: str, attachments: Iterable[Attachment[S]], use: RuleUse
) -> Iterator[PlacedRule]:
    for number, attachment in enumerate(attachments):
        match attachment:
            case ConditionalAttachment(condition=rule):
                yield PlacedRule(f"{member}[{number}].condition", rule, RuleUse.CONDITION)
            case RuleAttachment(rule=rule):
                yield PlacedRule(f"{member}[{number}].rule", rule, use)
            case _:
                pass
