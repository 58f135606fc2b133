"""What waiting jobs ask of one label, as bitsets: which jobs a worker is excluded from by it."""

from collections.abc import Hashable, Sequence

from shared.domain.labels import LabelOperator, satisfies
from shared.domain.selectors import WorkerSelector
from shared.matching.label_column import LabelToken, token

REMEMBERED_LABELS = 32
"""For so many values of the label it is remembered who fails; enough for levels and regions."""


class Demands:
    """Bit ``i`` of every set is the job in slot ``i``."""

    __slots__ = ("_any_value", "_equal", "_not_equal", "_ordered", "known")

    def __init__(self) -> None:
        self._any_value = 0
        """The jobs that ask for a certain value, whichever."""
        self._equal: dict[LabelToken | None, int] = {}
        self._not_equal: dict[LabelToken | None, int] = {}
        self._ordered: dict[tuple[LabelOperator, LabelToken], int] = {}
        self.known: dict[LabelToken | None, int] = {}
        """What ``failed_by`` has found, kept up to date."""

    def flip(self, job: int, selectors: Sequence[WorkerSelector]) -> None:
        """Note that the job asks this of the label, or that it does no longer."""
        self._correct_known(job, selectors)
        asked = {(selector.operator, token(selector.value)) for selector in selectors}
        equal = [value for operator, value in asked if operator is LabelOperator.EQUAL]
        if equal:
            self._any_value ^= job
        if len(equal) == 1:  # A job that asks for two values at once gets no worker.
            flip(self._equal, equal[0], job)
        for operator, value in asked:
            if operator is LabelOperator.NOT_EQUAL:
                flip(self._not_equal, value, job)
            elif operator is not LabelOperator.EQUAL:
                flip(self._ordered, (operator, value), job)

    def failed_by(self, label: LabelToken | None) -> int:
        """The jobs of which a worker with this label (``None``: without) fails a condition."""
        if len(self.known) >= REMEMBERED_LABELS:
            self.known.clear()
        failed = self.known[label] = self._evaluate(label)
        return failed

    def _correct_known(self, job: int, selectors: Sequence[WorkerSelector]) -> None:
        for label, failed in self.known.items():
            value = None if label is None else label[1]
            if not all(satisfies(value, s.operator, s.value) for s in selectors):
                self.known[label] = failed ^ job

    def _evaluate(self, label: LabelToken | None) -> int:
        failed = self._any_value ^ self._equal.get(label, 0) | self._not_equal.get(label, 0)
        value = None if label is None else label[1]
        for (operator, (_, bound)), jobs in self._ordered.items():
            if not satisfies(value, operator, bound):
                failed |= jobs
        return failed


def flip[K: Hashable](sets: dict[K, int], key: K, bit: int) -> None:
    """Add the bit to the set of the key or, if it is there, remove it; no set stays empty."""
    flipped = sets.pop(key, 0) ^ bit
    if flipped:
        sets[key] = flipped
