"""How long a job will wait in its queue, from what the queue did lately and what is in it now.

The model is explained in ``docs/explanation/wait-times.md``. Times are in seconds here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from shared.domain.limits import JOB_LIFETIME
from shared.domain.waiting import WaitingGroup

type Standing = tuple[bool, int]
"""Whether a job is expedited, and its priority: the greater one is served first."""

ASSUMED_HANDLE_TIME = 300.0
"""Of a queue that has not seen a job through yet."""

AVERAGED_HANDLE_TIMES = 2
"""Over so many handle times, in which jobs waited, the number of those in service is averaged."""

RECENT = 3600.0
"""Arrivals before this say nothing about those to come."""

CREDIT = 10
"""So many departures are imagined during which nobody overtook: few arrivals prove little."""

MOST_OVERTAKEN = 0.9
"""The largest share of the queue's service that later arrivals are believed to take away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A job that was assigned. ``ended_at``: when its worker was released, if it was."""

    standing: Standing
    enqueued_at: datetime
    assigned_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class QueueSnapshot:
    """``services``: the latest ones, in any order, as they were at ``seen_at``.

    ``in_service``: how many jobs hold a worker. ``idle``: how many workers could take another job
    of the queue at once.
    """

    now: datetime
    seen_at: datetime
    services: Sequence[Service]
    waiting: Sequence[WaitingGroup]
    in_service: int
    idle: int

    def wait(self, standing: Standing, ahead: int) -> timedelta:
        """The expected wait from now on of a job with so many waiting jobs ahead of it.

        It is finite, not negative, and no shorter for a job with more ahead.
        """
        needed = ahead + 1 - self.idle
        if needed <= 0:
            return self.answer_time
        departures = self._departure_rate * (1 - self._overtaken(standing))
        return _within_a_life(needed / departures)

    @cached_property
    def answer_time(self) -> timedelta:
        """How long the offer of a job takes to be accepted: what the luckier ones waited.

        After a rush even they waited for a worker, so it is never more than one departure takes.
        """
        waits = sorted(max(0.0, _seconds(s.assigned_at - s.enqueued_at)) for s in self.services)
        lower_quartile = waits[len(waits) // 4] if waits else 0.0
        return _within_a_life(min(lower_quartile, 1 / self._departure_rate))

    @cached_property
    def _departure_rate(self) -> float:
        """Jobs per second that leave for a worker while others wait."""
        return self._servers / self._handle_time

    @cached_property
    def _servers(self) -> float:
        """How many jobs of the queue are worked on at a time, from now on.

        At this moment they may be fewer than lately, since workers are just being offered their
        next job, or are shared with other queues and happen to be busy there. With none at all, one
        is taken to come.
        """
        return max(1.0, self.in_service + self.idle, self._servers_lately)

    @property
    def _servers_lately(self) -> float:
        """The mean number in service over the latest time in which jobs waited."""
        window = left = AVERAGED_HANDLE_TIMES * self._handle_time
        in_service = waiting = held = last = 0.0
        for ago, served, queued in sorted(self._changes()):
            if waiting:
                span = min(ago - last, left)
                held += in_service * span
                left -= span
            in_service, waiting, last = in_service + served, waiting + queued, ago
        return held / (window - left) if left < window else 0.0

    def _changes(self) -> Iterator[tuple[float, int, int]]:
        """Going back in time: seconds ago, then the change of how many are in service and wait."""
        for s in self.services:
            assigned = self._ago(s.assigned_at)
            yield self._ago(s.ended_at or self.seen_at), 1, 0
            yield assigned, -1, 1
            yield max(assigned, self._ago(s.enqueued_at)), 0, -1
        for group in self.waiting:
            yield 0.0, 0, 1
            yield self._ago(group.oldest), 0, -1

    def _ago(self, at: datetime) -> float:
        """Before the services were seen, and no longer than all of them are known."""
        return min(self._known, max(0.0, _seconds(self.seen_at - at)))

    @cached_property
    def _handle_time(self) -> float:
        """The mean time for which a job holds its worker, also of those that still do."""
        durations = [
            (
                max(0.0, _seconds((s.ended_at or self.seen_at) - s.assigned_at)),
                s.ended_at is not None,
            )
            for s in self.services
        ]
        return max(mean_duration(durations), 1.0)

    def _overtaken(self, standing: Standing) -> float:
        """The share of the departures that go to jobs which arrive later but are served before."""
        assigned = sum(s.standing > standing and self._is_recent(s) for s in self.services)
        waiting = sum(self._recently_arrived(group, standing) for group in self.waiting)
        rate = (assigned + waiting) / (self._window + CREDIT / self._departure_rate)
        return min(MOST_OVERTAKEN, rate / self._departure_rate)

    def _is_recent(self, service: Service) -> bool:
        return _seconds(self.seen_at - service.enqueued_at) <= self._window

    def _recently_arrived(self, group: WaitingGroup, standing: Standing) -> float:
        """How many jobs of the group arrived in the window, if they arrived evenly."""
        if (group.expedited, group.priority) <= standing or not self._window:
            return 0.0
        age = _seconds(self.now - group.oldest)
        return group.count * (1.0 if age <= self._window else self._window / age)

    @property
    def _window(self) -> float:
        """Seconds of which all arrivals are known, and say something about those to come."""
        return min(RECENT, self._known)

    @cached_property
    def _known(self) -> float:
        """Seconds since the first of the services."""
        first = min((s.assigned_at for s in self.services), default=self.seen_at)
        return max(0.0, _seconds(self.seen_at - first))


def mean_duration(durations: Iterable[tuple[float, bool]]) -> float:
    """The mean of durations of which some, those with ``False``, are not over yet.

    By Kaplan and Meier: the area under the curve of how many last how long. What lies beyond the
    longest duration is taken to be exponential. Without any that is over, they are taken to last
    for the assumed handle time from now on.
    """
    ordered = sorted(durations, key=lambda duration: (duration[0], not duration[1]))
    over = sum(is_over for _, is_over in ordered)
    if not over:
        elapsed = sum(seconds for seconds, _ in ordered) / max(1, len(ordered))
        return elapsed + ASSUMED_HANDLE_TIME
    lasting, area, last = 1.0, 0.0, 0.0
    for left, (seconds, is_over) in zip(range(len(ordered), 0, -1), ordered, strict=True):
        area += lasting * (seconds - last)
        last = seconds
        lasting *= 1 - is_over / left
    return area + lasting * sum(seconds for seconds, _ in ordered) / over


def _within_a_life(seconds: float) -> timedelta:
    """No longer than any job waits."""
    return timedelta(seconds=min(seconds, _seconds(JOB_LIFETIME)))


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()
