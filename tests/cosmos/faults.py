"""Faults that a test has the double make: errors, lost connections, silence, slowness."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.cosmos.documents import Json
from tests.cosmos.messages import Operation, Request


@dataclass(frozen=True, slots=True)
class Answer:
    """An error instead of the answer; ``applied``: after the request was carried out all the same.

    ``retry_after`` in seconds, for 429.
    """

    status: int
    sub_status: int | None = None
    retry_after: float | None = None
    applied: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks without an answer."""

    applied: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, and an open connection until the client gives up."""

    applied: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """The request waits before it is carried out, as it is even if the client has given up."""

    seconds: float


type Effect = Answer | Drop | Hang | Delay


class Fault:
    """Strikes up to ``times`` requests that match, after letting ``skip`` of them pass."""

    def __init__(
        self, effect: Effect, matches: Callable[[Operation, Request], bool], times: int, skip: int
    ) -> None:
        self.effect = effect
        self.struck = 0
        self._matches = matches
        self._times = times
        self._skip = skip

    def strikes(self, operation: Operation, request: Request) -> bool:
        if self.struck == self._times or not self._matches(operation, request):
            return False
        if self._skip:
            self._skip -= 1
            return False
        self.struck += 1
        return True


class Faults:
    """May be added to from any thread."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        effect: Effect,
        *operations: Operation,
        container: str | None = None,
        partition: Json = None,
        times: int = 1,
        skip: int = 0,
    ) -> Fault:
        """Without operations: of any operation; so for a container and a partition key value."""

        def matches(operation: Operation, request: Request) -> bool:
            return (
                (not operations or operation in operations)
                and container in (None, request.container)
                and (partition is None or request.partition_value == partition)
            )

        fault = Fault(effect, matches, times, skip)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def striking(self, operation: Operation, request: Request) -> Effect | None:
        """What befalls this request: the effect of the first fault, by age, that strikes it."""
        with self._lock:
            struck = (each for each in self._faults if each.strikes(operation, request))
            fault = next(struck, None)
        return fault.effect if fault else None
