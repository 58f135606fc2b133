"""The order in which definitions are written, and what becomes of an interruption."""

import pytest

from infra.migrate.documents import AVAILABILITY, Document, Kind
from infra.migrate.errors import MigrationError
from infra.migrate.importing import Import, Outcome
from infra.migrate.secrets import Secrets
from infra.migrate.snapshot import Snapshot
from tests.unit.migrate.routers import Router, snapshot, untracked

RULE = {"kind": "function", "functionUri": "https://rules.example/", "credential": {}}
CIRCLE = snapshot(
    distribution_policies={"d": {}},
    queues={
        "q": {"distributionPolicyId": "d", "exceptionPolicyId": "e"},
        "fallback": {"distributionPolicyId": "d", "exceptionPolicyId": "e"},
    },
    classification_policies={"c": {"fallbackQueueId": "fallback", "prioritizationRule": RULE}},
    exception_policies={
        "e": {
            "exceptionRules": [
                {"actions": [{"classificationPolicyId": "c"}, {"queueId": "q"}]},
            ]
        }
    },
    workers={"w": {"queues": ["q"], AVAILABILITY: True}},
)


def bring(
    router: Router, wanted: Snapshot, secrets: Secrets | None = None, *ignoring: str
) -> Outcome:
    work = Import(router, router.snapshot, secrets or {}, ignoring)
    work.run(wanted, untracked)
    return work.outcome


def test_what_is_named_is_written_before_what_names_it() -> None:
    router = Router(snapshot())
    outcome = bring(router, CIRCLE)
    assert outcome.refused == {}
    assert len(outcome.written) == 6
    assert router.snapshot == CIRCLE
    assert [(kind, id) for kind, id, _ in router.patches] == [
        (Kind.DISTRIBUTION_POLICIES, "d"),
        (Kind.QUEUES, "q"),
        (Kind.QUEUES, "fallback"),
        (Kind.CLASSIFICATION_POLICIES, "c"),
        (Kind.EXCEPTION_POLICIES, "e"),
        (Kind.QUEUES, "q"),
        (Kind.QUEUES, "fallback"),
        (Kind.WORKERS, "w"),
    ]


def test_what_is_the_same_is_not_written() -> None:
    router = Router(CIRCLE)
    assert bring(router, CIRCLE) == Outcome()
    assert router.patches == []


@pytest.mark.parametrize("room", range(8))
def test_an_interrupted_import_goes_on_where_it_was(room: int) -> None:
    router = Router(snapshot(), room)
    with pytest.raises(MigrationError):
        bring(router, CIRCLE)
    resumed = Router(router.snapshot)
    bring(resumed, CIRCLE)
    assert resumed.snapshot == CIRCLE
    assert len(router.patches) + len(resumed.patches) == 8


def test_a_queue_keeps_its_exception_policy_until_it_gets_the_new_one() -> None:
    router = Router(CIRCLE)
    changed: Document = {"distributionPolicyId": "d", "name": "new"}
    bring(router, snapshot(distribution_policies={"d": {}}, queues={"q": changed}))
    assert [patch for _, _, patch in router.patches] == [
        {"name": "new"},
        {"exceptionPolicyId": None},
    ]


def test_what_is_not_wanted_stays() -> None:
    router = Router(CIRCLE)
    bring(router, snapshot())
    assert router.snapshot == CIRCLE


def test_whether_workers_are_available_may_be_left_alone() -> None:
    router = Router(CIRCLE)
    workers: dict[str, Document] = {"w": {"queues": ["q"]}, "new": {AVAILABILITY: True}}
    outcome = bring(router, snapshot(workers=workers), None, AVAILABILITY)
    assert outcome.written == {(Kind.WORKERS, "new")}
    assert router.documents[Kind.WORKERS] == {"w": CIRCLE.of(Kind.WORKERS)["w"], "new": {}}


def test_one_that_is_refused_does_not_stop_the_others() -> None:
    router = Router(snapshot())
    workers: dict[str, Document] = {"v": {"queues": ["missing"]}, "w": {}}
    outcome = bring(router, snapshot(workers=workers))
    assert outcome.refused == {(Kind.WORKERS, "v"): "There is no queues/missing."}
    assert outcome.written == {(Kind.WORKERS, "w")}


def test_secrets_are_written_although_nothing_else_differs() -> None:
    place = "classificationPolicies/c#/prioritizationRule"
    router = Router(CIRCLE)
    assert bring(router, CIRCLE, {place: {"functionKey": "k"}}).unmet == {}
    ((kind, id, patch),) = router.patches
    assert (kind, id) == (Kind.CLASSIFICATION_POLICIES, "c")
    assert patch == {"prioritizationRule": {**RULE, "credential": {"functionKey": "k"}}}


def test_secrets_that_are_missing_are_named() -> None:
    outcome = bring(Router(snapshot()), CIRCLE)
    assert list(outcome.unmet) == ["classificationPolicies/c#/prioritizationRule"]
