"""The match sweep in one function: enough for as long as one instance plans all queues in time.

Its counterpart, for more than that, is ``fan_out``.
"""

import azure.functions as func

from functions.timers import MATCH_SCHEDULE
from shared import bootstrap
from shared.services import sweeps

blueprint = func.Blueprint()


@blueprint.function_name("match")
@blueprint.timer_trigger(arg_name="timer", schedule=MATCH_SCHEDULE, use_monitor=False)
async def match(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.match(await bootstrap.router())
