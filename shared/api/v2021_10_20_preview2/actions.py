"""What actions are asked with: of an assignment, its id is in the body."""

from shared.api.wire import Id, Text, Time, WireModel


class CompleteJobOptions(WireModel):
    assignment_id: Id
    note: Text | None = None


class CloseJobOptions(WireModel):
    """``close_time`` in the past means now."""

    assignment_id: Id
    disposition_code: Text | None = None
    close_time: Time | None = None
    note: Text | None = None


class ReclassifyJobOptions(WireModel):
    """There are none."""
