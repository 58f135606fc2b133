"""A circuit breaker: who does not answer is left alone for a while, and then tried once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.ports import Clock

MOST_FAILURES: Final = 3
"""In a row. Then the circuit opens."""

PAUSE: Final = timedelta(seconds=10)

type Endpoint = tuple[str, ...]


@dataclass(slots=True)
class _Circuit:
    """``open_until`` ``None``: it is closed, which means that calls may pass."""

    failures: int = 0
    open_until: datetime | None = None


class CircuitBreaker:
    """Of any number of endpoints. Knows only those that failed last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[Endpoint, _Circuit] = {}

    def lets_pass(self, endpoint: Endpoint) -> bool:
        """Whether it may be called. After each pause one caller may, as a trial for all."""
        circuit = self._circuits.get(endpoint)
        if circuit is None or circuit.open_until is None:
            return True
        now = self._clock()
        if now < circuit.open_until:
            return False
        # Nobody else until the trial has ended, or for as long again if nobody tells how.
        circuit.open_until = now + PAUSE
        return True

    def succeeded(self, endpoint: Endpoint) -> None:
        self._circuits.pop(endpoint, None)

    def failed(self, endpoint: Endpoint) -> None:
        circuit = self._circuits.setdefault(endpoint, _Circuit())
        circuit.failures += 1
        if circuit.failures >= MOST_FAILURES:
            circuit.open_until = self._clock() + PAUSE
