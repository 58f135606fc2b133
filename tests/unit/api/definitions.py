"""Definitions as the API lets them in, made up by Hypothesis."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.domain.channels import Channel
from shared.domain.classification import (
    Allocation,
    ClassificationPolicy,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.distribution import (
    DistributionMode,
    DistributionModeKind,
    DistributionPolicy,
    ScoringOptions,
    ScoringParameter,
)
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionPolicy,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.job_definition import JobDefinition, Note
from shared.domain.labels import LabelOperator
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.queues import Queue
from shared.domain.rules import (
    ClientCredential,
    DirectMapRule,
    ExpressionRule,
    FunctionCredential,
    FunctionRule,
    StaticRule,
    WebhookRule,
)
from shared.domain.selectors import QueueSelector, WorkerSelector
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
    kind = draw(st.sampled_from(DistributionModeKind))
    is_scored = kind is DistributionModeKind.BEST_WORKER
    return DistributionMode(
        kind=kind,
        min_concurrent_offers=least,
        max_concurrent_offers=most,
        bypass_selectors=draw(st.booleans()),
        scoring_rule=draw(maybe(_scoring_rules)) if is_scored else None,
        scoring_options=draw(maybe(_scoring_options)) if is_scored else None,
    )


_scoring_options = st.builds(
    ScoringOptions,
    batch_size=int32s,
    parameters=st.lists(st.sampled_from(ScoringParameter), unique=True).map(tuple),
    is_batch_enabled=st.booleans(),
    descending_order=st.booleans(),
)


@st.composite
def _queue_selectors(draw: st.DrawFn) -> QueueSelector:
    selector = draw(_selectors())
    return QueueSelector(key=selector.key, operator=selector.operator, value=selector.value)


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
    exception_policy_id=maybe(ids),
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
_json = st.recursive(
    st.none() | primitives,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
_uris = st.sampled_from(["https://a.example", "http://b.example:8080/api/f?code=1&x=%2F"])
# As they are read: without their secrets.
_function_credentials = st.builds(
    FunctionCredential, key=st.none(), client_id=maybe(st.sampled_from(["default", "a key"]))
)
_rules_without_value = (
    st.just(DirectMapRule())
    | st.builds(ExpressionRule, expression=texts)
    | st.builds(FunctionRule, function_uri=_uris, credential=maybe(_function_credentials))
    | st.builds(
        WebhookRule,
        authorization_server_uri=_uris,
        webhook_uri=_uris,
        credential=st.builds(ClientCredential, client_id=texts.filter(bool), secret=st.none()),
    )
)
_rules = st.builds(StaticRule, value=_json) | _rules_without_value
_scoring_rules = st.builds(StaticRule, value=primitives) | _rules_without_value


def few[T](strategy: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


def _attachments(
    selectors: st.SearchStrategy[Any], pass_through: st.SearchStrategy[PassThroughAttachment]
) -> st.SearchStrategy[Any]:
    allocations = st.builds(Allocation, weight=seconds, selectors=few(selectors))
    return (
        st.builds(StaticAttachment, selector=selectors)
        | st.builds(ConditionalAttachment, condition=_rules, selectors=few(selectors))
        | pass_through
        | st.builds(RuleAttachment, rule=_rules)
        | st.builds(
            WeightedAttachment,
            allocations=st.lists(allocations, min_size=1, max_size=2).map(tuple),
        )
    )


_passed_through = {"key": keys, "operator": st.sampled_from(LabelOperator)}
classification_policies = st.builds(
    ClassificationPolicy,
    id=st.just(ID),
    name=maybe(texts),
    fallback_queue_id=maybe(ids),
    queue_selector_attachments=few(
        _attachments(_queue_selectors(), st.builds(PassThroughAttachment, **_passed_through))
    ),
    prioritization_rule=maybe(_rules),
    worker_selector_attachments=few(
        _attachments(
            _selectors(),
            st.builds(
                PassThroughAttachment, **_passed_through, expires_after_seconds=maybe(seconds)
            ),
        )
    ),
)
_actions = (
    st.builds(CancelAction, id=ids, note=maybe(texts), disposition_code=maybe(texts))
    | st.builds(
        ReclassifyAction,
        id=ids,
        classification_policy_id=maybe(ids),
        labels_to_upsert=label_maps,
    )
    | st.builds(
        ManualReclassifyAction,
        id=ids,
        queue_id=maybe(ids),
        priority=maybe(st.integers(-100, 100)),
        worker_selectors=few(_selectors()),
    )
)
exception_policies = st.builds(
    ExceptionPolicy,
    id=st.just(ID),
    name=maybe(texts),
    rules=st.lists(
        st.builds(
            ExceptionRule,
            id=ids,
            trigger=st.builds(QueueLengthTrigger, threshold=st.integers(0, 2**31 - 1))
            | st.builds(WaitTimeTrigger, threshold_seconds=seconds),
            actions=st.lists(_actions, max_size=3, unique_by=lambda action: action.id).map(tuple),
        ),
        max_size=2,
        unique_by=lambda rule: rule.id,
    ).map(tuple),
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
