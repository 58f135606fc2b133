"""How many events go in one request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.eventgrid.schemas import Encoded

_BETWEEN = b","
_BRACKETS = 2


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What Event Grid accepts in one request (Event Grid quotas and limits).

    The documented 1 MB is read as a million bytes, the lesser of its two meanings.
    """

    max_bytes: int = 1_000_000
    max_events: int = 5_000

    def allow(self, event: Encoded) -> bool:
        """Whether the event alone fits in a request."""
        return len(event) + _BRACKETS <= self.max_bytes


def split(events: Iterable[Encoded], limits: RequestLimits) -> Iterator[list[Encoded]]:
    """The events in order, in as few lists as the limits allow; each must fit alone."""
    batch: list[Encoded] = []
    size = _BRACKETS
    for event in events:
        added = len(event) + (len(_BETWEEN) if batch else 0)
        if batch and (size + added > limits.max_bytes or len(batch) == limits.max_events):
            yield batch
            batch, size, added = [], _BRACKETS, len(event)
        batch.append(event)
        size += added
    if batch:
        yield batch


def request_body(batch: Iterable[Encoded]) -> bytes:
    """The events as one JSON array."""
    return b"[" + _BETWEEN.join(batch) + b"]"
