"""What a crowd of clients intends to do, drawn from a seed: the same each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from tests.e2e.signed_client import JsonObject

SHORT_SECONDS = 2.0
LONG_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Mode:
    """How a queue's jobs are offered; its distribution policy has the queue's id."""

    kind: str
    at_most: int = 1
    at_least: int = 1

    def policy(self, offer_seconds: float) -> JsonObject:
        mode = {
            "kind": self.kind,
            "minConcurrentOffers": self.at_least,
            "maxConcurrentOffers": self.at_most,
        }
        return {"offerExpiresAfterSeconds": offer_seconds, "mode": mode}


QUEUES: Mapping[str, Mode] = {
    "idle": Mode("longestIdle"),
    "circle": Mode("roundRobin"),
    "best": Mode("bestWorker"),
    "ring-all": Mode("longestIdle", at_most=3, at_least=2),
}

CHAT: JsonObject = {"channelId": "chat", "capacityCostPerJob": 1, "maxNumberOfJobs": 2}
CALL: JsonObject = {"channelId": "voice", "capacityCostPerJob": 2}


class Answer(Enum):
    """What happens to an offer. Both things of an ``..._AND_...`` are asked for at once."""

    ACCEPT = auto()
    ACCEPT_AND_ACCEPT = auto()
    ACCEPT_AND_CANCEL = auto()
    ACCEPT_AND_LEAVE = auto()
    DECLINE = auto()
    DECLINE_FOR_NOW = auto()
    IGNORE = auto()
    CANCEL = auto()


class Work(Enum):
    """What happens to an accepted job."""

    FINISH = auto()
    STOP_AT_COMPLETED = auto()
    STOP_AT_ASSIGNED = auto()
    UNASSIGN = auto()
    UNASSIGN_AND_SUSPEND = auto()
    CANCEL = auto()
    COMPLETE_AND_UNASSIGN = auto()


ANSWERS: Mapping[Answer, int] = {
    Answer.ACCEPT: 64,
    Answer.ACCEPT_AND_ACCEPT: 6,
    Answer.ACCEPT_AND_CANCEL: 3,
    Answer.ACCEPT_AND_LEAVE: 3,
    Answer.DECLINE: 8,
    Answer.DECLINE_FOR_NOW: 8,
    Answer.IGNORE: 6,
    Answer.CANCEL: 2,
}

WORKS: Mapping[Work, int] = {
    Work.FINISH: 79,
    Work.STOP_AT_COMPLETED: 2,
    Work.STOP_AT_ASSIGNED: 2,
    Work.UNASSIGN: 8,
    Work.UNASSIGN_AND_SUSPEND: 8,
    Work.CANCEL: 3,
    Work.COMPLETE_AND_UNASSIGN: 3,
}


@dataclass(frozen=True, slots=True)
class Submission:
    """``twice``: two clients submit it at once."""

    job_id: str
    job: JsonObject
    twice: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """``workers`` by id, as they register at first."""

    seed: int
    submissions: Sequence[Submission]
    workers: Mapping[str, JsonObject]

    def answer(self, job_id: str, number: int) -> Answer:
        """To the job's offer of that number."""
        return _choose(ANSWERS, self._dice(job_id, "answer", number))

    def work(self, job_id: str, number: int) -> Work:
        return _choose(WORKS, self._dice(job_id, "work", number))

    def _dice(self, *about: object) -> Random:
        return Random(f"{self.seed} {about}")


def draw_plan(seed: int, jobs: int, workers: int) -> Plan:
    dice = Random(seed)
    return Plan(
        seed,
        [_submission(f"job-{number}", dice) for number in range(jobs)],
        {f"worker-{number}": _worker(dice) for number in range(workers)},
    )


def _submission(job_id: str, dice: Random) -> Submission:
    job = {
        "channelId": dice.choice(["chat", "chat", "chat", "voice"]),
        "queueId": dice.choice([*QUEUES]),
        "priority": dice.randint(1, 3),
        "requestedWorkerSelectors": [_demand(dice)] if dice.random() < 0.4 else [],
    }
    return Submission(job_id, job, twice=dice.random() < 0.05)


def _demand(dice: Random) -> JsonObject:
    # Nobody has a skill above 19, so some jobs wait until the end.
    return {"key": "Skill", "labelOperator": "greaterThan", "value": dice.randint(1, 19)}


def _worker(dice: Random) -> JsonObject:
    return {
        "capacity": dice.randint(2, 4),
        "queues": dice.sample([*QUEUES], 2),
        "channels": [CHAT, CALL],
        "labels": {"Skill": skill(dice)},
        "maxConcurrentOffers": dice.choice([None, None, 1]),
        "availableForOffers": True,
    }


def skill(dice: Random) -> int:
    return dice.randint(1, 19)


def _choose[T](weights: Mapping[T, int], dice: Random) -> T:
    return dice.choices([*weights], [*weights.values()])[0]
