"""Callers over the websocket of hosted telephony: `python -m bench.turns.stream_wire URL FOLDER STEPS OUT`.

µ-law in JSON, 20 ms each; `clear` from the other side throws away what has not been played yet. STEPS is a
JSON file with a list of steps for each caller; OUT gets a log for each.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

import websockets

from bench.turns.logs import read_steps, write_logs
from bench.turns.phone import Caller, Log
from bench.turns.played import Played
from bench.turns.sayings import Sayings, read
from bench.turns.script import Step
from bench.turns.voicing import RATE_HZ


class StreamWire:
    """One call's."""

    def __init__(self, stream: websockets.ClientConnection, number: int) -> None:
        self.played = Played()
        self._stream, self._id = stream, f"MZ{number:032d}"
        self._count = 0

    async def begin(self, number: int) -> None:
        await self._stream.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        shape = {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1}
        about = {"streamSid": self._id, "callSid": f"CA{number}", "accountSid": "AC0", "tracks": ["inbound"]}
        start = {"event": "start", "streamSid": self._id, "start": {**about, "mediaFormat": shape}}
        await self._stream.send(json.dumps(start))

    async def send(self, ulaw: bytes) -> None:
        payload = base64.b64encode(ulaw).decode()
        media = {
            "track": "inbound",
            "chunk": str(self._count),
            "timestamp": str(self._count * 20),
            "payload": payload,
        }
        self._count += 1
        await self._stream.send(json.dumps({"event": "media", "streamSid": self._id, "media": media}))

    async def listen(self) -> None:
        now = asyncio.get_running_loop().time
        async for message in self._stream:
            heard = json.loads(message)
            if heard["event"] == "media":
                self.played.take(base64.b64decode(heard["media"]["payload"]), now())
            elif heard["event"] == "clear":
                self.played.clear(now())

    async def end(self) -> None:
        await self._stream.send(json.dumps({"event": "stop", "streamSid": self._id}))


async def call(url: str, number: int, steps: list[Step], sayings: Sayings) -> Log:
    async with websockets.connect(url, compression=None, max_queue=None) as stream:
        wire = StreamWire(stream, number)
        await wire.begin(number)
        hearing = asyncio.create_task(wire.listen())
        log = await Caller(number, steps, sayings, wire).run()
        hearing.cancel()
        await wire.end()
        return log


async def main(url: str, folder: str, steps: str, out: str) -> None:
    sayings = read(Path(folder))
    scripts = read_steps(Path(steps))
    calls = (call(url, number, script, sayings) for number, script in enumerate(scripts))
    write_logs(Path(out), await asyncio.gather(*calls))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
