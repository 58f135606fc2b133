"""Operations on jobs and on their assignments."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.bodies import read_options
from shared.api.conditions import precondition
from shared.api.filters import job_filter
from shared.api.http_messages import Response
from shared.api.openapi.operations import Resource, acts, deletes, lists, reads, upserts
from shared.api.openapi.parameters import JOB_FILTERS
from shared.api.paging import page_request
from shared.api.v2023_11_01 import actions
from shared.api.v2023_11_01.resources import UnassignJobResult
from shared.services import jobs

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


@operation(blueprint, "GET", JOBS, lists(RESOURCE, JOB_FILTERS))
async def list_jobs(call: Call) -> Response:
    page, conditions = page_request(call.query), job_filter(call.query)
    found = await jobs.list_jobs(call.router, conditions, page.size, page.continuation)
    return answers.listed(call.request, call.query, call.version.job, found)


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
    f"{ASSIGNMENT}:complete",
    acts("Complete an assigned job", actions.CompleteJobOptions),
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
    acts("Close a completed job", actions.CloseJobOptions),
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
    acts("Take a job back from its worker", actions.UnassignJobOptions, UnassignJobResult),
)
async def unassign_job(call: Call) -> Response:
    options = read_options(call.request, actions.UnassignJobOptions)
    job_id, assignment_id = call.ids["jobId"], call.ids["assignmentId"]
    count = await jobs.unassign_job(call.router, job_id, assignment_id, options.suspend_matching)
    return answers.json_answer(actions.unassigned(job_id, count))
