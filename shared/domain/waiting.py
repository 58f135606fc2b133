"""What waits in a queue, told in groups."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingGroup:
    """Jobs that wait in a queue and differ in nothing that decides their order but time.

    ``oldest``: ``enqueued_at`` of the one that has waited longest.
    """

    expedited: bool
    priority: int
    count: int
    oldest: datetime
