"""The match sweep over a storage queue: the timer names the queues, all instances plan them.

A message says that a queue may have something to plan. It is a hint: planning looks again, and
does nothing twice. So a message may be lost, late or doubled, and the next sweep makes up for it.
"""

import logging
import os
from datetime import datetime, timedelta
from typing import List  # noqa: UP035  the worker library knows no other list in annotations

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ValidationError

from functions.timers import MATCH_SCHEDULE
from shared import bootstrap
from shared.ports import Sweep
from shared.services import sweeps
from shared.settings import SettingsError, fans_out

STORAGE_QUEUE = "jobrouter-match"
CONNECTION = "JOBROUTER_QUEUES"

MESSAGE_LIFETIME = timedelta(seconds=15)
"""An older message is dropped unread: a later sweep has named its queue again, if need be.

The output binding cannot give messages a time to live. host.json shows a message whose planning
failed again after this time, when it is dropped: the next sweep is the retry.
"""

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


class Message(BaseModel):
    """``queue_id``: the router's queue to plan. ``sent_at``: by the clock of the sender."""

    queue_id: str
    sent_at: AwareDatetime


def is_on() -> bool:
    """Whether to register these functions: without their connection, Azure's host would fail.

    A setting that says neither yes nor no counts as no. It is refused with all the others, when
    they are read: while the app is indexed there is nobody to tell.
    """
    try:
        return fans_out(os.environ)
    except SettingsError:
        return False


@blueprint.function_name("match")
@blueprint.timer_trigger(arg_name="timer", schedule=MATCH_SCHEDULE, use_monitor=False)
@blueprint.queue_output(arg_name="messages", queue_name=STORAGE_QUEUE, connection=CONNECTION)
async def match(
    timer: func.TimerRequest,  # noqa: ARG001
    messages: func.Out[List[str]],  # noqa: UP006
) -> None:
    router = await bootstrap.router()
    found = await sweeps.queues_to_match(router)
    now = router.clock()
    messages.set([Message(queue_id=id, sent_at=now).model_dump_json() for id in found])


@blueprint.function_name("match_queue")
@blueprint.queue_trigger(arg_name="message", queue_name=STORAGE_QUEUE, connection=CONNECTION)
async def match_queue(message: func.QueueMessage) -> None:
    router = await bootstrap.router()
    read = _read(message.get_body())
    if read is None or _is_stale(read, router.clock()):
        return
    router.telemetry.sweep_lag(Sweep.MATCH_QUEUE, router.clock() - read.sent_at)
    with router.telemetry.sweep_run(Sweep.MATCH_QUEUE):
        await sweeps.match_queues(router, [read.queue_id])


def _read(body: bytes) -> Message | None:
    try:
        return Message.model_validate_json(body)
    except ValidationError:
        log.warning("a message to match a queue is dropped: it is none of ours")
        return None


def _is_stale(message: Message, now: datetime) -> bool:
    age = now - message.sent_at
    if age < MESSAGE_LIFETIME:
        return False
    seconds = age.total_seconds()
    log.info("a message to match a queue is dropped: it is old", extra={"age_seconds": seconds})
    return True
