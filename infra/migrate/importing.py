"""Makes the definitions of one router those of another, as far as they are not that yet.

Nothing is noted of what was done: every document is compared with the one that is there, and what
is the same is not written. So an import that was interrupted is resumed by starting it again.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from infra.migrate.documents import Document, Kind, merge_patch, without
from infra.migrate.endpoint import Endpoint, Refused
from infra.migrate.progress import Track
from infra.migrate.secrets import Need, Secrets, needs, with_secrets
from infra.migrate.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Step:
    """All of a kind, without some members."""

    label: str
    kind: Kind
    without: frozenset[str] = frozenset()


# A queue names an exception policy, which may name queues, also by a classification policy that
# falls back to one. So queues come first without their exception policies, and get them later.
STEPS: Final = (
    Step("distribution policies", Kind.DISTRIBUTION_POLICIES),
    Step("queues", Kind.QUEUES, without=frozenset({"exceptionPolicyId"})),
    Step("classification policies", Kind.CLASSIFICATION_POLICIES),
    Step("exception policies", Kind.EXCEPTION_POLICIES),
    Step("exceptions of queues", Kind.QUEUES),
    Step("workers", Kind.WORKERS),
)


@dataclass(slots=True)
class Outcome:
    """What was written, by kind and id; and what was not, with the reason.

    ``unmet``: secrets that were not given of what was written or refused.
    """

    written: set[tuple[Kind, str]] = field(default_factory=set)
    refused: dict[tuple[Kind, str], str] = field(default_factory=dict)
    unmet: dict[str, Need] = field(default_factory=dict)


class Import:
    """Writes definitions to an endpoint that has the present ones.

    ``ignoring``: members that are neither compared nor written.
    """

    def __init__(
        self, endpoint: Endpoint, present: Snapshot, secrets: Secrets, ignoring: Collection[str]
    ) -> None:
        self.outcome = Outcome()
        self._endpoint = endpoint
        self._present = {kind: dict(present.of(kind)) for kind in Kind}
        self._secrets = secrets
        self._ignoring = frozenset(ignoring)

    def run(self, wanted: Snapshot, track: Track) -> None:
        """:raises MigrationError: the router cannot be reached or does not let us in."""
        for step in STEPS:
            documents = wanted.of(step.kind)
            for id, document in track(documents.items(), step.label, len(documents)):
                self._bring(step, id, document)

    def _bring(self, step: Step, id: str, document: Document) -> None:
        left_out = step.without | self._ignoring
        filled = with_secrets(step.kind, id, without(document, left_out), self._secrets)
        present = self._present[step.kind].get(id)
        patch = filled if present is None else merge_patch(without(present, left_out), filled)
        if patch is not None:
            self._note_unmet(step.kind, id, document)
            self._write(step.kind, id, patch)

    def _write(self, kind: Kind, id: str, patch: Document) -> None:
        self.outcome.refused.pop((kind, id), None)
        try:
            self._present[kind][id] = self._endpoint.write(kind, id, patch)
        except Refused as refused:
            self.outcome.refused[kind, id] = str(refused)
        else:
            self.outcome.written.add((kind, id))

    def _note_unmet(self, kind: Kind, id: str, document: Document) -> None:
        unmet = (need for need in needs(kind, id, document) if need.place not in self._secrets)
        self.outcome.unmet.update((need.place, need) for need in unmet)
