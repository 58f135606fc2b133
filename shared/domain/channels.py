"""Channels: the kinds of work a worker handles and what one job of each costs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """``max_number_of_jobs`` caps offers plus assignments in this channel (``None``: no cap)."""

    channel_id: str
    capacity_cost_per_job: int
    max_number_of_jobs: int | None = None
