"""Operations on queues."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import Resource, deletes, lists, reads, upserts, works_out
from shared.api.paging import page_request
from shared.api.v2023_11_01 import statistics as rendered
from shared.api.v2023_11_01.resources import RouterQueueStatistics
from shared.services import queues, statistics

blueprint = func.Blueprint()

QUEUES = "routing/queues"
QUEUE = f"{QUEUES}/{{queueId}}"

RESOURCE = Resource("queue", "queues", lambda version: version.queue)


@operation(blueprint, "PATCH", QUEUE, upserts(RESOURCE))
async def upsert_queue(call: Call) -> Response:
    model, queue_id = call.version.queue, call.ids["queueId"]
    define, condition = call.patched(model, queue_id), precondition(call.request)
    queue = await queues.upsert_queue(call.router, queue_id, define, condition)
    return answers.upserted(model, queue)


@operation(blueprint, "GET", QUEUE, reads(RESOURCE))
async def get_queue(call: Call) -> Response:
    queue = await queues.get_queue(call.router, call.ids["queueId"])
    return answers.found(call.request, call.version.queue, queue)


@operation(blueprint, "GET", QUEUES, lists(RESOURCE))
async def list_queues(call: Call) -> Response:
    page = page_request(call.query)
    found = await queues.list_queues(call.router, page.size, page.continuation)
    return answers.listed(call.request, call.query, call.version.queue, found)


@operation(
    blueprint,
    "GET",
    f"{QUEUE}/statistics",
    works_out("Tell how many jobs wait in a queue, and for how long", RouterQueueStatistics),
)
async def get_queue_statistics(call: Call) -> Response:
    found = await statistics.get_queue_statistics(call.router, call.ids["queueId"])
    return answers.json_answer(rendered.queue_statistics(found))


@operation(blueprint, "DELETE", QUEUE, deletes(RESOURCE))
async def delete_queue(call: Call) -> Response:
    await queues.delete_queue(call.router, call.ids["queueId"])
    return answers.deleted()
