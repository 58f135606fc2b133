"""What the events about a job and its offers tell of it."""

from typing import TypedDict

from shared.domain.job_definition import JobDefinition
from shared.domain.labels import Labels
from shared.domain.offers import Offer


class JobFacts(TypedDict):
    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str | None
    labels: Labels
    tags: Labels


def job_facts(job_id: str, definition: JobDefinition) -> JobFacts:
    return JobFacts(
        job_id=job_id,
        channel_id=definition.channel_id,
        channel_reference=definition.channel_reference,
        queue_id=definition.queue_id,
        labels=definition.labels,
        tags=definition.tags,
    )


class OfferFacts(TypedDict):
    worker_id: str
    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str
    offer_id: str


def offer_facts(job_id: str, definition: JobDefinition, offer: Offer) -> OfferFacts:
    assert definition.queue_id is not None, "only a job in a queue has offers"
    return OfferFacts(
        worker_id=offer.worker_id,
        job_id=job_id,
        channel_id=definition.channel_id,
        channel_reference=definition.channel_reference,
        queue_id=definition.queue_id,
        offer_id=offer.offer_id,
    )


class OfferDescription(OfferFacts):
    job_priority: int
    job_labels: Labels
    job_tags: Labels
    worker_labels: Labels
    worker_tags: Labels


def offer_description(
    job_id: str,
    definition: JobDefinition,
    offer: Offer,
    worker_labels: Labels,
    worker_tags: Labels,
) -> OfferDescription:
    return OfferDescription(
        **offer_facts(job_id, definition, offer),
        job_priority=definition.priority,
        job_labels=definition.labels,
        job_tags=definition.tags,
        worker_labels=worker_labels,
        worker_tags=worker_tags,
    )
