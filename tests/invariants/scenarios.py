"""What applications and time do with a router: every use case is in one of the scenarios.

A scenario yields request after request. Whoever sends them decides what becomes of one that fails;
every request may be sent again.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.domain.channels import Channel
from shared.domain.classification import PassThroughAttachment
from shared.domain.distribution import DistributionMode, DistributionPolicy
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.services.distribution_policies import (
    delete_distribution_policy,
    upsert_distribution_policy,
)
from shared.services.jobs import (
    cancel_job,
    close_job,
    complete_job,
    delete_job,
    reclassify_job,
    unassign_job,
    upsert_job,
)
from shared.services.offering import reserve
from shared.services.offers import accept_offer, decline_offer
from shared.services.queues import delete_queue, upsert_queue
from shared.services.upserts import Upserted
from shared.services.workers import delete_worker
from tests.rig import NONE, Rig

type Request = Callable[[], Awaitable[object]]
type Requests = AsyncGenerator[Request]
type Scenario = Callable[[Rig], Requests]
type Send = Callable[[Request], Awaitable[None]]

CHAT = (Channel(channel_id="chat", capacity_cost_per_job=1),)


async def play(scenario: Scenario, rig: Rig, send: Send) -> None:
    async with aclosing(scenario(rig)) as requests:
        async for request in requests:
            await send(request)


async def set_up(scenario: Scenario, rig: Rig) -> None:
    """One policy and one queue, as every scenario finds them."""
    await rig.ready(max_concurrent_offers=3 if scenario is fan_out_and_accept else 1)


async def life_cycle(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    yield await _accepting(rig)
    assignment_id = await _assignment_id(rig)
    yield lambda: complete_job(rig.router, "job", assignment_id, None)
    yield lambda: close_job(rig.router, "job", assignment_id, None, None, None)


async def decline_and_offer_to_another(rig: Rig) -> Requests:
    yield partial(rig.worker, "a")
    yield partial(rig.worker, "b")
    yield rig.job
    first = (await rig.read_job()).offers[0]
    yield lambda: decline_offer(rig.router, first.worker_id, first.offer_id, None)


async def fan_out_and_accept(rig: Rig) -> Requests:
    for name in ("a", "b", "c"):
        yield partial(rig.worker, name)
    yield rig.job
    yield partial(rig.job, "next")
    yield await _accepting(rig, "b")


async def expire_offer(rig: Rig) -> Requests:
    yield partial(rig.worker, "a", capacity=2)
    yield rig.job
    yield partial(rig.job, "other")
    rig.clock.forward(seconds=61)
    yield rig.sweep


async def deregister_with_open_offers(rig: Rig) -> Requests:
    yield partial(rig.worker, "a", capacity=2)
    yield rig.job
    yield partial(rig.job, "other")
    yield partial(rig.set_available, "a", False)
    yield partial(rig.worker, "b")


async def delete_busy_worker(rig: Rig) -> Requests:
    yield partial(rig.worker, "a")
    yield rig.job
    yield lambda: delete_worker(rig.router, "a")
    yield partial(rig.worker, "b")


async def cancel_and_delete(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    yield await _accepting(rig)
    yield lambda: cancel_job(rig.router, "job", "note", None)
    yield lambda: delete_job(rig.router, "job")
    yield partial(rig.job, "next")


async def unassign(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    yield await _accepting(rig)
    assignment_id = await _assignment_id(rig)
    yield lambda: unassign_job(rig.router, "job", assignment_id, False)


async def ninety_days(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    yield await _accepting(rig)
    rig.clock.forward(days=91)
    yield rig.sweep


async def shrinking_worker(rig: Rig) -> Requests:
    yield partial(rig.worker, "a", capacity=3, channels=CHAT)
    for name in ("one", "two", "three"):
        yield partial(rig.job, name)
    yield partial(rig.worker, "a", capacity=1, channels=CHAT)


async def close_later(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    yield await _accepting(rig)
    assignment_id = await _assignment_id(rig)
    yield lambda: complete_job(rig.router, "job", assignment_id, "done")
    close_at = rig.clock() + timedelta(seconds=30)
    yield lambda: close_job(rig.router, "job", assignment_id, "sold", close_at, None)
    yield partial(rig.job, "next")
    rig.clock.forward(seconds=31)
    yield rig.sweep


async def decline_for_a_while(rig: Rig) -> Requests:
    yield rig.worker
    yield rig.job
    offer_id, again_at = await rig.offer_id(), rig.clock() + timedelta(seconds=30)
    yield lambda: decline_offer(rig.router, "worker", offer_id, again_at)
    rig.clock.forward(seconds=31)
    yield rig.sweep


async def move_an_offered_job(rig: Rig) -> Requests:
    """To another queue, with another worker; then it gets labels, which end no offer."""
    yield partial(rig.queue, "second")
    yield partial(rig.worker, "a")
    yield partial(rig.worker, "b", queues=("second",))
    yield rig.job
    yield partial(rig.job, queue="second")
    yield partial(rig.job, queue="second", labels={"customer": "gold"})


async def activate_a_scheduled_job(rig: Rig) -> Requests:
    later = ScheduleAndSuspend(schedule_at=rig.clock() + timedelta(seconds=30))
    scheduled = JobDefinition(channel_id="chat", queue_id="queue", matching_mode=later)
    active = replace(scheduled, matching_mode=QueueAndMatch())
    yield rig.worker
    yield lambda: upsert_job(rig.router, "job", lambda _: scheduled, NONE)
    rig.clock.forward(seconds=31)
    yield rig.sweep
    yield lambda: upsert_job(rig.router, "job", lambda _: active, NONE)


async def expire_selector(rig: Rig) -> Requests:
    skilled = WorkerSelector(
        key="skill", operator=LabelOperator.EQUAL, value="french", expires_after_seconds=30
    )
    yield rig.worker
    yield partial(rig.job, selectors=(skilled,))
    rig.clock.forward(seconds=31)
    yield rig.sweep


async def change_worker(rig: Rig) -> Requests:
    """Its labels let it have a job; then it leaves that job's queue."""
    skilled = WorkerSelector(key="skill", operator=LabelOperator.EQUAL, value="french")
    yield partial(rig.queue, "second")
    yield rig.worker
    yield partial(rig.job, selectors=(skilled,))
    yield partial(rig.worker, labels={"skill": "french"})
    yield partial(rig.worker, labels={"skill": "french"}, queues=("second",))
    yield lambda: delete_worker(rig.router, "worker")


