"""The parameters that operations take in queries and headers."""

from dataclasses import dataclass
from typing import Final, Literal

from shared.api.filters import ACTIVE_JOBS, ALL
from shared.api.merge_patch import JsonObject
from shared.api.paging import CONTINUATION, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PAGE_SIZE
from shared.domain.statuses import JobStatus, WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """None of them is required, and a blank one counts as missing."""

    name: str
    place: Literal["query", "header"] = "query"
    schema: JsonObject
    meaning: str


_TEXT: Final[JsonObject] = {"type": "string"}
_TIME: Final[JsonObject] = {"type": "string", "format": "date-time"}
_ENTITY_TAG: Final[JsonObject] = {
    "type": "string",
    "pattern": r'^(\*|(W/)?"[\u0021\u0023-\u007e]*")?$',
}
_HTTP_DATE: Final[JsonObject] = {"type": "string", "format": "http-date"}

PAGING: Final = (
    Parameter(
        name=PAGE_SIZE,
        schema={"type": "integer", "minimum": 1, "default": DEFAULT_PAGE_SIZE},
        meaning=f"How many items a page has at most; more than {MAX_PAGE_SIZE} is taken for that.",
    ),
    Parameter(
        name=CONTINUATION, schema=_TEXT, meaning="Where to go on: a part of `nextLink`, opaque."
    ),
)

QUEUE: Final = Parameter(name="queueId", schema=_TEXT, meaning="Of this queue alone.")
CHANNEL: Final = Parameter(name="channelId", schema=_TEXT, meaning="Of this channel alone.")
HAS_CAPACITY: Final = Parameter(
    name="hasCapacity",
    schema={"type": "boolean", "default": False},
    meaning="With `true`, only those with room for another job on some channel.",
)

JOB_FILTERS: Final = (
    Parameter(
        name="status",
        schema={"type": "string", "enum": [ALL, ACTIVE_JOBS, *JobStatus], "default": ALL},
        meaning="In this status; `active` is any but created, closed and cancelled.",
    ),
    QUEUE,
    CHANNEL,
    Parameter(
        name="classificationPolicyId",
        schema=_TEXT,
        meaning="That name this classification policy alone.",
    ),
    Parameter(name="scheduledBefore", schema=_TIME, meaning="Scheduled at this time or before."),
    Parameter(name="scheduledAfter", schema=_TIME, meaning="Scheduled at this time or after."),
)

WORKER_FILTERS: Final = (
    Parameter(
        name="state",
        schema={"type": "string", "enum": [ALL, *WorkerState], "default": ALL},
        meaning="In this state.",
    ),
    QUEUE,
    CHANNEL,
    HAS_CAPACITY,
)

KNOWN_VERSION: Final = Parameter(
    name="If-None-Match",
    place="header",
    schema=_ENTITY_TAG,
    meaning="Answer 304 if this is still the entity tag.",
)
CONDITIONS: Final = (
    Parameter(
        name="If-Match",
        place="header",
        schema=_ENTITY_TAG,
        meaning="Refuse with 412 unless this is the entity tag; `*` is any.",
    ),
    Parameter(
        name="If-None-Match",
        place="header",
        schema=_ENTITY_TAG,
        meaning="Refuse with 412 if this is the entity tag; `*` is any.",
    ),
    Parameter(
        name="If-Unmodified-Since",
        place="header",
        schema=_HTTP_DATE,
        meaning="Refuse with 412 if it was changed after this.",
    ),
)
