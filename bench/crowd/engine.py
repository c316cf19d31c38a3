"""Our media engine holding a crowd: `python -m bench.crowd.engine CALLS OUT [engine's options]`.

The real engine process behind the real port, every part on: jitter buffer, voice activity, turns, barge-in,
tones, stereo recording to disk. The speech engines are stubs at the provider door: recognition is fed each
caller's speech in pieces of 100 ms while it goes on, and three seconds of speech are handed back in pieces
as soon as a turn is over. Both processes run on the core this one is started on.

Talks to the load generator over standard input and output, one JSON line each: first the callers' ports come
in and ours go out; when its input closes, calls end and the figures go out. OUT.ticks gets every tick.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from bench.crowd.speech import answer
from bench.machine import peak_kib
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.media.messages import (
    Closed,
    LineEvent,
    RowStats,
    SpeechPiece,
    SpeechStarted,
    SpeechStopped,
)

BARGE_IN_MS = 100
PIECE_BYTES = 4000
"""Half a second of the answer in each message, as a vendor would stream it."""


class Stub:
    """Ears, mind and voice of one call, which cost nothing and answer at once."""

    def __init__(self, media: ProcessMediaPort, line_id: str, sound: bytes) -> None:
        self._media, self._line_id, self._sound = media, line_id, sound
        self._clip = 0
        self.turns = self.fed_bytes = 0
        self.closed: asyncio.Future[RowStats] = asyncio.get_running_loop().create_future()

    def hear(self, event: LineEvent) -> None:
        match event:
            case SpeechPiece():
                self.fed_bytes += len(event.ulaw)
            case SpeechStarted():
                self.turns += 1
            case SpeechStopped():
                self._answer()
            case Closed():
                self.closed.set_result(event.stats)

    def _answer(self) -> None:
        self._clip += 1
        for at in range(0, len(self._sound), PIECE_BYTES):
            last = at + PIECE_BYTES >= len(self._sound)
            self._media.play(self._line_id, self._clip, self._sound[at : at + PIECE_BYTES], last=last)


async def hold(calls: int, out: str, options: list[str]) -> None:
    """Hold the crowd until standard input closes."""
    media = ProcessMediaPort(capacity=calls, engine_options=("--ticks-file", f"{out}.ticks", *options))
    await media.start()
    theirs = json.loads(await asyncio.to_thread(sys.stdin.readline))
    sound = answer()
    stubs = [Stub(media, f"call{number}", sound) for number in range(calls)]
    with tempfile.TemporaryDirectory() as folder:
        ours = []
        for number, stub in enumerate(stubs):
            line_id = f"call{number}"
            ours.append(await media.open(line_id, stub.hear))
            media.barge_in(line_id, True, BARGE_IN_MS)
            media.listen_along(line_id, True)
        for number, port in enumerate(theirs):
            media.connect(f"call{number}", "127.0.0.1", port)
            media.start_recording(f"call{number}", str(Path(folder) / f"{number}.wav"))
        before = await media.stats()
        started = time.monotonic(), time.process_time(), media.cpu_s()
        say(ours)
        await asyncio.to_thread(sys.stdin.read)
        stats = await media.stats()
        seconds, brain_s, engine_s = (
            time.monotonic() - started[0],
            time.process_time() - started[1],
            media.cpu_s() - started[2],
        )
        memory_kib = peak_kib(media.pid or 0)
        for number in range(calls):
            media.close(f"call{number}")
        rows = await asyncio.gather(*(stub.closed for stub in stubs))
        recorded = bytes_in(folder)
    await media.stop()
    stages = {name: value - getattr(before.stages, name) for name, value in asdict(stats.stages).items()}
    say(
        {
            "seconds": seconds,
            "engine_cpu_s": engine_s,
            "port_cpu_s": brain_s,
            "engine_memory_kib": memory_kib,
            "port_memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "ticks": stats.ticks - before.ticks,
            "stages": stages,
            "turns": sum(stub.turns for stub in stubs),
            "fed_s": sum(stub.fed_bytes for stub in stubs) / 8000,
            "recorded_bytes": recorded,
            "packets": {
                name: sum(getattr(row, f"packets_{name}") for row in rows)
                for name in ("received", "lost", "late", "duplicate", "skipped", "sent")
            },
        }
    )


def bytes_in(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).iterdir())


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(hold(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
