"""The file, and what two snapshots differ in."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.migrate.differences import differences
from infra.migrate.documents import Document
from infra.migrate.errors import MigrationError
from infra.migrate.progress import tracking
from infra.migrate.snapshot import FORMAT, VERSION, Snapshot
from tests.unit.migrate.routers import snapshot

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "router.json"
    written = snapshot(queues={"b": {"name": "Größe"}, "a": {}}, workers={"w": {"capacity": 1}})
    written.save(file, endpoint="https://router.example", now=NOW)
    assert Snapshot.load(file) == written
    content = json.loads(file.read_text(encoding="utf-8"))
    assert list(content["queues"]) == ["a", "b"]
    assert content["exportedAt"] == "2026-03-01T09:30:00+00:00"
    assert [each.name for each in tmp_path.iterdir()] == ["router.json"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "no JSON object"),
        ("{}", "version 1"),
        (json.dumps({"format": FORMAT, "version": VERSION + 1}), "version 1"),
        (json.dumps({"format": FORMAT, "version": VERSION, "queues": []}), "damaged"),
        (json.dumps({"format": FORMAT, "version": VERSION, "queues": {"q": 1}}), "damaged"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "router.json"
    file.write_text(text)
    with pytest.raises(MigrationError, match=reason):
        Snapshot.load(file)


def test_differences_are_shown_by_kind_and_id() -> None:
    one: Document = {"labels": {"a": 1, "b": 2}, "mode": {"maxConcurrentOffers": 1}}
    other: Document = {"labels": {"a": True, "b": 2}, "name": "n", "exceptionPolicyId": "e"}
    first = snapshot(queues={"a": {}, "c": one}, workers={"same": {"capacity": 1}})
    second = snapshot(queues={"b": {}, "c": other}, workers={"same": {"capacity": 1, "tags": {}}})
    shown = [line for each in differences(first, second) for line in str(each).splitlines()]
    assert shown == [
        "- queues/a",
        "+ queues/b",
        "~ queues/c",
        '    exceptionPolicyId: (not set) -> "e"',
        "    labels.a: 1 -> true",
        '    name: (not set) -> "n"',
    ]
    ignored = differences(first, second, ("labels", "name", "exceptionPolicyId"))
    assert [each.id for each in ignored] == ["a", "b"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "ending"), [(io.StringIO(), "3 of 3"), (Terminal(), "3/3")])
def test_progress_is_told(stream: io.StringIO, ending: str) -> None:
    with tracking(stream) as track:
        assert list(track("abc", "queues", 3)) == ["a", "b", "c"]
    assert "queues" in stream.getvalue()
    assert ending in stream.getvalue()
