"""What workers have room for, as it is after the offers planned so far."""

from math import inf

from shared.domain.workers import Worker


class Load:
    """What one registered worker holds: work, open offers and planned ones; and what would fit.

    Says after every planned offer what :class:`Worker` would say after ``reserve``.
    """

    __slots__ = ("_capacity", "_consumed", "_held", "_offers_left", "open_channels")

    def __init__(self, worker: Worker) -> None:
        profile = worker.profile
        limit = profile.max_concurrent_offers
        self._capacity = profile.capacity
        self._consumed = 0
        self._offers_left = inf if limit is None else limit
        self._held: dict[str, int] = {}
        for held in worker.reservations:
            self._hold(held.channel_id, held.capacity_cost, held.is_offer)
        # Of two channels with one id the first counts, as for Worker.channel.
        self.open_channels = {c.channel_id: c for c in reversed(profile.channels)}
        self._close_full_channels()

    @property
    def ratio(self) -> float:
        """As ``Worker.load_ratio``."""
        return min(1.0, self._consumed / self._capacity) if self._capacity > 0 else 1.0

    def take(self, channel_id: str) -> list[str]:
        """Plan an offer in an open channel; which channels close by it."""
        self._hold(channel_id, self.open_channels[channel_id].capacity_cost_per_job, True)
        return self._close_full_channels()

    def _hold(self, channel_id: str, cost: int, is_offer: bool) -> None:
        self._consumed += cost
        self._offers_left -= is_offer
        self._held[channel_id] = self._held.get(channel_id, 0) + 1

    def _close_full_channels(self) -> list[str]:
        free = self._capacity - self._consumed if self._offers_left > 0 else -inf
        full = [
            id
            for id, channel in self.open_channels.items()
            if channel.capacity_cost_per_job > free
            or (
                channel.max_number_of_jobs is not None
                and self._held.get(id, 0) >= channel.max_number_of_jobs
            )
        ]
        for id in full:
            del self.open_channels[id]
        return full
