"""How the local topic delivers events."""

from dataclasses import dataclass

from infra.local.topic.store import BatchLimits


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How events are delivered. All times are in seconds.

    `retry_delays` are the waits after each failed attempt, the last one repeating. Event Grid
    waits 10 s, 30 s, 1, 5, 10 and 30 min, 1, 3 and 6 h, then 12 h; the local topic begins
    sooner, since the webhook of a developer is often just restarting. An event is dead-lettered
    after `max_attempts`, or once it would be older than `time_to_live`.

    CloudEvents go one to a POST in the single-event format unless `max_cloud_events` is more
    than 1; then always in the batch format, so that a webhook sees one format only.

    A lane that waited `patience` for an answer goes on with the next events while the slow POST
    is still open, as long as no more than `max_open_posts` are.
    """

    retry_delays: tuple[float, ...] = (
        *(1, 5, 10, 30, 60, 300, 600, 1_800, 3_600),
        *(10_800, 21_600, 43_200),
    )
    max_attempts: int = 30
    time_to_live: float = 86_400
    answer_timeout: float = 30
    validation_delays: tuple[float, ...] = (1, 2, 5, 10, 30)
    max_events: int = 50
    max_cloud_events: int = 1
    max_bytes: int = 1_048_576
    patience: float = 1
    max_open_posts: int = 8
    poll_interval: float = 1
    lease: float = 5
    sweep_interval: float = 5
    stop_grace: float = 2
    kept_events: int = 10_000

    def retry_delay(self, attempts: int) -> float:
        """The wait after this many failed attempts."""
        return self.retry_delays[min(attempts, len(self.retry_delays)) - 1]

    def validation_delay(self, attempts: int) -> float:
        """The wait after this many failed handshakes."""
        return self.validation_delays[min(attempts, len(self.validation_delays)) - 1]

    @property
    def limits(self) -> BatchLimits:
        """What one POST may hold."""
        return BatchLimits(self.max_events, self.max_cloud_events, self.max_bytes)
