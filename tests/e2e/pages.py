"""Pages of the documentation, followed as a reader does: block after block in one program.

A ``text`` block right after a ``python`` block is what that block prints.
"""

import contextlib
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

_PART = re.compile(
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$|^#+ (?P<heading>[^\n]+)$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """``heading``: under which it stands. ``line``: where its text begins, from 1."""

    language: str
    text: str
    heading: str
    line: int

    @property
    def code(self) -> str:
        """Shifted so that a traceback names the lines of the page."""
        return "\n" * (self.line - 1) + self.text


END = Block("", "", "", 0)


def blocks_of(page: Path) -> Iterator[Block]:
    text, heading = page.read_text(encoding="utf-8"), ""
    for part in _PART.finditer(text):
        if part["heading"]:
            heading = part["heading"]
        else:
            line = text.count("\n", 0, part.start("text")) + 1
            yield Block(part["language"], part["text"], heading, line)


@dataclass(frozen=True)
class Example:
    """A Python block; ``printed`` is None if the page does not say what it prints."""

    block: Block
    printed: str | None


def examples_of(page: Path) -> Iterator[Example]:
    for block, following in pairwise([*blocks_of(page), END]):
        if block.language == "python":
            yield Example(block, following.text if following.language == "text" else None)


class Reader:
    """Follows a page from its beginning. ``names`` is what its code has defined so far."""

    def __init__(self, page: Path) -> None:
        self.names: dict[str, Any] = {"__name__": page.stem}
        self._page = page
        self._ahead = deque(examples_of(page))

    def follow_to(self, heading: str) -> str:
        """Runs everything that comes before this heading. Gives what it printed."""
        assert any(example.block.heading == heading for example in self._ahead), heading
        printed = ""
        while self._ahead[0].block.heading != heading:
            printed += self.follow_next()
        return printed

    def follow_next(self) -> str:
        """Runs one block. Gives what it printed."""
        return self._follow(self._ahead.popleft())

    def follow_to_end(self) -> str:
        """Runs the rest of the page. Gives what it printed."""
        printed = ""
        while self._ahead:
            printed += self.follow_next()
        return printed

    @property
    def is_finished(self) -> bool:
        return not self._ahead

    def _follow(self, example: Example) -> str:
        block, output = example.block, io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(block.code, self._page, "exec"), self.names)
        printed = output.getvalue()
        if example.printed is not None:
            assert printed == example.printed, f"{self._page}:{block.line} prints:\n{printed}"
        return printed
