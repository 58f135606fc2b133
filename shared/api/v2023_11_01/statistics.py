"""Statistics of queues and positions of jobs on the wire."""

from datetime import timedelta
from math import ceil

from shared.api.merge_patch import JsonObject
from shared.api.wire import present
from shared.services.statistics import JobPosition, QueueStatistics

_MINUTE = timedelta(minutes=1)


def queue_statistics(statistics: QueueStatistics) -> JsonObject:
    longest = statistics.longest_wait
    return present(
        queueId=statistics.queue_id,
        length=statistics.length,
        estimatedWaitTimeMinutes={
            str(priority): _whole_minutes(wait)
            for priority, wait in statistics.expected_waits.items()
        },
        longestJobWaitTimeMinutes=None if longest is None else round(longest / _MINUTE, 3),
    )


def job_position(position: JobPosition) -> JsonObject:
    return present(
        jobId=position.job_id,
        position=position.position,
        queueId=position.queue_id,
        queueLength=position.queue_length,
        estimatedWaitTimeMinutes=_whole_minutes(position.expected_wait),
    )


def _whole_minutes(duration: timedelta) -> int:
    """Rounded up."""
    return ceil(duration / _MINUTE)
