"""Exception policies: what is done when a queue grows or a job waits too long."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.labels import Labels, identical
from shared.domain.selectors import WorkerSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLengthTrigger:
    """Fires when a job is to join a queue in which ``threshold`` jobs wait already."""

    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTimeTrigger:
    """Fires once a job has waited in the queue for so long."""

    threshold_seconds: float


type ExceptionTrigger = QueueLengthTrigger | WaitTimeTrigger


UNNAMED: Final = ""
"""The id of an action for which the application leaves it to the router to find one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAction:
    id: str
    note: str | None = None
    disposition_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclassifyAction:
    """Classifies the job again, by its own policy (``None``) or by another that it gets."""

    id: str
    classification_policy_id: str | None = None
    labels_to_upsert: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualReclassifyAction:
    """Sets what a classification would. ``None``, or no selectors: what the job has stays."""

    id: str
    queue_id: str | None = None
    priority: int | None = None
    worker_selectors: tuple[WorkerSelector, ...] = ()


type ExceptionAction = CancelAction | ReclassifyAction | ManualReclassifyAction


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRule:
    """The actions are taken in their order."""

    id: str
    trigger: ExceptionTrigger
    actions: tuple[ExceptionAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionPolicy:
    """Rules whose triggers fire at the same time are followed in their order."""

    id: str
    name: str | None = None
    rules: tuple[ExceptionRule, ...] = ()

    def classifies_by(self, classification_policy_id: str) -> bool:
        """Whether it gives jobs that policy; not whether it classifies them by their own."""
        return any(
            isinstance(action, ReclassifyAction)
            and action.classification_policy_id == classification_policy_id
            for rule in self.rules
            for action in rule.actions
        )

    def moves_jobs_to(self, queue_id: str) -> bool:
        """Whether it names the queue; not whether a classification may find it."""
        return any(
            isinstance(action, ManualReclassifyAction) and action.queue_id == queue_id
            for rule in self.rules
            for action in rule.actions
        )

    @property
    def overflow_moves(self) -> Iterator[tuple[str, str]]:
        """Where its rules on the length send jobs: the path of the member that names the queue,
        and the queue's id."""
        for rule_number, rule in enumerate(self.rules):
            if not isinstance(rule.trigger, QueueLengthTrigger):
                continue
            for number, action in enumerate(rule.actions):
                if isinstance(action, CancelAction):
                    break
                if isinstance(action, ManualReclassifyAction) and action.queue_id is not None:
                    place = f"exceptionRules[{rule_number}].actions[{number}].queueId"
                    yield place, action.queue_id


def with_action_ids(
    policy: ExceptionPolicy, known: ExceptionPolicy | None, new_id: Callable[[], str]
) -> ExceptionPolicy:
    """The policy with an id for every action that is unnamed.

    An action that the same rule of ``known`` has already keeps the id that it has there: to write
    the same policy twice changes nothing.
    """
    actions = {rule.id: rule.actions for rule in known.rules} if known else {}
    rules = [
        replace(rule, actions=tuple(_named(rule.actions, actions.get(rule.id, ()), new_id)))
        for rule in policy.rules
    ]
    return replace(policy, rules=tuple(rules))


def _named(
    actions: Sequence[ExceptionAction],
    known: Iterable[ExceptionAction],
    new_id: Callable[[], str],
) -> Iterator[ExceptionAction]:
    given = {action.id for action in actions}
    free = [action for action in known if action.id not in given]
    for action in actions:
        if action.id != UNNAMED:
            yield action
            continue
        same = next((one for one in free if identical(replace(one, id=UNNAMED), action)), None)
        if same is not None:
            free.remove(same)
        yield same or replace(action, id=new_id())
