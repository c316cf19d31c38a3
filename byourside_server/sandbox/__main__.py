"""The sandbox network as a program of its own: `python -m byourside_server.sandbox`.

Prints `ready HOST PORT` once it takes calls, and ends when its standard input does, so that it never
outlives the server that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.sandbox.carrier import SandboxCarrier


async def serve(host: str, port: int, capacity: int, journal: Path | None) -> None:
    """Ring phones until standard input ends."""
    media = ProcessMediaPort(capacity=capacity, host=host)
    await media.start()
    carrier = SandboxCarrier(media, journal=journal)
    try:
        bound = await carrier.open(host, port)
        sys.stdout.write(f"ready {host} {bound}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.buffer.read)
    finally:
        await carrier.close()
        await media.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="byourside_server.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--capacity", type=int, default=64, help="calls at once")
    parser.add_argument("--journal", type=Path, help="file that gets a JSON line for every call dialled")
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.host, given.port, given.capacity, given.journal))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        sys.stderr.write(f"The sandbox can't listen on {given.host}:{given.port}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
