"""How the points for one scoring term are shared out among the workers."""

from collections.abc import Mapping
from itertools import pairwise

CLOSE = 1e-9
"""Points further apart make different scores: rounding changes the mean of thousands by less."""


class Shares:
    """Who gets how many points; who is in no set gets none."""

    def __init__(self, by_points: Mapping[float, int]) -> None:
        self.by_points = dict(sorted(by_points.items(), reverse=True))
        """Most points first."""
        self.decide = all(more - less > CLOSE for more, less in pairwise([*self.by_points, 0.0]))
        """Whether of workers with equal points otherwise the one with more points here is better:
        points so close that rounding might give two workers the same score do not decide."""

    def best_among(self, workers: int) -> int:
        """Those of the workers who get the most points."""
        for holders in self.by_points.values():
            if best := workers & holders:
                return best
        return workers
