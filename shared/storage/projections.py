"""What stores index about a worker beyond its own members, computed at write time."""

from collections.abc import Iterable
from itertools import product

from shared.domain.workers import Worker


def capacity_by_channel(worker: Worker) -> dict[str, bool]:
    """The worker's channels, each with whether one more job of it would fit."""
    return {
        channel.channel_id: worker.has_capacity_for(channel.channel_id)
        for channel in worker.profile.channels
    }


def availability(worker: Worker) -> Iterable[tuple[str, str | None]]:
    """Every queue and channel for which ``Worker.is_available``.

    With them each queue alone (channel ``None``) in which the worker is available for any channel.
    """
    if not worker.may_get_offers:
        return ()
    free = [channel_id for channel_id, fits in capacity_by_channel(worker).items() if fits]
    return product(dict.fromkeys(worker.profile.queues), [*free, None] if free else [])
