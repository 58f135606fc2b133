"""Which workers meet a condition of a job: an inverted index of their queues and labels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from shared.domain.labels import Labels
from shared.domain.workers import Worker
from shared.matching.bitsets import inverted
from shared.matching.label_column import LabelColumn
from shared.matching.scoring import Condition
from shared.matching.shares import Shares


class WorkerIndex:
    """Sets of workers as bitsets: bit ``i`` is the ``i``-th worker of the given order.

    Every part is built when it is first asked for.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._columns = _Columns([worker.profile.labels for worker in workers])
        self.meeting = _Meeting(self._columns)
        """Who meets a condition, by condition; every one can be looked up."""
        self._shares: dict[Condition, Shares] = {}

    def in_queue(self, queue_id: str) -> int:
        return self._queues.get(queue_id, 0)

    def shares(self, term: Condition) -> Shares:
        """Who gets how many points for a scoring term."""
        shares = self._shares.get(term)
        if shares is None:
            shares = self._shares[term] = Shares(self._columns[term[0]].by_points(term))
        return shares

    @cached_property
    def _queues(self) -> Mapping[str, int]:
        return inverted(set(worker.profile.queues) for worker in self._workers)


class _Columns(dict[str, LabelColumn]):
    """The column of a label is built when it is first looked up."""

    def __init__(self, labels: Sequence[Labels]) -> None:
        super().__init__()
        self._labels = labels

    def __missing__(self, key: str) -> LabelColumn:
        holders = self._holders.get(key, ())
        column = self[key] = LabelColumn(key, self._labels, holders)
        return column

    @cached_property
    def _holders(self) -> Mapping[str, Sequence[int]]:
        """Who has a label, by its key."""
        holders: defaultdict[str, list[int]] = defaultdict(list)
        for position, labels in enumerate(self._labels):
            for key in labels:
                holders[key].append(position)
        return holders


class _Meeting(dict[Condition, int]):
    """A condition is evaluated when it is first looked up."""

    def __init__(self, columns: Mapping[str, LabelColumn]) -> None:
        super().__init__()
        self._columns = columns

    def __missing__(self, condition: Condition) -> int:
        key, operator, value, _ = condition
        meeting = self[condition] = self._columns[key].passing(operator, value)
        return meeting
