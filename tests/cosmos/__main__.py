"""Runs the double until it is interrupted: ``python -m tests.cosmos --port 8081 --ranges 3``."""

import argparse
import asyncio

from tests.cosmos.double import Options, running_double


async def _serve(options: Options) -> None:
    async with running_double(options) as double:
        print(f"{double.endpoint} with the emulator's key", flush=True)  # noqa: T201
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=Options.port)
    parser.add_argument("--ranges", type=int, default=Options.ranges)
    arguments = parser.parse_args()
    asyncio.run(_serve(Options(port=arguments.port, ranges=arguments.ranges)))
