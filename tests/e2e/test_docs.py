"""The tours of the documentation, run as a reader runs them: block after block in one program.

A ``text`` block right after a ``python`` block is what that block prints.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import RunningRouter
from tests.local.host_rig import ROOT

TOURS = ("README.md", "docs/tutorial/first-job.md")

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """``line``: where in the page its text begins, from 1."""

    language: str
    text: str
    line: int

    @property
    def code(self) -> str:
        """Shifted so that a traceback names the lines of the page."""
        return "\n" * (self.line - 1) + self.text


END = Block("", "", 0)


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(m["language"], m["text"], text.count("\n", 0, m.start("text")) + 1)
        for m in _BLOCK.finditer(text)
    ]


def examples_of(page: Path) -> Iterator[tuple[Block, str | None]]:
    """Each Python block, with what it should print if the page says so."""
    for block, following in pairwise([*blocks_of(page), END]):
        if block.language == "python":
            yield block, following.text if following.language == "text" else None


@pytest.mark.parametrize("name", TOURS)
def test_a_tour_does_what_it_says(
    name: str, running_router: RunningRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBROUTER_CONNECTION_STRING", running_router.connection_string)
    monkeypatch.setenv("JOBROUTER_CA_CERTIFICATE", running_router.ca_certificate)
    page = ROOT / name
    examples = list(examples_of(page))
    assert any(printed is not None for _, printed in examples)
    namespace: dict[str, Any] = {"__name__": "tour"}
    for block, printed in examples:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(block.code, page, "exec"), namespace)
        if printed is not None:
            assert output.getvalue() == printed, f"{name}, line {block.line}"
