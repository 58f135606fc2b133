"""How far estimated waits are from those that follow, by simulation.

    python -m benchmarks.wait_times [--json]

Each shape is a queue with its arrivals, staff and handle times, simulated event by event with
seeded chance. Every job asks for its estimate as it arrives, with what the store would tell: the
latest 100 services, as they were up to 30 seconds ago, what waits, how many are in service, how
many workers are idle. Told are, in
minutes and over all jobs of a shape: the mean wait; the mean absolute error; the bias (the mean of
estimate less wait). The estimates are not rounded up. Beside it, the naive formula: jobs ahead
times mean handle time of the jobs that were closed, by workers on duty.

Much of the error is chance that no formula can know: how long the jobs ahead will take, and who
comes or leaves. ``floor`` is the mean absolute error of the same formula with the true mean handle
time, number of servers and share of overtaking arrivals, where these are constant.
"""

import argparse
import json
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import log, nan, sqrt
from statistics import fmean

from shared.domain.waiting import WaitingGroup
from shared.matching.wait_times import QueueSnapshot, Service
from shared.services.recent_services import MOST_SERVICES, REMEMBERED_FOR, Seen

START = datetime(2026, 1, 5, tzinfo=UTC)
WARM_UP = 60.0
"""Minutes at the beginning, whose jobs are not counted."""

SEEDS = (1, 2)
ACCEPTING = 0.1
"""Mean minutes from an offer until it is accepted."""

MEASURED_QUEUE = 0

type Chance = random.Random
type Result = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Stream:
    """Jobs that arrive at random: ``rate`` a minute at a given minute, never above ``peak``."""

    peak: float
    priority: int = 1
    queue: int = MEASURED_QUEUE
    rate: Callable[[float], float] | None = None

    def arrivals(self, chance: Chance, until: float) -> Iterable[tuple[float, int, int]]:
        at = chance.expovariate(self.peak)
        while at < until:
            if self.rate is None or chance.random() * self.peak < self.rate(at):
                yield at, self.queue, self.priority
            at += chance.expovariate(self.peak)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """``staff``: how many workers are on duty from which minute on. ``handle``: mean minutes.

    ``variation``: standard deviation of handle times by their mean. ``burst``: minutes between two
    of them, and so many jobs within one minute each.
    """

    name: str
    minutes: float
    streams: tuple[Stream, ...]
    staff: tuple[tuple[float, int], ...]
    handle: float = 5.0
    variation: float = 1.0
    burst: tuple[float, int] | None = None
    floor: bool = False

    def arrivals(self, chance: Chance) -> list[tuple[float, int, int]]:
        found = [a for stream in self.streams for a in stream.arrivals(chance, self.minutes)]
        if self.burst is not None:
            every, size = self.burst
            for number in range(1, int(self.minutes / every)):
                found += [(number * every + chance.random(), 0, 1) for _ in range(size)]
        return sorted(found)

    def handle_time(self, chance: Chance) -> float:
        """Exponential if the variation is 1, otherwise log-normal."""
        if self.variation == 1:
            return chance.expovariate(1 / self.handle)
        spread = log(1 + self.variation**2)
        return chance.lognormvariate(log(self.handle) - spread / 2, sqrt(spread))

    def overtaking(self, priority: int) -> float:
        """The share of the staff's time that arrivals of higher priority take."""
        higher = sum(s.peak for s in self.streams if s.priority > priority)
        return higher * (self.handle + ACCEPTING) / self.staff[0][1]


