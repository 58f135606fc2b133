"""Which workers pass a job's selectors: an inverted index of their queues and labels."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from shared.domain.selectors import WorkerSelector
from shared.domain.workers import Worker
from shared.matching.bitsets import inverted
from shared.matching.label_column import LabelColumn
from shared.matching.scoring import Condition, condition


class WorkerIndex:
    """Sets of workers as bitsets: bit ``i`` is the ``i``-th worker of the given order.

    Every part is built when it is first asked for.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._labels = [worker.profile.labels for worker in workers]
        self._columns: dict[str, LabelColumn] = {}
        self._passing: dict[Condition, int] = {}
        self._by_points: dict[Condition, Mapping[float, int]] = {}

    def in_queue(self, queue_id: str) -> int:
        return self._queues.get(queue_id, 0)

    def passing(self, among: int, selectors: Iterable[WorkerSelector]) -> int:
        """Those among the given workers who pass every active selector."""
        known = self._passing
        for s in selectors:
            if s.is_active:
                passing = known.get((s.key, s.operator, s.value, type(s.value)))
                among &= self._evaluate(s) if passing is None else passing
                if not among:
                    break
        return among

    def column(self, key: str) -> LabelColumn:
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = LabelColumn(key, self._labels)
        return column

    def by_points(self, term: Condition) -> Mapping[float, int]:
        """As ``LabelColumn.by_points``."""
        shares = self._by_points.get(term)
        if shares is None:
            shares = self._by_points[term] = self.column(term[0]).by_points(term)
        return shares

    def _evaluate(self, selector: WorkerSelector) -> int:
        passing = self.column(selector.key).passing(selector.operator, selector.value)
        self._passing[condition(selector)] = passing
        return passing

    @cached_property
    def _queues(self) -> Mapping[str, int]:
        return inverted(set(worker.profile.queues) for worker in self._workers)
