"""Queues: where jobs wait."""

from dataclasses import dataclass, field

from shared.domain.labels import Labels

ID_LABEL = "Id"
"""The label by which the router itself names a queue or a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    id: str
    distribution_policy_id: str
    name: str | None = None
    labels: Labels = field(default_factory=dict)
    exception_policy_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDetails:
    """What worker events tell about a queue."""

    id: str
    name: str | None = None
    labels: Labels = field(default_factory=dict)


def describe(queue: Queue) -> QueueDetails:
    return QueueDetails(id=queue.id, name=queue.name, labels=queue.labels)
