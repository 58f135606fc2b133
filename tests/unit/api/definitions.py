"""Definitions as the API lets them in, made up by Hypothesis."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionMode, DistributionModeKind, DistributionPolicy
from shared.domain.jobs import JobDefinition, Note
from shared.domain.labels import LabelOperator
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import WorkerProfile

ID = "the-id"

_letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\\ufffd")
ids = st.text(_letters, min_size=1, max_size=20).map(str.strip).filter(lambda text: text.strip("."))
keys = st.text(_letters, min_size=1, max_size=10)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
times = st.datetimes(timezones=st.just(UTC))
int32s = st.integers(1, 2**31 - 1)
primitives = (
    texts
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
label_maps = st.dictionaries(keys, primitives, max_size=4)
own_labels = label_maps.map(lambda labels: {**labels, "Id": ID})
seconds = st.floats(1e-3, 1e9)


def maybe[T](strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


@st.composite
def _modes(draw: st.DrawFn) -> DistributionMode:
    least, most = sorted(draw(st.tuples(int32s, int32s)))
    return DistributionMode(
        kind=draw(st.sampled_from(DistributionModeKind)),
        min_concurrent_offers=least,
        max_concurrent_offers=most,
        bypass_selectors=draw(st.booleans()),
    )


@st.composite
def _selectors(draw: st.DrawFn) -> WorkerSelector:
    operator = draw(st.sampled_from(LabelOperator))
    numbers = st.integers(-1000, 1000) | st.floats(-1e9, 1e9)
    equality = operator in {LabelOperator.EQUAL, LabelOperator.NOT_EQUAL}
    return WorkerSelector(
        key=draw(keys),
        operator=operator,
        value=draw(primitives if equality else numbers),
        expires_after_seconds=draw(maybe(seconds)),
        expedite=draw(st.booleans()),
    )


policies = st.builds(
    DistributionPolicy,
    id=st.just(ID),
    name=maybe(texts),
    offer_expires_after_seconds=st.floats(1e-3, 90 * 86400),
    mode=_modes(),
)
queues = st.builds(
    Queue,
    id=st.just(ID),
    distribution_policy_id=ids,
    name=maybe(texts),
    labels=own_labels,
)
jobs = st.builds(
    JobDefinition,
    channel_id=ids,
    queue_id=ids,
    channel_reference=maybe(texts),
    priority=st.integers(-100, 100),
    disposition_code=maybe(texts),
    labels=label_maps,
    tags=label_maps,
    requested_worker_selectors=st.lists(_selectors(), max_size=3).map(tuple),
    notes=st.lists(st.builds(Note, message=texts, added_at=times), max_size=3).map(tuple),
    matching_mode=st.just(QueueAndMatch())
    | st.just(Suspend())
    | st.builds(ScheduleAndSuspend, schedule_at=times),
)
workers = st.builds(
    WorkerProfile,
    capacity=int32s,
    queues=st.lists(ids, max_size=3, unique=True).map(tuple),
    channels=st.lists(
        st.builds(
            Channel,
            channel_id=ids,
            capacity_cost_per_job=int32s,
            max_number_of_jobs=maybe(int32s),
        ),
        max_size=3,
        unique_by=lambda channel: channel.channel_id,
    ).map(tuple),
    labels=own_labels,
    tags=label_maps,
    available_for_offers=st.booleans(),
    max_concurrent_offers=maybe(int32s),
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
