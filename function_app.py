"""The function app: every trigger, nothing else."""

import azure.functions as func

from functions import distribution_policies, health, jobs, queues, timers, workers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for module in (distribution_policies, queues, workers, jobs, timers, health):
    app.register_functions(module.blueprint)
