"""Simulated vendors as LiveKit's plugins for Deepgram and Cartesia speak to them, on 127.0.0.1.

Deepgram's listen socket and request take 16-bit samples of the rate that the query names; Cartesia's
`/tts/bytes` sends them. Fields are those that the plugins read. They run in the loop of the test.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from aiohttp import WSMsgType, web


class SimulatedVendor:
    """An `async with` block around one port."""

    def __init__(self) -> None:
        self.app = web.Application()
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()


@dataclass
class SeenListening:
    """One listen socket as the vendor saw it."""

    query: dict[str, str]
    authorization: str
    sound: bytearray = field(default_factory=bytearray)
    messages: list[str] = field(default_factory=list)


class SimulatedDeepgram(SimulatedVendor):
    """Hears the next line of a script at each Finalize, and in each whole recording.

    `late_s` is the wait before an answer; the first `drop` sockets are cut at Finalize; `status` refuses.
    """

    def __init__(
        self, script: Iterable[str], *, late_s: float = 0.0, drop: int = 0, status: int = 200
    ) -> None:
        super().__init__()
        self._script = iter(script)
        self.late_s, self.drop, self.status = late_s, drop, status
        self.sockets: list[SeenListening] = []
        self.recordings: list[bytes] = []
        self.refused = 0
        self.app.router.add_get("/v1/listen", self._listen)
        self.app.router.add_post("/v1/listen", self._recognise)

    @property
    def listen_url(self) -> str:
        return f"{self.base_url}/v1/listen"

    async def _recognise(self, request: web.Request) -> web.Response:
        self.recordings.append(await request.read())
        best = _alternative(next(self._script, ""), 0.0, 1.0)
        answer = {"metadata": {"request_id": "r"}, "results": {"channels": [{"alternatives": [best]}]}}
        return web.json_response(answer)

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self.status != 200:
            self.refused += 1
            return web.Response(status=self.status, text=request.headers["Authorization"])
        seen = SeenListening(dict(request.query), request.headers["Authorization"])
        self.sockets.append(seen)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                seen.sound += message.data
                continue
            kind = json.loads(message.data)["type"]
            seen.messages.append(kind)
            if kind == "Finalize":
                if len(self.sockets) <= self.drop:
                    assert request.transport is not None
                    request.transport.abort()
                    break
                result = self._result(seen)
                await asyncio.sleep(self.late_s)
                await socket.send_json(result)
            elif kind == "CloseStream":
                break
        await socket.close()
        return socket

    def _result(self, seen: SeenListening) -> dict[str, Any]:
        ends_s = len(seen.sound) / 2 / int(seen.query["sample_rate"])
        return {
            "type": "Results",
            "metadata": {"request_id": "r"},
            "is_final": True,
            "speech_final": False,
            "from_finalize": True,
            "channel": {"alternatives": [_alternative(next(self._script, ""), ends_s - 0.5, ends_s)]},
        }


def _alternative(text: str, begin_s: float, end_s: float) -> dict[str, Any]:
    words = [{"word": word, "start": begin_s, "end": end_s, "confidence": 0.9} for word in text.split()]
    return {"transcript": text, "confidence": 0.9 if text else 0.0, "words": words}


class SimulatedCartesia(SimulatedVendor):
    """Says everything as one second of a 440 Hz tone in chunks of `chunk` bytes; `status` refuses."""

    def __init__(self, *, chunk: int = 1001, status: int = 200) -> None:
        super().__init__()
        self.chunk, self.status = chunk, status
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.app.router.add_post("/tts/bytes", self._say)

    async def _say(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        self.keys.append(request.headers["X-API-Key"])
        if self.status != 200:
            return web.Response(status=self.status, headers={"Retry-After": "7"}, text=asked["transcript"])
        sound = tone(asked["output_format"]["sample_rate"])
        response = web.StreamResponse()
        await response.prepare(request)
        for at in range(0, len(sound), self.chunk):
            await response.write(sound[at : at + self.chunk])
        return response


def tone(rate_hz: int, frequency_hz: float = 440.0, level: float = 0.25, channels: int = 1) -> bytes:
    """A second of a sine in 16-bit samples."""
    at = np.arange(rate_hz) / rate_hz
    samples = np.rint(32767 * level * np.sin(2 * math.pi * frequency_hz * at)).astype("<i2")
    return bytes(np.repeat(samples, channels).tobytes())
