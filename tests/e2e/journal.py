"""What clients asked for and what they were told."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tests.e2e.signed_client import JsonObject, Reply

WORKER_CHANGED = "WorkerChanged"
WORKER_LEFT = "WorkerLeft"
CHANGE = "Change"
"""The label by which every change of a worker leaves its mark in the event about it."""

LEAVING = "leave"
"""What the mark of a change begins with that makes a worker unavailable: such a change has an
event of its own, without labels, unless the worker was unavailable already."""


class Outcome(StrEnum):
    """``PERHAPS``: there was no answer, or none that says whether it was done."""

    DONE = "done"
    REFUSED = "refused"
    PERHAPS = "perhaps"


class Effect(NamedTuple):
    """An event that a request causes: its short name and what it is about."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that was sent. ``effects``: what it causes if it is done."""

    action: str
    outcome: Outcome
    effects: tuple[Effect, ...] = ()
    status: int | None = None
    answer: JsonObject = field(default_factory=dict)


@dataclass
class Journal:
    entries: list[Entry] = field(default_factory=list)

    def record(self, action: str, effects: tuple[Effect, ...], reply: Reply | None) -> Entry:
        """``reply``: ``None`` if there was none."""
        status = reply.status if reply else None
        entry = Entry(action, outcome_of(status), effects, status, reply.body if reply else {})
        self.entries.append(entry)
        return entry

    def done(self, action: str) -> int:
        return sum(e.action == action and e.outcome is Outcome.DONE for e in self.entries)


def outcome_of(status: int | None) -> Outcome:
    """A refusal has changed nothing; an error of the server says nothing about that."""
    if status is None or status >= 500:
        return Outcome.PERHAPS
    return Outcome.DONE if status < 300 else Outcome.REFUSED
