"""What the hosted service does in these cases no source tells, and applications may rely on either.

The defaults are the answers that lose nothing by mistake.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """``close_completes``: to close an assigned job completes it first, instead of being refused.

    ``cancels_assigned``: a job that a worker has can be cancelled. ``deletes_busy_workers``: a
    worker with assigned jobs can be deleted; they stay assigned to it.
    """

    close_completes: bool = False
    cancels_assigned: bool = True
    deletes_busy_workers: bool = False


DEFAULT_BEHAVIOUR = Behaviour()
