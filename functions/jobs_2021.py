"""Actions on jobs as 2021-10-20-preview2 has them: an assignment's id is in the body."""

from dataclasses import replace

import azure.functions as func

from functions.endpoint import Call, operation
from functions.jobs import JOB
from shared.api import answers
from shared.api.bodies import read_options
from shared.api.http_messages import Response
from shared.api.openapi.operations import EMPTY, Answer, acts, only_in
from shared.api.v2021_10_20_preview2 import actions
from shared.api.versions import IN_2021
from shared.services import jobs

blueprint = func.Blueprint()

CLOSES = acts("Close a completed job", actions.CloseJobOptions)
CLOSES_LATER = Answer(status=202, meaning="Closes at its time", shape=lambda _: EMPTY)


@operation(
    blueprint,
    "POST",
    f"{JOB}:complete",
    only_in(IN_2021, acts("Complete an assigned job", actions.CompleteJobOptions)),
)
async def complete_job_2021(call: Call) -> Response:
    options = read_options(call.request, actions.CompleteJobOptions)
    await jobs.complete_job(call.router, call.ids["jobId"], options.assignment_id, options.note)
    return answers.done()


@operation(
    blueprint,
    "POST",
    f"{JOB}:close",
    only_in(IN_2021, replace(CLOSES, answers=(*CLOSES.answers, CLOSES_LATER))),
)
async def close_job_2021(call: Call) -> Response:
    options = read_options(call.request, actions.CloseJobOptions)
    await jobs.close_job(
        call.router,
        call.ids["jobId"],
        options.assignment_id,
        options.disposition_code,
        options.close_time,
        options.note,
    )
    return answers.done(200 if options.close_time is None else 202)


@operation(
    blueprint,
    "POST",
    f"{JOB}/reclassify",
    only_in(IN_2021, acts("Classify a job again", actions.ReclassifyJobOptions)),
)
async def reclassify_job_2021(call: Call) -> Response:
    read_options(call.request, actions.ReclassifyJobOptions)
    await jobs.reclassify_job(call.router, call.ids["jobId"])
    return answers.done()
