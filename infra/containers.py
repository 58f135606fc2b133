"""The containers for Bicep: `python -m infra.containers` writes infra/app/containers.json.

They are defined in the store's own code. A test compares the file with it.
"""

import json
from pathlib import Path

from shared.storage.cosmos.containers import CONTAINERS, DEFAULT_TIME_TO_LIVE

FILE = Path(__file__).parent / "app" / "containers.json"


def containers_as_json() -> str:
    """What the file has to be."""
    containers = [
        {
            "name": container.name,
            "partitionKey": container.partition_key_path,
            "defaultTimeToLive": DEFAULT_TIME_TO_LIVE,
            "indexingPolicy": container.indexing_policy,
        }
        for container in CONTAINERS
    ]
    return json.dumps(containers, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(containers_as_json(), encoding="utf-8")
