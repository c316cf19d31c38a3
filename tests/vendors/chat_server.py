"""A simulated language model behind a real HTTP server on 127.0.0.1, in a thread of its own.

Speaks the streaming chat-completions protocol and misbehaves on request (`chat_script.FAULTS`). The answer
function is called in the server's thread. Knows nothing of the client under test.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from types import TracebackType

from tests.vendors.chat_script import (
    FAULTS,
    Answer,
    Cut,
    Event,
    Head,
    Pause,
    Script,
    Step,
    Whole,
    refused,
    script_of,
)

__all__ = ["FAULTS", "Answer", "SimulatedChatServer"]

START_PATIENCE_S = 60.0
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class _HungUp(Exception):
    """The client closed its connection before the answer was over."""


class SimulatedChatServer:
    """Answers every request with what `answer` makes of its body; `key` None lets everybody in.

    Use it as an async context manager, or with `start` and `stop` where no loop runs.
    """

    def __init__(self, answer: Callable[[dict[str, object]], Answer], *, key: str | None = None) -> None:
        self._answer = answer
        self._key = key
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.port = 0
        self.requests: list[dict[str, object]] = []
        """Bodies seen, in order of arrival."""
        self.headers: list[dict[str, str]] = []
        """Headers of the same requests, names in lower case."""
        self.connections = 0
        """How many there were."""
        self.hung_up = threading.Event()
        """Set once a client closed its connection in the middle of an answer."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> SimulatedChatServer:
        """Listen; returns when the port is known."""
        self._thread = threading.Thread(target=self._run, name="simulated-chat-server", daemon=True)
        self._thread.start()
        assert self._ready.wait(START_PATIENCE_S), "the simulated chat server did not start"
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        assert self._thread is not None
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_PATIENCE_S)

    async def __aenter__(self) -> SimulatedChatServer:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> SimulatedChatServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in self._open:
            connection.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = asyncio.create_task(self._attend(reader, writer))
        self._open.add(connection)
        connection.add_done_callback(self._open.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Request after request on one connection, until either side is gone."""
        exchange = _Exchange(reader, writer)
        try:
            while (request := await exchange.read_request()) is not None:
                await exchange.perform(*self._script(*request))
        except _HungUp:
            self.hung_up.set()
        finally:
            exchange.close()

    def _script(self, path: str, headers: dict[str, str], body: dict[str, object]) -> tuple[Script, Answer]:
        if not path.endswith("/chat/completions"):
            return (refused(404, {"message": f"no such path: {path}"}),), Answer()
        self.requests.append(body)
        self.headers.append(headers)
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            given = headers.get("authorization", "nothing")
            error = {"message": f"Incorrect API key provided: {given}", "code": "invalid_api_key"}
            return (refused(401, error),), Answer()
        answer = self._answer(body)
        return script_of(answer, body), answer


class _Exchange:
    """One connection. While an answer is under way it listens for the client's hanging up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next_byte: asyncio.Task[bytes] | None = None

    async def read_request(self) -> tuple[str, dict[str, str], dict[str, object]] | None:
        """Path, headers and JSON body, or None where the client is done."""
        try:
            first = await self._next_byte if self._next_byte is not None else b""
            head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        request_line, *lines = head.strip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        self._next_byte = asyncio.create_task(self._reader.read(1))
        return request_line.split(" ")[1], headers, json.loads(body) if body else {}

    async def perform(self, script: Script, answer: Answer) -> None:
        """Carry out the script. Raises _HungUp where the client leaves meanwhile."""
        try:
            for step in script:
                await self._take(step, answer)
            if isinstance(script[0], Head) and not isinstance(script[-1], Cut):
                self._writer.write(b"0\r\n\r\n")
            await self._writer.drain()
        except ConnectionError:
            raise _HungUp from None

    async def _take(self, step: Step, answer: Answer) -> None:
        if isinstance(step, Pause):
            await self._wait(step.seconds)
        elif isinstance(step, Cut):
            self._writer.close()
        elif isinstance(step, Whole):
            self._write_whole(step, answer.headers)
        elif isinstance(step, Head):
            self._write_head(step, answer.headers)
        else:
            await self._write_event(step, answer.packet_bytes)

    async def _wait(self, seconds: float) -> None:
        assert self._next_byte is not None
        await asyncio.wait([self._next_byte], timeout=seconds)
        if self._next_byte.done():
            raise _HungUp

    def _write_whole(self, step: Whole, extra: Mapping[str, str]) -> None:
        headers = {
            "Content-Type": step.content_type,
            "Content-Length": str(len(step.body)),
            **step.headers,
            **extra,
        }
        self._writer.write(_head(step.status, headers) + step.body)

    def _write_head(self, step: Head, extra: Mapping[str, str]) -> None:
        headers = {"Content-Type": step.content_type, "Transfer-Encoding": "chunked", **extra}
        self._writer.write(_head(step.status, headers))

    async def _write_event(self, step: Event, packet_bytes: int | None) -> None:
        data = step.data if isinstance(step.data, str) else json.dumps(step.data, ensure_ascii=False)
        payload = f"data: {data}\n\n".encode()
        size = packet_bytes or len(payload)
        for at in range(0, len(payload), size):
            packet = payload[at : at + size]
            self._writer.write(b"%x\r\n%b\r\n" % (len(packet), packet))
            await self._writer.drain()

    def close(self) -> None:
        if self._next_byte is not None:
            self._next_byte.cancel()
        self._writer.close()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Simulated')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
