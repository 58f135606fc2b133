"""How many events go in one request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.eventgrid.schemas import Envelope, encoded_size

_BETWEEN = 2
"""The comma and space after each event; those of the last stand for the array's brackets."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What Event Grid accepts in one request (Event Grid quotas and limits).

    The documented 1 MB is read as a million bytes, the lesser of its two meanings.
    """

    max_bytes: int = 1_000_000
    max_events: int = 5_000

    def allow(self, envelope: Envelope) -> bool:
        """Whether the event alone fits in a request."""
        return encoded_size(envelope) + _BETWEEN <= self.max_bytes


def split(envelopes: Iterable[Envelope], limits: RequestLimits) -> Iterator[list[Envelope]]:
    """The events in order, in as few lists as the limits allow; each must fit alone."""
    batch: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        added = encoded_size(envelope) + _BETWEEN
        if batch and (size + added > limits.max_bytes or len(batch) == limits.max_events):
            yield batch
            batch, size = [], 0
        batch.append(envelope)
        size += added
    if batch:
        yield batch
