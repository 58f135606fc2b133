"""What the Azure CLI knows of the commands, recorded from a release of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.infra.az.documented import Command

RECORD = Path(__file__).with_name("commands.json")


@dataclass(frozen=True, slots=True)
class Signature:
    """Each option by its names. ``required``: those without which the command is refused."""

    required: Sequence[Sequence[str]]
    optional: Sequence[Sequence[str]]

    def __contains__(self, option: str) -> bool:
        return any(option in names for names in (*self.required, *self.optional))

    def missing(self, given: Sequence[str]) -> Iterator[str]:
        return (names[0] for names in self.required if not set(names) & set(given))


@cache
def signatures() -> Mapping[str, Signature]:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))["commands"]
    return {words: Signature(**signature) for words, signature in recorded.items()}


@cache
def options_of_every_command() -> frozenset[str]:
    return frozenset(json.loads(RECORD.read_text(encoding="utf-8"))["options"])


def complaints_about(command: Command) -> Iterator[str]:
    signature = signatures().get(command.words)
    if signature is None:
        yield f"{command} is not a command"
        return
    for option in command.options:
        if option not in signature and option not in options_of_every_command():
            yield f"{command} has no option {option}"
    for option in signature.missing(command.options) if command.is_whole else ():
        yield f"{command} lacks {option}"
