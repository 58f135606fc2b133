"""One label of all workers, as bitsets: which workers pass a condition on it."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from operator import or_

from shared.domain.labels import LabelOperator, Labels, LabelValue, is_number
from shared.matching.scoring import Condition, term_points

type LabelToken = tuple[bool, LabelValue]


def token(value: LabelValue) -> LabelToken:
    """Stands for a label value; equal, and of equal hash, as ``same_value`` has it."""
    return (type(value) is bool, value)


class LabelColumn:
    """The label ``key`` in ``labels``: all labels of each worker, by position.

    ``holders``: the positions of those who have it, ascending.
    """

    def __init__(self, key: str, labels: Sequence[Labels], holders: Iterable[int]) -> None:
        size = len(labels)
        octets = defaultdict[LabelToken, bytearray](lambda: bytearray(size // 8 + 1))
        for position in holders:
            value = labels[position][key]
            octets[type(value) is bool, value][position >> 3] |= 1 << (position & 7)
        self._everyone = (1 << size) - 1
        self._holders = {value: int.from_bytes(o, "little") for value, o in octets.items()}

    def passing(self, operator: LabelOperator, value: LabelValue) -> int:
        """Who passes ``operator value``."""
        if operator is LabelOperator.EQUAL:
            return self._holders.get(token(value), 0)
        if operator is LabelOperator.NOT_EQUAL:
            return self._everyone ^ self._holders.get(token(value), 0)
        return self._ordered(operator, value)

    def by_points(self, term: Condition) -> Mapping[float, int]:
        """Who gets how many points for a scoring term; who is in no set gets none."""
        _, operator, value, _ = term
        if operator in (LabelOperator.EQUAL, LabelOperator.NOT_EQUAL):
            return {1.0: self.passing(operator, value)}
        shares: defaultdict[float, int] = defaultdict(int)
        for (_, label), holders in self._holders.items():
            if points := term_points(label, term):
                shares[points] |= holders
        return shares

    def _ordered(self, operator: LabelOperator, value: LabelValue) -> int:
        if not is_number(value):
            return 0
        numbers, up_to = self._cumulative
        below, through = up_to[bisect_left(numbers, value)], up_to[bisect_right(numbers, value)]
        match operator:
            case LabelOperator.LESS_THAN:
                return below
            case LabelOperator.LESS_THAN_OR_EQUAL:
                return through
            case LabelOperator.GREATER_THAN:
                return up_to[-1] ^ through
            case _:
                return up_to[-1] ^ below

    @cached_property
    def _cumulative(self) -> tuple[list[float], list[int]]:
        """The numbers among the labels, ascending; and who holds one of the first 0, 1, ... n."""
        held = sorted((v, bits) for (_, v), bits in self._holders.items() if is_number(v))
        return [value for value, _ in held], [0, *accumulate((b for _, b in held), or_)]
