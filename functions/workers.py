"""Operations on workers and on the offers they hold."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.bodies import read_options
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import (
    Resource,
    acts,
    acts_without_options,
    deletes,
    lists,
    reads,
    upserts,
)
from shared.api.paging import page_request
from shared.api.v2023_11_01 import actions
from shared.api.v2023_11_01.resources import AcceptJobOfferResult
from shared.services import offers, workers

blueprint = func.Blueprint()

WORKERS = "routing/workers"
WORKER = f"{WORKERS}/{{workerId}}"
OFFER = f"{WORKER}/offers/{{offerId}}"

RESOURCE = Resource("worker", "workers", lambda version: version.worker)


@operation(blueprint, "PATCH", WORKER, upserts(RESOURCE))
async def upsert_worker(call: Call) -> Response:
    model, worker_id = call.version.worker, call.ids["workerId"]
    define, condition = call.patched(model, worker_id), precondition(call.request)
    worker = await workers.upsert_worker(call.router, worker_id, define, condition)
    return answers.upserted(model, worker)


@operation(blueprint, "GET", WORKER, reads(RESOURCE))
async def get_worker(call: Call) -> Response:
    worker = await workers.get_worker(call.router, call.ids["workerId"])
    return answers.found(call.request, call.version.worker, worker)


@operation(
    blueprint, "GET", WORKERS, lists(RESOURCE, lambda version: version.worker_filters.parameters)
)
async def list_workers(call: Call) -> Response:
    page, conditions = page_request(call.query), call.version.worker_filters.read(call.query)
    found = await workers.list_workers(call.router, conditions, page.size, page.continuation)
    return answers.listed(call.request, call.query, call.version.worker, found)


@operation(blueprint, "DELETE", WORKER, deletes(RESOURCE))
async def delete_worker(call: Call) -> Response:
    await workers.delete_worker(call.router, call.ids["workerId"])
    return answers.deleted()


@operation(
    blueprint,
    "POST",
    f"{OFFER}:accept",
    acts_without_options("Accept an offer", AcceptJobOfferResult),
)
async def accept_offer(call: Call) -> Response:
    accepted = await offers.accept_offer(call.router, call.ids["workerId"], call.ids["offerId"])
    return answers.json_answer(actions.accepted(accepted))


@operation(
    blueprint,
    "POST",
    f"{OFFER}:decline",
    acts("Decline an offer", actions.DeclineOfferOptions),
)
async def decline_offer(call: Call) -> Response:
    worker_id, offer_id = call.ids["workerId"], call.ids["offerId"]
    options = read_options(call.request, actions.DeclineOfferOptions)
    await offers.decline_offer(call.router, worker_id, offer_id, options.retry_offer_at)
    return answers.done()
