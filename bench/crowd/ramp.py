"""A crowd that grows while our engine lets it: `python -m bench.crowd.ramp MOST SECONDS OUT SPEECH…`.

The real engine behind the real port on the core this is started on, the load generator on the other. A call
comes up only where `has_room` says that it would not make the others late, as the exchange asks for each call
it dials; who is not let in waits. Prints one JSON line; OUT.ticks gets every tick of the engine.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.crowd.contenders import BUILD, LOAD_CORE, on_core
from bench.crowd.engine import BARGE_IN_MS, Stub, say
from bench.crowd.speech import answer
from byourside_server.lines.media_process import ProcessMediaPort

ASK_EVERY_S = 0.1
BARGE = 0.3
HOLD_S = 30.0
"""At the end nobody is let in any more, so that the crowd is seen as it stands."""
STEP = 25
"""After so many calls it is noted how the engine is."""


class Crowd:
    """Callers who wait, and those who were let in."""

    def __init__(self, media: ProcessMediaPort, folder: Path, until: float) -> None:
        self._media, self._folder, self._until = media, folder, until
        self._sound = answer()
        self.stubs: list[Stub] = []
        self.steps: list[dict[str, float]] = []
        self.asked_in_vain = 0

    async def grow(self, load: asyncio.subprocess.Process, ports: list[int]) -> None:
        """Let callers in while there is room, one by one, until it is time to stand still."""
        assert load.stdin
        started_at = time.monotonic()
        for number, port in enumerate(ports):
            while time.monotonic() < self._until - HOLD_S and not self._media.has_room():
                self.asked_in_vain += 1
                await asyncio.sleep(ASK_EVERY_S)
            if time.monotonic() >= self._until - HOLD_S:
                return
            load.stdin.write(f"{number} {await self._let_in(number, port)}\n".encode())
            if number % STEP == STEP - 1:
                await self._note(time.monotonic() - started_at)

    async def _let_in(self, number: int, port: int) -> int:
        line_id = f"call{number}"
        stub = Stub(self._media, line_id, self._sound)
        ours = await self._media.open(line_id, stub.hear)
        self._media.barge_in(line_id, True, BARGE_IN_MS)
        self._media.listen_along(line_id, True)
        self._media.connect(line_id, "127.0.0.1", port)
        self._media.start_recording(line_id, str(self._folder / f"{line_id}.wav"))
        self.stubs.append(stub)
        return ours

    async def _note(self, at_s: float) -> None:
        stats = await self._media.stats()
        step = {"at_s": at_s, "calls": len(self.stubs), "work_ms": stats.lately_work_ms}
        self.steps.append({name: round(value, 2) for name, value in step.items()})


async def ramp(most: int, seconds: float, out: str, speech: list[str]) -> None:
    media = ProcessMediaPort(capacity=most, engine_options=("--ticks-file", f"{out}.ticks"))
    await media.start()
    pipe = asyncio.subprocess.PIPE
    command = [str(BUILD / "rtp_load"), str(most), str(seconds), str(BARGE), "1", out, *speech]
    load = await asyncio.create_subprocess_exec(*on_core(LOAD_CORE, command, 1), stdin=pipe, stdout=pipe)
    assert load.stdin
    assert load.stdout
    ports = [int(port) for port in (await load.stdout.readline()).split()]
    load.stdin.write(b" ".join([b"0"] * most) + b"\n")
    with tempfile.TemporaryDirectory() as folder:
        crowd = Crowd(media, Path(folder), time.monotonic() + seconds)
        try:
            await crowd.grow(load, ports)
            counts = json.loads(await load.stdout.readline())
            await load.wait()
            for number in range(len(crowd.stubs)):
                media.close(f"call{number}")
            rows = await asyncio.gather(*(stub.closed for stub in crowd.stubs))
        finally:
            await media.stop()
    say(
        {
            "admitted": len(crowd.stubs),
            "asked_in_vain": crowd.asked_in_vain,
            "steps": crowd.steps,
            "load": counts,
            "lost_by_us": sum(row.packets_lost for row in rows),
            "received_by_us": sum(row.packets_received for row in rows),
        }
    )


if __name__ == "__main__":
    asyncio.run(ramp(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4:]))