async def classify_and_reclassify(rig: Rig) -> Requests:
    """By its labels, twice, and once because it is asked for; then its queue is full."""
    product = PassThroughAttachment(key="product", operator=LabelOperator.EQUAL)
    full = ExceptionRule(
        id="full",
        trigger=QueueLengthTrigger(threshold=0),
        actions=(ReclassifyAction(id="again", labels_to_upsert={"product": "car"}),),
    )
    policy = partial(
        rig.classification, fallback_queue_id="queue", queue_selector_attachments=(product,)
    )
    yield partial(rig.queue, "cars", labels={"product": "car"})
    yield policy
    yield rig.worker
    yield partial(rig.submit, classification_policy_id="classification")
    yield partial(rig.patch_job, labels={"product": "car"})
    yield lambda: reclassify_job(rig.router, "job")
    yield partial(rig.exceptions, full)
    yield partial(rig.queue, exceptions="exceptions")
    yield partial(rig.submit, "other", classification_policy_id="classification")


async def fail_a_classification(rig: Rig) -> Requests:
    yield rig.classification
    yield partial(rig.submit, classification_policy_id="classification")
    yield partial(rig.patch_job, queue_id="queue")


async def trigger_exceptions(rig: Rig) -> Requests:
    """A change of the rules reaches a job that waits; it is moved, and then cancelled."""
    late = WaitTimeTrigger(threshold_seconds=30)
    move = ManualReclassifyAction(id="move", queue_id="second", priority=5)
    yield rig.worker
    yield partial(rig.queue, "second")
    yield partial(rig.exceptions, ExceptionRule(id="late", trigger=late, actions=(move,)))
    yield rig.job
    yield partial(rig.queue, exceptions="exceptions")
    rig.clock.forward(seconds=5)
    yield rig.sweep
    rig.clock.forward(seconds=30)
    yield rig.sweep
    cancel = CancelAction(id="cancel")
    yield partial(rig.queue, "second", exceptions="exceptions")
    yield partial(rig.exceptions, ExceptionRule(id="late", trigger=late, actions=(cancel,)))
    rig.clock.forward(seconds=5)
    yield rig.sweep
    rig.clock.forward(seconds=30)
    yield rig.sweep


