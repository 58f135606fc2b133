"""The function app: every trigger, nothing else."""

import azure.functions as func

from functions import (
    classification_policies,
    distribution_policies,
    event_schemas,
    exception_policies,
    fan_out,
    health,
    jobs,
    jobs_2021,
    match,
    openapi,
    queues,
    timers,
    workers,
)

matching = fan_out if fan_out.is_on() else match

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for module in (
    distribution_policies,
    classification_policies,
    exception_policies,
    queues,
    workers,
    jobs,
    jobs_2021,
    timers,
    matching,
    openapi,
    event_schemas,
    health,
):
    app.register_functions(module.blueprint)