SHAPES = (
    Shape(
        name="steady, 10 workers, 95 % busy",
        minutes=1500,
        streams=(Stream(1.86),),
        staff=((0, 10),),
        floor=True,
    ),
    Shape(
        name="steady, 10 workers, 70 % busy",
        minutes=1500,
        streams=(Stream(1.37),),
        staff=((0, 10),),
        floor=True,
    ),
    Shape(
        name="few workers: 2, 85 % busy",
        minutes=4000,
        streams=(Stream(0.33),),
        staff=((0, 2),),
        floor=True,
    ),
    Shape(
        name="one worker, 80 % busy",
        minutes=6000,
        streams=(Stream(0.157),),
        staff=((0, 1),),
        floor=True,
    ),
    Shape(
        name="many workers: 60, 98 % busy",
        minutes=300,
        streams=(Stream(11.5),),
        staff=((0, 60),),
        floor=True,
    ),
    Shape(
        name="short jobs of 30 s, 3 workers",
        minutes=600,
        streams=(Stream(4.5),),
        staff=((0, 3),),
        handle=0.5,
        floor=True,
    ),
    Shape(
        name="bursts of 30 jobs, 5 workers",
        minutes=2400,
        streams=(Stream(0.2),),
        staff=((0, 5),),
        burst=(60, 30),
        floor=True,
    ),
    Shape(
        name="bursts, even handle times",
        minutes=2400,
        streams=(Stream(0.2),),
        staff=((0, 5),),
        burst=(60, 30),
        variation=0.4,
        floor=True,
    ),
    Shape(
        name="two priorities, a third high",
        minutes=2400,
        streams=(Stream(0.54, priority=9), Stream(0.93)),
        staff=((0, 8),),
        floor=True,
    ),
    Shape(
        name="two priorities, most high",
        minutes=2400,
        streams=(Stream(1.08, priority=9), Stream(0.39)),
        staff=((0, 8),),
        variation=0.7,
        floor=True,
    ),
    Shape(
        name="staff of 10, 5, 12, 4, 12, 6, 12",
        minutes=1500,
        streams=(Stream(1.47),),
        staff=((0, 10), (300, 5), (400, 12), (700, 4), (800, 12), (1100, 6), (1180, 12)),
    ),
    Shape(
        name="busy days, quiet nights",
        minutes=2880,
        streams=(Stream(2.05, rate=lambda at: 2.05 if at % 1440 < 600 else 0.05),),
        staff=((0, 10),),
        variation=0.8,
    ),
    Shape(
        name="workers shared with another queue",
        minutes=1500,
        streams=(Stream(0.98), Stream(0.88, queue=1)),
        staff=((0, 10),),
    ),
    Shape(
        name="a sixth of shared workers",
        minutes=3000,
        streams=(Stream(0.29), Stream(1.57, queue=1)),
        staff=((0, 10),),
    ),
)


@dataclass(slots=True, eq=False)
class Ticket:
    """A job in the simulation; times in minutes."""

    queue: int
    priority: int
    arrived: float
    assigned: float = nan
    closed: float | None = None
    worker: int = -1
    estimates: dict[str, float] = field(default_factory=dict)

    @property
    def wait(self) -> float:
        return self.assigned - self.arrived

    @property
    def order(self) -> tuple[int, float]:
        return (-self.priority, self.arrived)


