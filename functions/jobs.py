"""Operations on jobs and on their assignments."""

import azure.functions as func

from functions.endpoint import Call, operation
from shared.api import answers
from shared.api.bodies import read_options
from shared.api.conditions import precondition
from shared.api.filters import job_filter
from shared.api.http_messages import Response
from shared.api.paging import page_request
from shared.api.v2023_11_01 import actions
from shared.services import jobs

blueprint = func.Blueprint()

JOBS = "routing/jobs"
JOB = f"{JOBS}/{{jobId}}"
ASSIGNMENT = f"{JOB}/assignments/{{assignmentId}}"


@operation(blueprint, "PATCH", JOB)
async def upsert_job(call: Call) -> Response:
    model, job_id = call.version.job, call.ids["jobId"]
    define, condition = call.patched(model, job_id), precondition(call.request)
    job = await jobs.upsert_job(call.router, job_id, define, condition)
    return answers.upserted(model, job)


@operation(blueprint, "GET", JOB)
async def get_job(call: Call) -> Response:
    job = await jobs.get_job(call.router, call.ids["jobId"])
    return answers.found(call.request, call.version.job, job)


@operation(blueprint, "GET", JOBS)
async def list_jobs(call: Call) -> Response:
    page, conditions = page_request(call.query), job_filter(call.query)
    found = await jobs.list_jobs(call.router, conditions, page.size, page.continuation)
    return answers.listed(call.request, call.query, call.version.job, found)


@operation(blueprint, "DELETE", JOB)
async def delete_job(call: Call) -> Response:
    await jobs.delete_job(call.router, call.ids["jobId"])
    return answers.deleted()


@operation(blueprint, "POST", f"{JOB}:cancel")
async def cancel_job(call: Call) -> Response:
    options = read_options(call.request, actions.CancelJobOptions)
    await jobs.cancel_job(call.router, call.ids["jobId"], options.note, options.disposition_code)
    return answers.done()


@operation(blueprint, "POST", f"{ASSIGNMENT}:complete")
async def complete_job(call: Call) -> Response:
    options = read_options(call.request, actions.CompleteJobOptions)
    job_id, assignment_id = call.ids["jobId"], call.ids["assignmentId"]
    await jobs.complete_job(call.router, job_id, assignment_id, options.note)
    return answers.done()


@operation(blueprint, "POST", f"{ASSIGNMENT}:close")
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


@operation(blueprint, "POST", f"{ASSIGNMENT}:unassign")
async def unassign_job(call: Call) -> Response:
    options = read_options(call.request, actions.UnassignJobOptions)
    job_id, assignment_id = call.ids["jobId"], call.ids["assignmentId"]
    count = await jobs.unassign_job(call.router, job_id, assignment_id, options.suspend_matching)
    return answers.json_answer(actions.unassigned(job_id, count))
