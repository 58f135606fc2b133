"""Evaluating a classification policy: the only part of routing that may ask other services."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from shared.domain.classification import (
    Allocation,
    Attachment,
    Classification,
    ClassificationPolicy,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.events import ClassificationError
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.queues import ID_LABEL, Queue
from shared.domain.rule_results import (
    UnusableResult,
    as_condition,
    as_priority,
    as_queue_selectors,
    as_worker_selectors,
)
from shared.domain.rules import Json, Rule
from shared.domain.selectors import QueueSelector, WorkerSelector
from shared.ports import RuleFailed
from shared.services.router import Router


class Unclassifiable(Exception):
    """The policy has no answer for the job."""

    def __init__(self, error: ClassificationError) -> None:
        super().__init__(error.message)
        self.error = error


async def classify(router: Router, job: Job, policy: ClassificationPolicy) -> Classification:
    """What the policy says of the job as it is.

    :raises Unclassifiable: a rule fails, or there is no queue for the job.
    """
    evaluation = _Evaluation(router, job)
    return Classification(
        policy_id=policy.id,
        queue_id=await evaluation.queue_id(policy),
        priority=await evaluation.priority(policy.prioritization_rule),
        worker_selectors=await evaluation.worker_selectors(policy.worker_selector_attachments),
    )


@dataclass(frozen=True, slots=True)
class _Kind[S: (QueueSelector, WorkerSelector)]:
    """What differs between the two sides. ``member``: of the policy, as the API calls it."""

    member: str
    of_label: Callable[[PassThroughAttachment, LabelValue], S]
    of_result: Callable[[Json], tuple[S, ...]]


_QUEUES = _Kind[QueueSelector](
    "queueSelectorAttachments",
    lambda attachment, value: QueueSelector(
        key=attachment.key, operator=attachment.operator, value=value
    ),
    as_queue_selectors,
)
_WORKERS = _Kind[WorkerSelector](
    "workerSelectorAttachments",
    lambda attachment, value: WorkerSelector(
        key=attachment.key,
        operator=attachment.operator,
        value=value,
        expires_after_seconds=attachment.expires_after_seconds,
    ),
    as_worker_selectors,
)


class _Evaluation:
    def __init__(self, router: Router, job: Job) -> None:
        self._router = router
        self._job = job

    async def queue_id(self, policy: ClassificationPolicy) -> str | None:
        """``None``: the policy leaves the job in the queue that it names or has."""
        selectors = await self._selectors(_QUEUES, policy.queue_selector_attachments)
        found = await self._best_queue(selectors) if selectors else None
        queue_id = found or policy.fallback_queue_id
        if queue_id is None and self._job.queue_id is None:
            raise Unclassifiable(
                ClassificationError(
                    code="NoQueueFound",
                    message="No queue matches the selectors, and there is no fallback queue.",
                    target=_QUEUES.member,
                )
            )
        return queue_id

    async def priority(self, rule: Rule | None) -> int | None:
        if rule is None:
            return None
        return await self._result(rule, as_priority, "prioritizationRule")

    async def worker_selectors(
        self, attachments: Sequence[Attachment[WorkerSelector]]
    ) -> tuple[WorkerSelector, ...]:
        return await self._selectors(_WORKERS, attachments)

    async def _best_queue(self, selectors: Sequence[QueueSelector]) -> str | None:
        """The queue that all selectors accept; of several, the first by id."""

        def accepted(queue: Queue) -> bool:
            labels = {**queue.labels, ID_LABEL: queue.id}
            return all(selector.accepts(labels) for selector in selectors)

        queues = self._router.definitions.queues
        named = _named(selectors)
        if named is None:
            found = await queues.find(accepted)
        else:
            found = await queues.get(named)
        return found.id if found is not None and accepted(found) else None

    async def _selectors[S: (QueueSelector, WorkerSelector)](
        self, kind: _Kind[S], attachments: Sequence[Attachment[S]]
    ) -> tuple[S, ...]:
        attached: list[S] = []
        for number, attachment in enumerate(attachments):
            target = f"{kind.member}[{number}]"
            attached += await self._attached(kind, attachment, target)
        return tuple(attached)

    async def _attached[S: (QueueSelector, WorkerSelector)](
        self, kind: _Kind[S], attachment: Attachment[S], target: str
    ) -> Sequence[S]:
        match attachment:
            case StaticAttachment(selector=selector):
                return (selector,)
            case ConditionalAttachment(condition=rule, selectors=selectors):
                holds = await self._result(rule, as_condition, f"{target}.condition")
                return selectors if holds else ()
            case PassThroughAttachment():
                value = self._job.definition.labels.get(attachment.key)
                return () if value is None else (kind.of_label(attachment, value),)
            case RuleAttachment(rule=rule):
                return await self._result(rule, kind.of_result, f"{target}.rule")
            case WeightedAttachment(allocations=allocations):
                return _drawn(allocations, self._router.draw())

    async def _result[R](self, rule: Rule, read: Callable[[Json], R], target: str) -> R:
        try:
            result = await self._router.rules.evaluate(rule, self._job.definition.labels)
            return read(result)
        except (RuleFailed, UnusableResult) as problem:
            raise Unclassifiable(
                ClassificationError(code="RuleFailed", message=str(problem), target=target)
            ) from problem


def _named(selectors: Sequence[QueueSelector]) -> str | None:
    """The queue that a selector names, which spares looking at all of them."""
    for selector in selectors:
        if selector.key == ID_LABEL and selector.operator is LabelOperator.EQUAL:
            return str(selector.value)
    return None


def _drawn[S: (QueueSelector, WorkerSelector)](
    allocations: Sequence[Allocation[S]], draw: float
) -> Sequence[S]:
    """``draw``: from 0 up to, but without, 1."""
    bounds = list(accumulate(allocation.weight for allocation in allocations))
    for bound, allocation in zip(bounds, allocations, strict=True):
        if draw * bounds[-1] < bound:
            return allocation.selectors
    return ()
