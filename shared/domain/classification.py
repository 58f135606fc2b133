"""Classification policies: where a job belongs, how urgent it is, what it demands of workers.

A policy is evaluated in three parts, each of which may be missing: queue selectors find the queue,
else the fallback queue is taken; the prioritization rule gives the priority; worker selectors are
attached to those that the application requested (hosted service's documentation, job
classification).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.domain.labels import LabelOperator
from shared.domain.rules import Rule
from shared.domain.selectors import QueueSelector, WorkerSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticAttachment[S: (QueueSelector, WorkerSelector)]:
    """Attaches the selector as it is."""

    selector: S


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalAttachment[S: (QueueSelector, WorkerSelector)]:
    """Attaches all selectors if the condition is true."""

    condition: Rule
    selectors: tuple[S, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThroughAttachment:
    """Attaches a selector with the job's own label; none if the job has no such label.

    ``expires_after_seconds`` belongs to worker selectors.
    """

    key: str
    operator: LabelOperator
    expires_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAttachment:
    """Attaches the selectors that the rule gives."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation[S: (QueueSelector, WorkerSelector)]:
    """``weight``: the share of jobs that get these selectors, relative to the other weights."""

    weight: float
    selectors: tuple[S, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedAttachment[S: (QueueSelector, WorkerSelector)]:
    """Attaches the selectors of one allocation, drawn by weight."""

    allocations: tuple[Allocation[S], ...]


type Attachment[S: (QueueSelector, WorkerSelector)] = (
    StaticAttachment[S]
    | ConditionalAttachment[S]
    | PassThroughAttachment
    | RuleAttachment
    | WeightedAttachment[S]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationPolicy:
    id: str
    name: str | None = None
    fallback_queue_id: str | None = None
    queue_selector_attachments: tuple[Attachment[QueueSelector], ...] = ()
    prioritization_rule: Rule | None = None
    worker_selector_attachments: tuple[Attachment[WorkerSelector], ...] = ()

    def with_rules(self, change: Callable[[Rule], Rule]) -> "ClassificationPolicy":
        """The policy with each of its rules changed."""
        queues, workers = self.queue_selector_attachments, self.worker_selector_attachments
        rule = self.prioritization_rule
        return replace(
            self,
            queue_selector_attachments=tuple(_with_rule(queue, change) for queue in queues),
            prioritization_rule=change(rule) if rule is not None else None,
            worker_selector_attachments=tuple(_with_rule(worker, change) for worker in workers),
        )


def _with_rule[S: (QueueSelector, WorkerSelector)](
    attachment: Attachment[S], change: Callable[[Rule], Rule]
) -> Attachment[S]:
    match attachment:
        case ConditionalAttachment(condition=rule):
            return replace(attachment, condition=change(rule))
        case RuleAttachment(rule=rule):
            return replace(attachment, rule=change(rule))
        case _:
            return attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a policy says of a job. ``None``: nothing, what the job has stays."""

    policy_id: str
    queue_id: str | None = None
    priority: int | None = None
    worker_selectors: tuple[WorkerSelector, ...] = ()
