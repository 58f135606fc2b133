"""The dead-letter file: one JSON object a line, for events that could not be delivered."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from infra.local.topic.schema import Event, EventSchema, JsonObject, serialize, timestamp
from infra.local.topic.store import Attempt


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event given up for one webhook, after some attempts or none."""

    event: Event
    webhook: str
    reason: str
    published_at: float
    attempts: int
    last_attempt: Attempt | None


class DeadLetterFile:
    """Appends durably. Several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Write the letters and sync the file.

        :raises OSError: not all of them are on the disk.
        """
        lines = "".join(f"{serialize(_record(letter))}\n" for letter in letters)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b", buffering=0) as file:
            content = _line_break_if_torn(file) + lines.encode("ascii")
            # One write, so that the lines of several processes do not mix.
            if file.write(content) != len(content):
                raise OSError(f"The disk took only a part of the dead letters: {self._path}")
            os.fsync(file.fileno())


def _line_break_if_torn(file: BinaryIO) -> bytes:
    """What ends a line that a crash left unfinished."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _record(letter: DeadLetter) -> JsonObject:
    """The event with Event Grid's dead-letter members; CloudEvents names are in lower case."""
    members = {
        "deadLetterReason": letter.reason,
        "deliveryAttempts": letter.attempts,
        "publishTime": timestamp(letter.published_at),
        "webhook": letter.webhook,
    }
    if letter.last_attempt is not None:
        members["lastDeliveryOutcome"] = letter.last_attempt.outcome
        members["lastDeliveryAttemptTime"] = timestamp(letter.last_attempt.at)
    if letter.event.schema is EventSchema.CLOUD_EVENTS:
        members = {name.lower(): value for name, value in members.items()}
    event: JsonObject = json.loads(letter.event.body)
    return event | members
