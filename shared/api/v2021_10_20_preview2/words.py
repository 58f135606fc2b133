"""Enumerations in the words of this version, and what each word means."""

from enum import StrEnum
from typing import Final

from shared.domain import labels, statuses
from shared.domain.distribution import DistributionModeKind


class JobStatus(StrEnum):
    """There is none of jobs that are set aside."""

    PENDING_CLASSIFICATION = "pendingClassification"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    CLASSIFICATION_FAILED = "classificationFailed"
    CREATED = "created"

    @classmethod
    def from_domain(cls, status: statuses.JobStatus) -> "JobStatus":
        """What is set aside is on its way to its queue, like what was just created."""
        return cls(status) if status in SAID_STATUSES else cls.CREATED


SAID_STATUSES: Final = frozenset(statuses.JobStatus(status) for status in JobStatus)
"""Those that have a word of their own."""


class LabelOperator(StrEnum):
    EQUAL = "equal"
    NOT_EQUAL = "notEqual"
    LESS_THAN = "lessThan"
    LESS_THAN_EQUAL = "lessThanEqual"
    GREATER_THAN = "greaterThan"
    GREATER_THAN_EQUAL = "greaterThanEqual"

    def to_domain(self) -> labels.LabelOperator:
        return _OPERATORS[self]

    @classmethod
    def from_domain(cls, operator: labels.LabelOperator) -> "LabelOperator":
        return _WORDS_OF_OPERATORS[operator]


_OPERATORS: Final = {
    LabelOperator.EQUAL: labels.LabelOperator.EQUAL,
    LabelOperator.NOT_EQUAL: labels.LabelOperator.NOT_EQUAL,
    LabelOperator.LESS_THAN: labels.LabelOperator.LESS_THAN,
    LabelOperator.LESS_THAN_EQUAL: labels.LabelOperator.LESS_THAN_OR_EQUAL,
    LabelOperator.GREATER_THAN: labels.LabelOperator.GREATER_THAN,
    LabelOperator.GREATER_THAN_EQUAL: labels.LabelOperator.GREATER_THAN_OR_EQUAL,
}
_WORDS_OF_OPERATORS: Final = {operator: word for word, operator in _OPERATORS.items()}


class DistributionModeWord(StrEnum):
    LONGEST_IDLE = "longest-idle"
    ROUND_ROBIN = "round-robin"
    BEST_WORKER = "best-worker"

    def to_domain(self) -> DistributionModeKind:
        return DistributionModeKind[self.name]

    @classmethod
    def from_domain(cls, kind: DistributionModeKind) -> "DistributionModeWord":
        return cls[kind.name]


MEMBERS: Final = {
    "queues": "queueAssignments",
    "queueSelectorAttachments": "queueSelectors",
    "workerSelectorAttachments": "workerSelectors",
}
"""What use cases, which speak the words of 2023-11-01, name as being at fault."""
