"""Our media engine holding a crowd: `python -m bench.crowd.engine CALLS OUT CORES [engine's options]`.

The real engine process behind the real port, every part on: jitter buffer, voice activity, turns, barge-in,
tones, stereo recording to disk. The speech engines are stubs at the provider door: recognition is fed each
caller's speech in pieces of 100 ms while it goes on, and three seconds of speech are handed back in pieces
as soon as a turn is over. One engine on each of CORES (`1`, or `1,0`); this process, which holds the port and
the stubs, stays on the core it is started on.

Talks to the load generator over standard input and output, one JSON line each: first the callers' ports come
in and ours go out; when its input closes, calls end and the figures go out. OUT.ticks gets every tick of the
first engine, OUT.ticks1 of the second.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from array import array
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.crowd.speech import RATE_HZ, answer
from bench.machine import dropped_on, own_kib, peak_kib
from byourside_server.lines.media_pool import MediaPool
from byourside_server.lines.media_port import MediaPort
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
GROUP = 20
"""So many calls are connected before the engine is asked whether it is done: it is not late before it begins,
and when each call's clock began is known to a tick or two."""
PIECE_BYTES = 4000
"""Half a second of the answer in each message, as a vendor would stream it."""


class Stub:
    """Ears, mind and voice of one call, which cost nothing and answer at once."""

    def __init__(self, media: MediaPort, line_id: str, sound: bytes) -> None:
        self._media, self._line_id, self._sound = media, line_id, sound
        self._clip = 0
        self.turns = self.answers = self.pieces = self.fed_bytes = 0
        self.lags = array("f")
        """Seconds from the last sample of each piece of speech until it was handed over here."""
        self.recording_since = 0.0
        self.closed: asyncio.Future[RowStats] = asyncio.get_running_loop().create_future()

    def hear(self, event: LineEvent) -> None:
        match event:
            case SpeechPiece():
                self.pieces += 1
                self.fed_bytes += len(event.ulaw)
                spoken_s = event.at_ms / 1000 + len(event.ulaw) / RATE_HZ
                self.lags.append(time.monotonic() - self.recording_since - spoken_s)
            case SpeechStarted():
                self.turns += 1
            case SpeechStopped():
                self._answer()
            case Closed():
                self.closed.set_result(event.stats)

    def _answer(self) -> None:
        self._clip += 1
        self.answers += 1
        for at in range(0, len(self._sound), PIECE_BYTES):
            last = at + PIECE_BYTES >= len(self._sound)
            self._media.play(self._line_id, self._clip, self._sound[at : at + PIECE_BYTES], last=last)


async def base_kib() -> int:
    """What an engine without calls takes."""
    media = ProcessMediaPort(capacity=1)
    await media.start()
    taken = own_kib(media.pid or 0)
    await media.stop()
    return taken


async def hold(calls: int, out: str, cores: list[int], options: list[str]) -> None:
    """Hold the crowd until standard input closes."""
    empty_kib, port_empty_kib = await base_kib(), own_kib(os.getpid())
    engines = [
        ProcessMediaPort(
            capacity=-(-calls // len(cores)),
            engine_options=("--ticks-file", f"{out}.ticks{number or ''}", *options),
        )
        for number in range(len(cores))
    ]
    media = MediaPool(engines)
    await media.start()
    for engine, core in zip(engines, cores, strict=True):
        os.sched_setaffinity(engine.pid or 0, {core})
    theirs = json.loads(await asyncio.to_thread(sys.stdin.readline))
    sound = answer()
    stubs = [Stub(media, f"call{number}", sound) for number in range(calls)]
    with tempfile.TemporaryDirectory() as folder:
        ours = await asyncio.gather(
            *(media.open(f"call{number}", stub.hear) for number, stub in enumerate(stubs))
        )
        for number, port in enumerate(theirs):
            line_id = f"call{number}"
            media.barge_in(line_id, True, BARGE_IN_MS)
            media.listen_along(line_id, True)
            media.connect(line_id, "127.0.0.1", port)
            media.start_recording(line_id, str(Path(folder) / f"{number}.wav"))
            if number % GROUP == GROUP - 1 or number == calls - 1:
                await asyncio.gather(*(engine.stats() for engine in engines))
                for each in stubs[number - number % GROUP : number + 1]:
                    each.recording_since = time.monotonic()
        before = [await engine.stats() for engine in engines]
        started = time.monotonic(), time.process_time(), [engine.cpu_s() for engine in engines]
        say(ours)
        await asyncio.to_thread(sys.stdin.read)
        stats = [await engine.stats() for engine in engines]
        seconds, port_s = time.monotonic() - started[0], time.process_time() - started[1]
        engines_s = [engine.cpu_s() - used for engine, used in zip(engines, started[2], strict=True)]
        taken_kib = sum(own_kib(engine.pid or 0) - empty_kib for engine in engines)
        port_taken_kib = own_kib(os.getpid()) - port_empty_kib
        dropped = dropped_on(ours)
        peak = [peak_kib(engine.pid or 0) for engine in engines]
        for number in range(calls):
            media.close(f"call{number}")
        rows = await asyncio.gather(*(stub.closed for stub in stubs))
        recorded = bytes_in(folder)
    await media.stop()
    spent = [
        {name: value - getattr(old.stages, name) for name, value in asdict(new.stages).items()}
        for old, new in zip(before, stats, strict=True)
    ]
    lags = np.sort(np.concatenate([np.zeros(1), *(stub.lags for stub in stubs)]))
    say(
        {
            "seconds": seconds,
            "engines_cpu_s": engines_s,
            "engine_cpu_s": sum(engines_s),
            "port_cpu_s": port_s,
            "engine_memory_kib": peak,
            "port_memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "engine_base_kib": empty_kib,
            "engine_kib_per_call": round(taken_kib / calls, 1),
            "port_kib_per_call": round(port_taken_kib / calls, 1),
            "ticks": stats[0].ticks - before[0].ticks,
            "stages": {name: sum(each[name] for each in spent) for name in spent[0]},
            "turns": sum(stub.turns for stub in stubs),
            "answers": sum(stub.answers for stub in stubs),
            "calls_fed": sum(stub.pieces > 0 for stub in stubs),
            "calls_answered": sum(stub.answers > 0 for stub in stubs),
            "pieces": sum(stub.pieces for stub in stubs),
            "fed_s": sum(stub.fed_bytes for stub in stubs) / RATE_HZ,
            "fed_lag_s": {f"p{mark}": round(float(np.percentile(lags, mark)), 4) for mark in (50, 99, 100)},
            "recorded_bytes": recorded,
            "dropped_by_kernel": dropped,
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
    given_cores = [int(core) for core in sys.argv[3].split(",")]
    asyncio.run(hold(int(sys.argv[1]), sys.argv[2], given_cores, sys.argv[4:]))
