"""The outcome of creating or changing something by id."""

from dataclasses import dataclass

from shared.ports import Stored


@dataclass(frozen=True, slots=True)
class Upserted[D]:
    """``stored.value`` is what to answer: for a new job, the job as received."""

    stored: Stored[D]
    created: bool
