"""Queues: where jobs wait."""

from dataclasses import dataclass, field

from shared.domain.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    id: str
    distribution_policy_id: str
    name: str | None = None
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDetails:
    """What worker events tell about a queue."""

    id: str
    name: str | None = None
    labels: Labels = field(default_factory=dict)


def describe(queue: Queue) -> QueueDetails:
    return QueueDetails(id=queue.id, name=queue.name, labels=queue.labels)
