"""Rules applied one after the other, as one transition."""

from shared.domain.events import WorkerDeregistered
from shared.domain.transitions import Transition
from tests.unit.domain.builders import released

GONE = WorkerDeregistered(worker_id="ann")
BACK = WorkerDeregistered(worker_id="bob")


def test_a_further_rule_sees_the_outcome_and_adds_to_what_follows() -> None:
    first = Transition(1, (GONE,), (released("ann", "offer-1"),))
    both = first.then(lambda n: Transition(n + 1, (BACK,), (released("bob", "offer-2"),)))
    assert both == Transition(
        2, (GONE, BACK), (released("ann", "offer-1"), released("bob", "offer-2"))
    )


def test_nothing_happens_after_the_end() -> None:
    ended: Transition[int] = Transition(None, (GONE,))
    assert ended.then(lambda n: Transition(n, (BACK,))) == ended
