"""A local topic in a process of its own, for tests that kill it: folder, lease, webhook URLs.

Prints its URL once it serves.
"""

import asyncio
import sys
from pathlib import Path

from tests.local.topic_rig import served


async def main(folder: Path, lease: float, webhooks: list[str]) -> None:
    async with served(folder, *webhooks, lease=lease) as topic:
        sys.stdout.write(topic.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
