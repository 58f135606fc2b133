"""A query of all partitions while the database splits one of its ranges."""

from collections.abc import AsyncIterator
from typing import Any, cast

from azure.cosmos.aio import ContainerProxy

from shared.storage.cosmos.access import Container, Patience
from shared.storage.cosmos.conditions import Conditions

WHOLE, LEFT, RIGHT = {"range": "whole"}, {"range": "left"}, {"range": "right"}
KEYS = {"left": ["b", "d", "e"], "right": ["a", "c", "f"]}


class SplittingContainer:
    """Is split at its first query; then what was one range answers with its left part first.

    So does the SDK answer for a range that it finds split.
    """

    def __init__(self) -> None:
        self._ranges = [WHOLE]

    async def read_feed_ranges(self) -> AsyncIterator[dict[str, str]]:
        for each in self._ranges:
            yield each

    async def query_items(
        self, _text: str, *, feed_range: dict[str, str], **_options: Any
    ) -> AsyncIterator[dict[str, str]]:
        self._ranges = [LEFT, RIGHT]
        parts = [feed_range] if feed_range in (LEFT, RIGHT) else [LEFT, RIGHT]
        for part in parts:
            for key in KEYS[part["range"]]:
                yield {"listKey": key}


async def test_no_result_is_missed() -> None:
    container = Container(cast(ContainerProxy, SplittingContainer()), Patience())
    conditions = Conditions()
    conditions.after("listKey", None)
    results = await container.query(conditions.select("listKey"), 3)
    assert [result["listKey"] for result in results] == ["a", "b", "c"]
