"""Links between the pages of the documentation, and into the code, lead somewhere."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_LINKED_TEXT = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in links_in(page) if not is_found(page, target)] == []


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("other.md", True),
        ("folder/", True),
        ("#a-heading-with-code-and-a-link", True),
        ("#twice-1", True),
        ("other.md#größe", True),
        ("missing.md", False),
        ("#missing", False),
        ("#not-a-heading", False),
        ("other.md#twice", False),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, target: str, found: bool) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        f"# A heading, with `code` and [a link]({target})\n\n## Twice\n\n## Twice\n\n"
        "```sh\n# Not a heading\ncat [x](nowhere.md)\n```\n`[y](nowhere.md)`\n"
    )
    (tmp_path / "other.md").write_text("# Größe\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    assert list(links_in(page)) == [target]
    assert is_found(page, target) is found


def links_in(page: Path) -> Iterator[str]:
    """Targets of links that are not to another site."""
    text = _CODE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    for match in _LINK.finditer(text):
        target = match[1] or match[2]
        if not _EXTERNAL.match(target):
            yield target


def is_found(page: Path, target: str) -> bool:
    path, _, anchor = unquote(target).partition("#")
    linked = page.parent / path if path else page
    if not anchor:
        return linked.exists()
    return linked.is_file() and anchor in anchors_of(linked)


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives to headings; one given before gets a number."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        anchor = _anchor(heading)
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(anchors)


def _anchor(heading: str) -> str:
    text = _LINKED_TEXT.sub(r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
