"""Delivers the stored events to the webhooks: handshake, first attempts, retries, dead letters."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from infra.local.topic.dead_letters import DeadLetter, DeadLetterFile
from infra.local.topic.lane import Lane, Signal
from infra.local.topic.schema import timestamp
from infra.local.topic.settings import DeliverySettings
from infra.local.topic.store import Attempt, Claim, Delivery, Store, Subscription
from infra.local.topic.urls import base_url
from infra.local.topic.webhooks import (
    UNREACHABLE,
    Outcome,
    ValidationRequest,
    Webhook,
    open_session,
)

logger = logging.getLogger(__name__)

_EXPIRED = "TimeToLiveExceeded"
_EXHAUSTED = "MaxDeliveryAttemptsExceeded"


@dataclass(frozen=True, slots=True)
class Topic:
    """What the deliverers of all webhooks share. `clock` gives seconds since the epoch."""

    id: str
    store: Store
    dead_letters: DeadLetterFile
    settings: DeliverySettings
    clock: Callable[[], float]
    new_id: Callable[[], str]
    validation_url: Callable[[str], str]


class WebhookDeliverer:
    """Delivers to one webhook, in two lanes: first attempts, in posting order, and retries."""

    def __init__(
        self, topic: Topic, subscription: Subscription, session: aiohttp.ClientSession
    ) -> None:
        self._topic = topic
        self._subscription = subscription
        self._webhook = Webhook(session, subscription.url, f"LOCAL-{subscription.id}")
        self._handshake_signal = Signal()
        self._first_attempts = self._lane(self._claim_first_attempts)
        self._retries = self._lane(self._claim_retries)

    def posted(self) -> None:
        """Events were added."""
        self._first_attempts.wake()

    def freed(self) -> None:
        """Claims of a process that died were freed."""
        self._first_attempts.wake()
        self._retries.wake()

    def validated(self) -> None:
        """The webhook may have been validated by hand."""
        self._handshake_signal.set()

    async def run(self) -> None:
        """Validate the webhook, then deliver until cancelled."""
        await self._handshake()
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._first_attempts.run())
            lanes.create_task(self._retries.run())

    async def drain(self) -> None:
        """After `run` was cancelled: end the attempts that are open."""
        grace = self._topic.settings.stop_grace
        await asyncio.gather(self._first_attempts.drain(grace), self._retries.drain(grace))

    def _lane(self, claim: Callable[[], Awaitable[Claim]]) -> Lane:
        return Lane(self._topic.settings, self._topic.clock, claim, self._attempt)

    async def _claim_first_attempts(self) -> Claim:
        limits = self._topic.settings.limits
        return await self._topic.store.claim_first_attempts(self._subscription.id, limits)

    async def _claim_retries(self) -> Claim:
        limits, now = self._topic.settings.limits, self._topic.clock()
        return await self._topic.store.claim_retries(self._subscription.id, limits, now)

    async def _handshake(self) -> None:
        failures = 0
        while not await self._is_validated():
            failures += 1
            delay = self._topic.settings.validation_delay(failures)
            logger.warning(
                "%s did not confirm its subscription; next try in %g s. To confirm it by hand: %s",
                base_url(self._subscription.url),
                delay,
                self._topic.validation_url(self._subscription.validation_code),
            )
            await self._handshake_signal.wait(delay)

    async def _is_validated(self) -> bool:
        store, subscription = self._topic.store, self._subscription
        try:
            if await store.is_validated(subscription.id):
                return True
            if not await self._webhook.validate(self._validation_request()):
                return False
            return await store.validate(subscription.validation_code, self._topic.clock())
        except sqlite3.Error:
            logger.exception(
                "The handshake with %s could not be recorded", base_url(subscription.url)
            )
            return False

    def _validation_request(self) -> ValidationRequest:
        code = self._subscription.validation_code
        return ValidationRequest(
            event_id=self._topic.new_id(),
            topic_id=self._topic.id,
            event_time=timestamp(self._topic.clock()),
            code=code,
            url=self._topic.validation_url(code),
        )

    async def _attempt(self, deliveries: Sequence[Delivery]) -> None:
        outcome = await self._webhook.deliver(
            [delivery.event for delivery in deliveries],
            deliveries[0].attempts,
            batch=self._topic.settings.max_cloud_events > 1,
        )
        attempt = Attempt(outcome.name, self._topic.clock())
        # The claim is held until the outcome is on record: nobody else would record it.
        while True:
            if await self._try_settle(deliveries, outcome, attempt):
                return
            await asyncio.sleep(self._topic.settings.poll_interval)

    async def _try_settle(
        self, deliveries: Sequence[Delivery], outcome: Outcome, attempt: Attempt
    ) -> bool:
        try:
            await self._settle(deliveries, outcome, attempt)
        except (sqlite3.Error, OSError):
            logger.exception("The outcome of a delivery could not be recorded")
            return False
        return True

    async def _settle(
        self, deliveries: Sequence[Delivery], outcome: Outcome, attempt: Attempt
    ) -> None:
        if outcome.succeeded:
            sequences = [delivery.sequence for delivery in deliveries]
            await self._topic.store.record_success(self._subscription.id, sequences, attempt)
        elif outcome.is_final and len(deliveries) == 1:
            await self._give_up(deliveries, f"UndeliverableDueToHttp{outcome.name}", attempt)
        else:
            await self._settle_failure(deliveries, outcome, attempt)

    async def _settle_failure(
        self, deliveries: Sequence[Delivery], outcome: Outcome, attempt: Attempt
    ) -> None:
        settings, attempts = self._topic.settings, deliveries[0].attempts + 1
        if attempts >= settings.max_attempts:
            await self._give_up(deliveries, _EXHAUSTED, attempt)
            return
        # A refused batch says nothing about its single events: those get their answer at once.
        due_at = attempt.at + (0 if outcome.is_final else settings.retry_delay(attempts))
        expired, retried = _split_by_age(deliveries, due_at - settings.time_to_live)
        await self._give_up(expired, _EXPIRED, attempt)
        await self._topic.store.record_failure(
            self._subscription.id,
            [delivery.sequence for delivery in retried],
            attempt,
            due_at=due_at,
            alone=outcome != UNREACHABLE,
        )
        self._retries.wake()

    async def _give_up(self, deliveries: Sequence[Delivery], reason: str, attempt: Attempt) -> None:
        await dead_letter(self._topic, self._subscription, deliveries, reason, attempt)


class TopicDeliverer:
    """Delivers to all webhooks, and keeps the house: lease, expired and old events."""

    def __init__(self, topic: Topic, urls: Sequence[str]) -> None:
        self._topic = topic
        self._urls = urls
        self._subscriptions: tuple[Subscription, ...] = ()
        self._deliverers: tuple[WebhookDeliverer, ...] = ()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def subscription_ids(self) -> tuple[int, ...]:
        """The subscriptions that a posted event is to be delivered to."""
        return tuple(subscription.id for subscription in self._subscriptions)

    async def start(self) -> None:
        """Begin to deliver. The store must be started."""
        self._subscriptions = await self._topic.store.subscribe(self._urls, self._topic.new_id)
        await self._renew_lease()  # A claim without a lease would be anybody's.
        session = self._session = open_session(self._topic.settings.answer_timeout)
        self._deliverers = tuple(
            WebhookDeliverer(self._topic, subscription, session)
            for subscription in self._subscriptions
        )
        jobs = [deliverer.run() for deliverer in self._deliverers]
        self._tasks = [_start(job) for job in (*jobs, self._keep_lease(), self._sweep())]

    async def stop(self) -> None:
        """Begin nothing more, and end what is open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(deliverer.drain() for deliverer in self._deliverers))
        if self._session is not None:
            await self._session.close()

    def posted(self) -> None:
        """Events were added."""
        for deliverer in self._deliverers:
            deliverer.posted()

    def validated(self) -> None:
        """A webhook was validated by hand."""
        for deliverer in self._deliverers:
            deliverer.validated()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._topic.settings.lease / 5)
            with _logged("The lease could not be renewed"):
                await self._renew_lease()

    async def _renew_lease(self) -> None:
        lease = self._topic.settings.lease
        if await self._topic.store.renew_lease(self._topic.clock(), lease):
            for deliverer in self._deliverers:
                deliverer.freed()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._topic.settings.sweep_interval)
            with _logged("Old events could not be swept"):
                await self._expire()
                await self._prune()

    async def _prune(self) -> None:
        while await self._topic.store.prune(self._topic.settings.kept_events):
            pass

    async def _expire(self) -> None:
        """Dead-letter what outlived its time to live, for webhooks no longer configured too."""
        for subscription in await self._topic.store.subscriptions():
            while await self._expire_some(subscription):
                pass

    async def _expire_some(self, subscription: Subscription) -> bool:
        settings = self._topic.settings
        before = self._topic.clock() - settings.time_to_live
        claim = await self._topic.store.claim_expired(subscription.id, before, settings.limits)
        try:
            await dead_letter(self._topic, subscription, claim.deliveries, _EXPIRED, None)
        except (sqlite3.Error, OSError):
            sequences = [delivery.sequence for delivery in claim.deliveries]
            await self._topic.store.unclaim(subscription.id, sequences)
            raise
        return bool(claim.deliveries)


