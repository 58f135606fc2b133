"""Use cases of exception policies."""

from shared.domain.errors import InvalidReference
from shared.domain.exception_policies import (
    ExceptionAction,
    ExceptionPolicy,
    ManualReclassifyAction,
    ReclassifyAction,
    with_action_ids,
)
from shared.ports import Page, Stored
from shared.services.changed_conditions import note_change_of
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
from shared.services.exception_loops import check_policy_leads_on
from shared.services.preconditions import Precondition
from shared.services.router import Router
from shared.services.upserts import Upserted


async def upsert_exception_policy(
    router: Router, policy_id: str, define: Define[ExceptionPolicy], precondition: Precondition
) -> Upserted[ExceptionPolicy]:
    """Create an exception policy or change one. Actions without an id are given one.

    :raises PreconditionFailed, InvalidReference, TooMuchContention: nothing was changed.
    """

    def define_with_ids(current: ExceptionPolicy | None) -> ExceptionPolicy:
        return with_action_ids(define(current), current, router.new_id)

    async def check(policy: ExceptionPolicy) -> None:
        for rule_number, rule in enumerate(policy.rules):
            for number, action in enumerate(rule.actions):
                place = f"exceptionRules[{rule_number}].actions[{number}]"
                await _check_references(router, action, place)
        await check_policy_leads_on(router, policy)
        await note_change_of(router, policy.id)

    return await upsert_definition(
        router, EXCEPTION_POLICIES, policy_id, define_with_ids, precondition, check
    )


async def get_exception_policy(router: Router, policy_id: str) -> Stored[ExceptionPolicy]:
    """:raises NotFound: there is no such exception policy."""
    return await get_definition(router, EXCEPTION_POLICIES, policy_id)


async def list_exception_policies(
    router: Router, limit: int, continuation: str | None
) -> Page[Stored[ExceptionPolicy]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await list_definitions(router, EXCEPTION_POLICIES, limit, continuation)


async def delete_exception_policy(router: Router, policy_id: str) -> None:
    """:raises NotFound, InvalidReference: there is no such policy, or a queue uses it."""

    async def check_unused() -> None:
        queue = await find_definition(
            router, QUEUES, lambda queue: queue.exception_policy_id == policy_id
        )
        if queue is not None:
            raise InvalidReference(
                "QueueWithExceptionPolicyExist",
                f"The queue '{queue.id}' uses this exception policy.",
            )

    await delete_definition(router, EXCEPTION_POLICIES, policy_id, check_unused)


async def _check_references(router: Router, action: ExceptionAction, place: str) -> None:
    match action:
        case ReclassifyAction(classification_policy_id=str(policy_id)):
            target = f"{place}.classificationPolicyId"
            await require_known(router, CLASSIFICATION_POLICIES, policy_id, target)
        case ManualReclassifyAction(queue_id=str(queue_id)):
            await require_known(router, QUEUES, queue_id, f"{place}.queueId")
        case _:
            pass
