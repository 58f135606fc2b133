"""Operations on jobs and on their assignments."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.bodies import read_options
from shared.api.conditions import precondition
from shared.api.http_messages import Response
from shared.api.openapi.operations import (
    Resource,
    acts,
    deletes,
    lists,
    only_in,
    reads,
    upserts,
    works_out,
)
from shared.api.paging import page_request
from shared.api.v2023_11_01 import actions
from shared.api.v2023_11_01 import statistics as rendered
from shared.api.v2023_11_01.resources import RouterJobPositionDetails, UnassignJobResult
from shared.api.versions import SINCE_2023
from shared.services import jobs, statistics

blueprint = func.Blueprint()

JOBS = "routing/jobs"
JOB = f"{JOBS}/{{jobId}}"
ASSIGNMENT = f"{JOB}/assignments/{{assignmentId}}"

RESOURCE = Resource("job", "jobs", lambda version: version.job)


@operation(blueprint, "PATCH", JOB, upserts(RESOURCE))
async def upsert_job(call: Call) -> Response:
    model, job_id = call.version.job, call.ids["jobId"]
    define, condition = call.patched(model, job_id), precondition(call.request)
    job = await jobs.upsert_job(call.router, job_id, define, condition)
    return answers.upserted(model, job)


@operation(blueprint, "GET", JOB, reads(RESOURCE))
async def get_job(call: Call) -> Response:
    job = await jobs.get_job(call.router, call.ids["jobId"])
    return answers.found(call.request, call.version.job, job)


@operation(blueprint, "GET", JOBS, lists(RESOURCE, lambda version: version.job_filters.parameters))
async def list_jobs(call: Call) -> Response:
    page, conditions = page_request(call.query), call.version.job_filters.read(call.query)
    found = await jobs.list_jobs(call.router, conditions, page.size, page.continuation)
    return answers.listed(call.request, call.query, call.version.job, found)


@operation(
    blueprint,
    "GET",
    f"{JOB}/position",
    works_out("Tell where in its queue a job waits, and for how long", RouterJobPositionDetails),
)
async def get_job_position(call: Call) -> Response:
    position = await statistics.get_job_position(call.router, call.ids["jobId"])
    return answers.json_answer(rendered.job_position(position))


@operation(blueprint, "DELETE", JOB, deletes(RESOURCE))
async def delete_job(call: Call) -> Response:
    await jobs.delete_job(call.router, call.ids["jobId"])
    return answers.deleted()


@operation(
    blueprint,
    "POST",
    f"{JOB}:cancel",
    acts("Cancel a job", actions.CancelJobOptions),
)
async def cancel_job(call: Call) -> Response:
    options = read_options(call.request, actions.CancelJobOptions)
    await jobs.cancel_job(call.router, call.ids["jobId"], options.note, options.disposition_code)
    return answers.done()


@operation(
    blueprint,
    "POST",
    f"{JOB}:reclassify",
    only_in(SINCE_2023, acts("Classify a job again", actions.ReclassifyJobOptions)),
)
async def reclassify_job(call: Call) -> Response:
    read_options(call.request, actions.ReclassifyJobOptions)
    await jobs.reclassify_job(call.router, call.ids["jobId"])
    return answers.done()


@operation(
    blueprint,
    "POST",
    f"{ASSIGNMENT}:complete",
    only_in(SINCE_2023, acts("Complete an assigned job", actions.CompleteJobOptions)),
)
async def complete_job(call: Call) -> Response:
    options = read_options(call.request, actions.CompleteJobOptions)
    job_id, assignment_id = call.ids["jobId"], call.ids["assignmentId"]
    await jobs.complete_job(call.router, job_id, assignment_id, options.note)
    return answers.done()


@operation(
    blueprint,
    "POST",
    f"{ASSIGNMENT}:close",
    only_in(SINCE_2023, acts("Close a completed job", actions.CloseJobOptions)),
)
async def close_job(call: Call) -> Response:
    options = read_options(call.request, actions.CloseJobOptions)
    await jobs.close_job(
        call.router,
        call.ids["jobId"],
        call.ids["assignmentId"],
        options.disposition_code,
        options.close_at,
        options.note,
    )
    return answers.done()


@operation(
    blueprint,
    "POST",
    f"{ASSIGNMENT}:unassign",
    only_in(
        SINCE_2023,
        acts("Take a job back from its worker", actions.UnassignJobOptions, UnassignJobResult),
    ),
)
async def unassign_job(call: Call) -> Response:
    options = read_options(call.request, actions.UnassignJobOptions)
    job_id, assignment_id = call.ids["jobId"], call.ids["assignmentId"]
    count = await jobs.unassign_job(call.router, job_id, assignment_id, options.suspend_matching)
    return answers.json_answer(actions.unassigned(job_id, count))
