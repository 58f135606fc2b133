"""The commands of the Azure CLI that the documentation tells its readers to give."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(az\s[^`]+)`")
_PLACEHOLDER = re.compile(r"<[^<>]+>")
_NESTED = re.compile(r"\$\((az [^()]*)\)")


@dataclass(frozen=True, slots=True)
class Command:
    """``options``: as they are written. ``is_whole``: it is to be given just so, not only named."""

    page: Path
    words: str
    options: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.page.name}: az {self.words}"


def documented_commands(page: Path) -> Iterator[Command]:
    text = page.read_text(encoding="utf-8")
    for block in _BLOCK.findall(text):
        for statement in _statements(block):
            yield _command(page, statement, is_whole=True)
    for span in _SPAN.findall(_BLOCK.sub("", text)):
        yield _command(page, span, is_whole=" -" in span)


def _statements(block: str) -> Iterator[str]:
    """The lines that give a command, and before them the commands whose output they use."""
    lines = iter(_PLACEHOLDER.sub("X", block).replace("\\\n", " ").splitlines())
    for line in lines:
        if not line.strip().startswith("az "):
            continue
        while not _is_closed(line):
            line += "\n" + next(lines)
        yield from _NESTED.findall(line)
        yield _NESTED.sub("X", line)


def _is_closed(line: str) -> bool:
    """No quotation goes on in the next line."""
    try:
        shlex.split(line)
    except ValueError:
        return False
    return True


def _command(page: Path, statement: str, *, is_whole: bool) -> Command:
    _, *parts = shlex.split(_PLACEHOLDER.sub("X", statement))
    first = next((at for at, part in enumerate(parts) if part.startswith("-")), len(parts))
    options = tuple(part for part in parts[first:] if part.startswith("-"))
    return Command(page, " ".join(parts[:first]), options, is_whole)
