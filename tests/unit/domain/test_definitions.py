"""What a queue, a policy, a job and a worker are when the application says little."""

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionModeKind, DistributionPolicy
from shared.domain.job_definition import JobDefinition
from shared.domain.matching_modes import QueueAndMatch
from shared.domain.queues import Queue, QueueDetails, describe
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import ACTIVE, TERMINAL, JobStatus
from shared.domain.workers import WorkerProfile
from tests.unit.domain.builders import selector


def test_a_policy_offers_to_one_idle_worker_for_a_minute() -> None:
    policy = DistributionPolicy(id="policy-1")
    assert policy.offer_expires_after_seconds == 60
    assert policy.mode.kind is DistributionModeKind.LONGEST_IDLE
    assert (policy.mode.min_concurrent_offers, policy.mode.max_concurrent_offers) == (1, 1)
    assert not policy.mode.bypass_selectors


def test_a_job_is_matched_at_once_with_priority_one() -> None:
    definition = JobDefinition(channel_id="voice", queue_id="support")
    assert definition.priority == 1
    assert definition.matching_mode == QueueAndMatch()
    assert (definition.labels, definition.tags, definition.notes) == ({}, {}, ())


def test_a_worker_is_not_registered_and_has_no_limit_of_offers() -> None:
    profile = WorkerProfile(capacity=1)
    assert not profile.available_for_offers
    assert profile.max_concurrent_offers is None


def test_a_channel_has_no_cap() -> None:
    assert Channel(channel_id="voice", capacity_cost_per_job=1).max_number_of_jobs is None


def test_a_selector_is_active_and_does_not_expire() -> None:
    plain: WorkerSelector = selector()
    assert (plain.is_active, plain.expires_after_seconds, plain.expedite) == (True, None, False)


def test_events_tell_a_queues_name_and_labels() -> None:
    queue = Queue(
        id="support", name="Support", labels={"Id": "support"}, distribution_policy_id="policy-1"
    )
    assert describe(queue) == QueueDetails(id="support", name="Support", labels={"Id": "support"})


def test_active_jobs_are_those_that_were_created_and_have_not_ended() -> None:
    others = {JobStatus.CREATED, JobStatus.CLOSED, JobStatus.CANCELLED}
    assert {status for status in JobStatus if status not in ACTIVE} == others
    assert others - TERMINAL == {JobStatus.CREATED}
