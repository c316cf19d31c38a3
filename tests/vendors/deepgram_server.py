"""A simulated Deepgram listen socket on 127.0.0.1.

Takes µ-law, KeepAlive, Finalize and CloseStream; sends Results and Metadata with the fields that the vendor
published. What is "heard" in a stretch of sound is told by a function. Misbehaves on request: FAULTS.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.vendors.local_server import Hear, LocalServer, scripted

BYTES_PER_SECOND = 8000

# What can be made to go wrong, and what then happens.
FAULTS: Mapping[str, str] = {
    "unauthorized": "the handshake is answered with HTTP 401",
    "rate_limited": "the handshake is answered with HTTP 429, Retry-After: 7",
    "server_error": "the handshake is answered with HTTP 500",
    "bad_request": "the handshake is answered with HTTP 400",
    "hang": "the handshake is never answered",
    "late_final": "the results come `late_s` after Finalize or CloseStream",
    "socket_dropped": "the first socket is cut once `drop_after` bytes of sound have come",
    "socket_dropped_always": "every socket is cut once `drop_after` bytes of sound have come",
    "no_finalize_answer": "Finalize and CloseStream bring nothing",
    "final_before_finalize": "all sound is final already, so that Finalize brings nothing",
    "only_interim": "interim results come, and nothing final",
    "garbage_message": "results that are no JSON",
    "error_message": "an Error message instead of results",
}
REFUSALS: Mapping[str, HTTPStatus] = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "server_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "bad_request": HTTPStatus.BAD_REQUEST,
}


@dataclass
class SeenSocket:
    """One socket as the vendor saw it."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    sound: bytearray = field(default_factory=bytearray)
    messages: list[str] = field(default_factory=list)
    """Types of the JSON messages, in order."""


class SimulatedDeepgramServer(LocalServer):
    """Answers as the vendor would. `key` None lets everybody in; `fault` is a name of FAULTS or None."""

    def __init__(
        self,
        *,
        hear: Hear | None = None,
        key: str | None = None,
        fault: str | None = None,
        late_s: float = 0.3,
        drop_after: int = 4000,
        final_every_s: float | None = None,
        confidence: float = 0.9,
    ) -> None:
        super().__init__()
        self.hear, self.key, self.fault = hear or scripted([]), key, fault
        self.late_s, self.drop_after, self.final_every_s = late_s, drop_after, final_every_s
        self.confidence = confidence
        self.sockets: list[SeenSocket] = []
        self.keep_alive = threading.Event()
        """Set once a KeepAlive came."""

    async def _open(self) -> int:
        server = await serve(self._attend, "127.0.0.1", 0, process_request=self._meet, close_timeout=0.2)

        async def end() -> None:
            server.close(close_connections=True)
            await server.wait_closed()

        self._closing.push_async_callback(end)
        port: int = next(iter(server.sockets)).getsockname()[1]
        return port

    async def _meet(self, socket: ServerConnection, request: Request) -> Response | None:
        fault = self.fault
        assert fault is None or fault in FAULTS, f"no fault is called {fault!r}"
        if fault == "hang":
            assert self._stopping is not None
            await self._stopping.wait()
        given = request.headers.get("Authorization", "")
        if self.key is not None and given != f"Token {self.key}":
            fault = "unauthorized"
        if fault is not None and fault in REFUSALS:
            response = socket.respond(REFUSALS[fault], f"not with {given}")
            if fault == "rate_limited":
                response.headers["Retry-After"] = "7"
            return response
        if not request.path.startswith("/v1/listen?"):
            return socket.respond(HTTPStatus.NOT_FOUND, "no such path")
        return None

    async def _attend(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        seen = SeenSocket(dict(parse_qsl(urlsplit(socket.request.path).query)), dict(socket.request.headers))
        self.sockets.append(seen)
        try:
            await _Listener(self, socket, seen).run()
        except ConnectionClosed:
            pass


class _Listener:
    """One socket's listening: sound since the last final result, and its place in the stream."""

    def __init__(self, server: SimulatedDeepgramServer, socket: ServerConnection, seen: SeenSocket) -> None:
        self._server, self._socket, self._seen = server, socket, seen
        self._final_to = 0

    async def run(self) -> None:
        async for message in self._socket:
            if isinstance(message, bytes):
                await self._take_sound(message)
                continue
            kind = json.loads(message)["type"]
            self._seen.messages.append(kind)
            if kind == "KeepAlive":
                self._server.keep_alive.set()
            elif kind == "Finalize":
                await self._conclude(from_finalize=True)
            elif kind == "CloseStream":
                await self._conclude(from_finalize=False)
                if self._server.fault != "no_finalize_answer":
                    await self._socket.send(json.dumps({"type": "Metadata", "channels": 1}))
                    return

    async def _take_sound(self, sound: bytes) -> None:
        self._seen.sound += sound
        server = self._server
        is_dropped = server.fault == "socket_dropped_always" or (
            server.fault == "socket_dropped" and len(server.sockets) == 1
        )
        if is_dropped and len(self._seen.sound) >= server.drop_after:
            self._socket.transport.abort()
            return
        due = (
            server.final_every_s is not None
            and len(self._open_sound) >= BYTES_PER_SECOND * server.final_every_s
        )
        if due or server.fault == "final_before_finalize":
            await self._result(is_final=True)
        elif server.fault == "only_interim":
            await self._result(is_final=False)

    async def _conclude(self, *, from_finalize: bool) -> None:
        fault = self._server.fault
        if fault in ("no_finalize_answer", "final_before_finalize", "only_interim"):
            return
        if fault == "late_final":
            await asyncio.sleep(self._server.late_s)
        if fault == "garbage_message":
            await self._socket.send("Results: none")
        elif fault == "error_message":
            await self._socket.send(json.dumps({"type": "Error", "description": "no"}))
        else:
            await self._result(is_final=True, from_finalize=from_finalize)

    @property
    def _open_sound(self) -> bytes:
        return bytes(self._seen.sound[self._final_to :])

    async def _result(self, *, is_final: bool, from_finalize: bool = False) -> None:
        sound = self._open_sound
        begin, end = self._final_to, self._final_to + len(sound)
        text = await self._server._beside(self._server.hear, sound) if sound else ""
        if is_final:
            self._final_to = end
        result = {
            "type": "Results",
            "channel_index": [0, 1],
            "start": begin / BYTES_PER_SECOND,
            "duration": len(sound) / BYTES_PER_SECOND,
            "is_final": is_final,
            "speech_final": is_final and not from_finalize,
            "from_finalize": from_finalize,
            "channel": {
                "alternatives": [{"transcript": text, "confidence": self._server.confidence if text else 0.0}]
            },
        }
        await self._socket.send(json.dumps(result))