class Simulation:
    """Workers take the best job of all queues; who is to leave finishes the job at hand."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._chance = random.Random(seed)
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._unoffered: list[tuple[tuple[int, float], int, Ticket]] = []
        self._waiting: list[Ticket] = []
        self._served: deque[Ticket] = deque(maxlen=MOST_SERVICES)
        self._in_service = 0
        self._closed: deque[float] = deque(maxlen=MOST_SERVICES)
        self._idle: list[int] = []
        self._on_duty: list[int] = []
        self._now = 0.0
        self._seen = Seen(START - REMEMBERED_FOR, ())
        self.tickets: list[Ticket] = []

    def run(self) -> "Simulation":
        for at, queue, priority in self._shape.arrivals(self._chance):
            self._schedule(at, partial(self._arrive, Ticket(queue, priority, at)))
        for since, workers in self._shape.staff:
            self._schedule(since, partial(self._staff, workers))
        while self._events:
            self._now, _, happen = heappop(self._events)
            happen()
        return self

    def _schedule(self, at: float, happen: Callable[[], None]) -> None:
        heappush(self._events, (at, next(self._numbers), happen))

    def _arrive(self, ticket: Ticket) -> None:
        if ticket.queue == MEASURED_QUEUE:
            self._estimate(ticket)
            self._waiting.append(ticket)
        heappush(self._unoffered, (ticket.order, next(self._numbers), ticket))
        self._offer()

    def _staff(self, workers: int) -> None:
        leaving, self._on_duty = self._on_duty[workers:], self._on_duty[:workers]
        self._idle = [worker for worker in self._idle if worker not in leaving]
        new = [next(self._numbers) for _ in range(workers - len(self._on_duty))]
        self._on_duty += new
        self._idle += new
        self._offer()

    def _offer(self) -> None:
        while self._idle and self._unoffered:
            _, _, ticket = heappop(self._unoffered)
            ticket.worker = self._idle.pop(0)
            accepted = self._now + self._chance.expovariate(1 / ACCEPTING)
            self._schedule(accepted, partial(self._accept, ticket))

    def _accept(self, ticket: Ticket) -> None:
        ticket.assigned = self._now
        if ticket.queue == MEASURED_QUEUE:
            self._waiting.remove(ticket)
            self._served.append(ticket)
            self._in_service += 1
        closed = self._now + self._shape.handle_time(self._chance)
        self._schedule(closed, partial(self._close, ticket))

    def _close(self, ticket: Ticket) -> None:
        ticket.closed = self._now
        if ticket.queue == MEASURED_QUEUE:
            self._in_service -= 1
            self._closed.append(ticket.closed - ticket.assigned)
        if ticket.worker in self._on_duty:
            self._idle.append(ticket.worker)
        self._offer()

    # -- estimates ----------------------------------------------------------------------------

    def _estimate(self, ticket: Ticket) -> None:
        if self._now < WARM_UP:
            return
        ahead = sum(other.order <= ticket.order for other in self._waiting)
        ticket.estimates = {
            "estimate": self._snapshot().wait((False, ticket.priority), ahead)
            / timedelta(minutes=1),
            "naive": self._naive(ahead),
            "floor": self._informed(ticket, ahead) if self._shape.floor else nan,
        }
        self.tickets.append(ticket)

    def _snapshot(self) -> QueueSnapshot:
        now = _time(self._now)
        if now >= self._seen.at + REMEMBERED_FOR:
            self._seen = Seen(now, [_service(ticket) for ticket in self._served])
        return QueueSnapshot(
            now=now,
            seen_at=self._seen.at,
            services=self._seen.services,
            waiting=_groups(self._waiting),
            in_service=self._in_service,
            idle=len(self._idle),
        )

    def _naive(self, ahead: int) -> float:
        handle = fmean(self._closed) if self._closed else 5.0
        return ahead * handle / max(1, len(self._on_duty))

    def _informed(self, ticket: Ticket, ahead: int) -> float:
        """With what only the simulation knows."""
        needed = ahead + 1 - len(self._idle)
        if needed <= 0:
            return ACCEPTING
        departures = len(self._on_duty) / (self._shape.handle + ACCEPTING)
        return needed / departures / (1 - self._shape.overtaking(ticket.priority))


def _service(ticket: Ticket) -> Service:
    return Service(
        standing=(False, ticket.priority),
        enqueued_at=_time(ticket.arrived),
        assigned_at=_time(ticket.assigned),
        ended_at=None if ticket.closed is None else _time(ticket.closed),
    )


def _groups(waiting: Sequence[Ticket]) -> list[WaitingGroup]:
    counts = Counter(ticket.priority for ticket in waiting)
    oldest = {t.priority: t.arrived for t in sorted(waiting, key=lambda t: -t.arrived)}
    return [
        WaitingGroup(expedited=False, priority=p, count=n, oldest=_time(oldest[p]))
        for p, n in sorted(counts.items(), reverse=True)
    ]


def _time(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def measure(shape: Shape, seeds: Sequence[int] = SEEDS) -> Result:
    tickets = [t for seed in seeds for t in Simulation(shape, seed).run().tickets]
    return {
        "shape": shape.name,
        "jobs": len(tickets),
        "wait": fmean(t.wait for t in tickets),
        **_errors(tickets, "estimate"),
        **_errors(tickets, "naive"),
        "floor_error": fmean(abs(t.estimates["floor"] - t.wait) for t in tickets),
    }


def _errors(tickets: Sequence[Ticket], name: str) -> Mapping[str, float]:
    errors = [ticket.estimates[name] - ticket.wait for ticket in tickets]
    return {f"{name}_error": fmean(map(abs, errors)), f"{name}_bias": fmean(errors)}


def table(results: Iterable[Result]) -> str:
    head = f"{'minutes':34} {'jobs':>6} {'wait':>6} {'error':>6} {'bias':>6}"
    lines = [f"{head} {'naive error':>12} {'bias':>6} {'floor':>6}"]
    for r in results:
        floor = f"{r['floor_error']:6.2f}" if r["floor_error"] == r["floor_error"] else "     -"
        lines.append(
            f"{r['shape']:34} {r['jobs']:6} {r['wait']:6.2f}"
            f" {r['estimate_error']:6.2f} {r['estimate_bias']:+6.2f}"
            f" {r['naive_error']:12.2f} {r['naive_bias']:+6.2f} {floor}"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    results = [measure(shape) for shape in SHAPES]
    if not as_json:
        sys.stdout.write(table(results))
        return
    for result in results:
        known = {name: value for name, value in result.items() if value == value}
        sys.stdout.write(json.dumps(known) + "\n")


if __name__ == "__main__":
    main()
