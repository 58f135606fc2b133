"""The time of the double, which tests may move ahead."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _real_time() -> datetime:
    return datetime.now(UTC)


class MovableClock:
    """Goes as another clock does: as the real one, unless there is one to follow."""

    def __init__(self, followed: Callable[[], datetime] = _real_time) -> None:
        self._followed = followed
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._followed() + self._ahead

    def forward(self, **duration: float) -> None:
        """Moves the clock ahead, by the keywords of ``timedelta``."""
        self._ahead += timedelta(**duration)
