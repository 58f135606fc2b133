"""What actions are asked with and what they answer."""

from shared.api.merge_patch import JsonObject
from shared.api.wire import Text, Time, WireModel
from shared.services.offers import AcceptedOffer


class CancelJobOptions(WireModel):
    note: Text | None = None
    disposition_code: Text | None = None


class ReclassifyJobOptions(WireModel):
    """There are none yet."""


class CompleteJobOptions(WireModel):
    note: Text | None = None


class CloseJobOptions(WireModel):
    """``close_at`` in the past means now."""

    disposition_code: Text | None = None
    close_at: Time | None = None
    note: Text | None = None


class UnassignJobOptions(WireModel):
    suspend_matching: bool = False


class DeclineOfferOptions(WireModel):
    """``retry_offer_at`` in the past means at once."""

    retry_offer_at: Time | None = None


def accepted(offer: AcceptedOffer) -> JsonObject:
    return {
        "assignmentId": offer.assignment_id,
        "jobId": offer.job_id,
        "workerId": offer.worker_id,
    }


def unassigned(job_id: str, count: int) -> JsonObject:
    return {"jobId": job_id, "unassignmentCount": count}
