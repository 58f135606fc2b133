"""The C# of the documentation is C#. Its syntax is all that can be told without a compiler."""

from pathlib import Path

import pytest
import tree_sitter_c_sharp
from tree_sitter import Language, Parser

from tests.e2e.pages import Block, blocks_of

ROOT = Path(__file__).parents[2]
PARSER = Parser(Language(tree_sitter_c_sharp.language()))
SAMPLES = [
    pytest.param(block, id=f"{page.stem}:{block.line}")
    for page in sorted(ROOT.glob("docs/**/*.md"))
    for block in blocks_of(page)
    if block.language == "csharp"
]


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 2


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_can_be_parsed(sample: Block) -> None:
    assert not is_broken(sample.text)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("sign", [";", ")", "}"])
def test_a_sample_that_lacks_something_is_found(sample: Block, sign: str) -> None:
    before, _, after = sample.text.rpartition(sign)
    assert is_broken(before + after)


def is_broken(text: str) -> bool:
    return PARSER.parse(text.encode()).root_node.has_error