async def deregister_idle_worker(rig: Rig) -> Requests:
    yield rig.worker
    rig.clock.forward(days=8)
    yield rig.sweep


async def repair_reservation(rig: Rig) -> Requests:
    """A worker holds capacity for an offer that its job does not list, and never will."""
    suspended = JobDefinition(channel_id="chat", queue_id="queue", matching_mode=Suspend())
    yield rig.worker
    yield lambda: upsert_job(rig.router, "job", lambda _: suspended, NONE)
    yield partial(_reserve, rig)
    rig.clock.forward(seconds=16)
    yield rig.sweep


async def submit_again(rig: Rig) -> Requests:
    """A job was about to be created with an offer to each of the workers, but was not: one of them
    leaves, the lease of the other one's capacity ends. Then the job is submitted after all."""
    unborn = Job.receive("job", JobDefinition(channel_id="chat", queue_id="queue"), rig.clock())
    for name in ("a", "b"):
        yield partial(rig.worker, name)
        yield partial(_reserve, rig, name, unborn.aggregate)
    yield partial(rig.set_available, "a", False)
    rig.clock.forward(seconds=16)
    yield rig.sweep
    yield rig.job


async def publish_later(rig: Rig) -> Requests:
    rig.events.down = True
    yield rig.worker
    yield rig.job
    yield partial(rig.worker, capacity=2)
    rig.events.down = False
    rig.clock.forward(seconds=16)
    yield rig.sweep


async def define_and_remove(rig: Rig) -> Requests:
    """Queues and distribution policies, made, changed and deleted."""
    yield partial(_put_policy, rig, seconds=30)
    yield partial(_put_policy, rig, seconds=40)
    yield partial(_put_queue, rig, name=None)
    yield partial(_put_queue, rig, name="Sales")
    yield lambda: delete_queue(rig.router, "sales")
    yield lambda: delete_distribution_policy(rig.router, "patient")


async def _accepting(rig: Rig, worker_id: str = "worker") -> Request:
    """For the worker to accept the job's offer."""
    offer_id = await rig.offer_id(worker_id)
    return lambda: accept_offer(rig.router, worker_id, offer_id)


async def _assignment_id(rig: Rig) -> str:
    assignment = (await rig.read_job()).open_assignment
    assert assignment is not None
    return assignment.assignment_id


async def _reserve(rig: Rig, worker_id: str = "worker", unborn: Job | None = None) -> None:
    """``unborn``: a job that is not stored."""
    job = unborn or await rig.read_job()
    worker = await rig.store.workers.get(worker_id)
    policy = await rig.router.definitions.policy_of("queue")
    assert worker is not None
    assert policy is not None
    await reserve(rig.router, job, worker, policy)


async def _put_policy(rig: Rig, seconds: float) -> Upserted[DistributionPolicy]:
    policy = DistributionPolicy(
        id="patient", offer_expires_after_seconds=seconds, mode=DistributionMode()
    )
    return await upsert_distribution_policy(rig.router, "patient", lambda _: policy, NONE)


async def _put_queue(rig: Rig, name: str | None) -> Upserted[Queue]:
    queue = Queue(id="sales", distribution_policy_id="patient", name=name)
    return await upsert_queue(rig.router, "sales", lambda _: queue, NONE)


SCENARIOS: Sequence[Scenario] = (
    life_cycle,
    decline_and_offer_to_another,
    fan_out_and_accept,
    expire_offer,
    deregister_with_open_offers,
    delete_busy_worker,
    cancel_and_delete,
    unassign,
    ninety_days,
    shrinking_worker,
    close_later,
    decline_for_a_while,
    move_an_offered_job,
    activate_a_scheduled_job,
    expire_selector,
    classify_and_reclassify,
    fail_a_classification,
    trigger_exceptions,
    change_worker,
    deregister_idle_worker,
    repair_reservation,
    submit_again,
    publish_later,
    define_and_remove,
)
"""All: every use case, and everything that time does."""
