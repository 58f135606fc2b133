"""The sweeps, by the clock. Any of them may run late, twice or at the same time as itself."""

import os

import azure.functions as func

from shared import bootstrap
from shared.services import sweeps

blueprint = func.Blueprint()
"""Those that are always there. The match sweep comes with ``match`` or with ``fan_out``."""


def schedule(name: str, default: str) -> str:
    """NCRONTAB with seconds, from an app setting (read once, when the app is indexed)."""
    return os.environ.get(f"JOBROUTER_{name}_SCHEDULE", "").strip() or default


MATCH_SCHEDULE = schedule("MATCH", "*/5 * * * * *")


@blueprint.function_name("expire")
@blueprint.timer_trigger(
    arg_name="timer", schedule=schedule("EXPIRE", "* * * * * *"), use_monitor=False
)
async def expire(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.expire(await bootstrap.router())


@blueprint.function_name("deregister_idle_workers")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=schedule("DEREGISTER_IDLE_WORKERS", "0 * * * * *"),
    use_monitor=False,
)
async def deregister_idle_workers(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.deregister_idle_workers(await bootstrap.router())


@blueprint.function_name("tell_changed_conditions")
@blueprint.timer_trigger(
    arg_name="timer",
    schedule=schedule("TELL_CHANGED_CONDITIONS", "*/5 * * * * *"),
    use_monitor=False,
)
async def tell_changed_conditions(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.tell_changed_conditions(await bootstrap.router())


@blueprint.function_name("observe_queues")
@blueprint.timer_trigger(
    arg_name="timer", schedule=schedule("OBSERVE_QUEUES", "30 * * * * *"), use_monitor=False
)
async def observe_queues(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.observe_queues(await bootstrap.router())


@blueprint.function_name("publish_outbox")
@blueprint.timer_trigger(
    arg_name="timer", schedule=schedule("PUBLISH_OUTBOX", "*/5 * * * * *"), use_monitor=False
)
async def publish_outbox(timer: func.TimerRequest) -> None:  # noqa: ARG001
    await sweeps.publish_outbox(await bootstrap.router())