async def dead_letter(
    topic: Topic,
    subscription: Subscription,
    deliveries: Sequence[Delivery],
    reason: str,
    attempt: Attempt | None,
) -> None:
    """Give up claimed deliveries, after one more attempt if given.

    They are synced to the dead-letter file before they are marked: a crash between the two
    repeats them in the file and loses none.

    :raises OSError: the file could not be written; nothing is marked.
    """
    if not deliveries:
        return
    letters = [
        DeadLetter(
            event=delivery.event,
            webhook=base_url(subscription.url),
            reason=reason,
            published_at=delivery.published_at,
            attempts=delivery.attempts + (attempt is not None),
            last_attempt=attempt or delivery.last_attempt,
        )
        for delivery in deliveries
    ]
    await asyncio.to_thread(topic.dead_letters.append, letters)
    sequences = [delivery.sequence for delivery in deliveries]
    await topic.store.record_dead_letters(subscription.id, sequences, attempt)
    logger.warning("%d events for %s: %s", len(sequences), base_url(subscription.url), reason)


def _split_by_age(
    deliveries: Sequence[Delivery], oldest: float
) -> tuple[list[Delivery], list[Delivery]]:
    """Those published before `oldest`, and the others."""
    expired = [delivery for delivery in deliveries if delivery.published_at < oldest]
    return expired, [delivery for delivery in deliveries if delivery.published_at >= oldest]


@contextmanager
def _logged(message: str) -> Iterator[None]:
    """Housekeeping goes on after a failure: the next round repairs what this one left."""
    try:
        yield
    except (sqlite3.Error, OSError):
        logger.exception(message)


def _start(job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(job)
    task.add_done_callback(_report_crash)
    return task


def _report_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("A part of the local topic ended", exc_info=error)
