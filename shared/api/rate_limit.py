"""How many requests a process answers in a while."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from shared.api.errors import TooManyRequests

PERIOD: Final = timedelta(seconds=10)
MAX_REQUESTS: Final = 100_000
"""In a period: a process does not reach it, and the time of each one is kept."""

_NO_TIME: Final = timedelta()


class RateLimit:
    """At most so many requests in any ``PERIOD``; 0: any number."""

    def __init__(self, requests: int) -> None:
        self._admitted: deque[datetime] = deque(maxlen=requests)

    def admit(self, now: datetime) -> None:
        """Count a request that comes now. One that is refused does not count.

        :raises TooManyRequests: with the time after which there is room for one.
        """
        limit = self._admitted.maxlen
        if not limit:
            return
        if len(self._admitted) == limit:
            age = now - self._admitted[0]
            # A clock that was set back must not lock everybody out: a new count begins.
            if _NO_TIME <= age < PERIOD:
                raise TooManyRequests(limit, PERIOD, PERIOD - age)
        self._admitted.append(now)
