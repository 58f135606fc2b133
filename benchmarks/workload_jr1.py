"""Workload JR-1: a contact centre with ten queues, for comparing matching algorithms.

Workers work in 1 to 3 of 10 queues; 90 % speak English and 15 % each of nine other languages; they
have 3 to 6 of 12 skills at level 1 to 10, are in one of 5 regions and belong to one of 4 vendors;
their capacity is 3, of which a chat costs 1 and a voice call 3. Jobs are spread evenly over queues
and priorities 1 to 10; 80 % are chats. All ask for a language (65 % English) and a skill at level 1
to 6 or better; half ask for a region and a fifth for any vendor but one. Everything is drawn from
one seeded generator, workers first. Jobs come in the order in which they were queued, and all
workers are free.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from shared.domain.channels import Channel
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker, WorkerProfile

SEED = 42
START = datetime(2026, 1, 1, tzinfo=UTC)
QUEUES = tuple(f"queue-{n}" for n in range(10))
OTHER_LANGUAGES = ("fr", "de", "es", "it", "pt", "nl", "pl", "sv", "da")
LANGUAGES = ("lang_en", *(f"lang_{code}" for code in OTHER_LANGUAGES))
SKILLS = tuple(f"skill_{n}" for n in range(12))
REGIONS = tuple(f"region-{n}" for n in range(5))
VENDORS = tuple(f"vendor-{n}" for n in range(4))
CHANNELS = (
    Channel(channel_id="chat", capacity_cost_per_job=1),
    Channel(channel_id="voice", capacity_cost_per_job=3),
)


@dataclass(frozen=True, slots=True)
class Workload:
    workers: list[Worker]
    jobs: list[Job]


def jr1(job_count: int, worker_count: int, seed: int = SEED) -> Workload:
    random = Random(seed)
    workers = [_worker(random, number) for number in range(worker_count)]
    return Workload(workers, [_job(random, number) for number in range(job_count)])


def _worker(random: Random, number: int) -> Worker:
    profile = WorkerProfile(
        capacity=3,
        queues=tuple(random.sample(QUEUES, random.randint(1, 3))),
        channels=CHANNELS,
        labels=_labels(random),
        available_for_offers=True,
    )
    return Worker(
        id=f"worker-{number:05}",
        profile=profile,
        registration=1,
        available_since=START - timedelta(seconds=random.randrange(8 * 3600)),
    )


def _labels(random: Random) -> dict[str, LabelValue]:
    labels: dict[str, LabelValue] = {}
    for language in LANGUAGES:
        if random.random() < (0.90 if language == "lang_en" else 0.15):
            labels[language] = True
    for skill in random.sample(SKILLS, random.randint(3, 6)):
        labels[skill] = random.randint(1, 10)
    labels["region"] = random.choice(REGIONS)
    labels["vendor"] = random.choice(VENDORS)
    return labels


def _job(random: Random, number: int) -> Job:
    queued_at = START + timedelta(milliseconds=number)
    definition = JobDefinition(
        channel_id="chat" if random.random() < 0.80 else "voice",
        queue_id=random.choice(QUEUES),
        priority=random.randint(1, 10),
        requested_worker_selectors=tuple(_selectors(random)),
    )
    return Job(
        id=f"job-{number:06}",
        definition=definition,
        status=JobStatus.QUEUED,
        created_at=queued_at,
        enqueued_at=queued_at,
    )


def _selectors(random: Random) -> Iterator[WorkerSelector]:
    language = "lang_en" if random.random() < 0.65 else random.choice(LANGUAGES[1:])
    yield _selector(language, LabelOperator.EQUAL, True)
    level = random.randint(1, 6)
    yield _selector(random.choice(SKILLS), LabelOperator.GREATER_THAN_OR_EQUAL, level)
    if random.random() < 0.50:
        yield _selector("region", LabelOperator.EQUAL, random.choice(REGIONS))
    if random.random() < 0.20:
        yield _selector("vendor", LabelOperator.NOT_EQUAL, random.choice(VENDORS))


def _selector(key: str, operator: LabelOperator, value: LabelValue) -> WorkerSelector:
    return WorkerSelector(key=key, operator=operator, value=value)
