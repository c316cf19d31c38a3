"""A call watched over HTTP: its live stream of events, taken up again where the connection breaks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import anyio
import httpx
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from byourside_server.calls.lifecycle import TERMINAL_STATUSES
from byourside_server.calls.wire import Json
from byourside_server.mcp.door import News, Unreachable
from byourside_server.mcp.event_lines import EventLines, ServerEvent

# The server sends a comment every 15 s: three of them missing is a dead connection.
TIMEOUT = httpx.Timeout(45.0, connect=5.0)
TRY_AGAIN_AFTER_S = 1.0
TURN = "turn"
# More news than anybody waits for; the reader then waits for the listener.
BACKLOG = 1000

Told = News | Exception


class HttpWatch:
    """News out of a stream that is read in the background."""

    def __init__(self, received: MemoryObjectReceiveStream[Told]) -> None:
        self._received = received

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, client: httpx.AsyncClient, path: str, since_turn: int) -> AsyncIterator[HttpWatch]:
        """Watch until the block is left."""
        tell, received = anyio.create_memory_object_stream[Told](BACKLOG)
        reader = EventReader(client, path, since_turn)
        with received:
            async with anyio.create_task_group() as group:
                group.start_soon(reader.run, tell)
                try:
                    yield cls(received)
                finally:
                    group.cancel_scope.cancel()

    async def news(self, timeout_s: float) -> News | None:
        told: Told | None = None
        with anyio.move_on_after(timeout_s):
            told = await self._received.receive()
        if isinstance(told, Exception):
            raise told
        return told


class EventReader:
    """Reads a call's stream to its end, over as many connections as that takes."""

    def __init__(self, client: httpx.AsyncClient, path: str, since_turn: int) -> None:
        self._client = client
        self._path = path
        self._last_id = f"0.{since_turn}"
        self._status = "queued"

    async def run(self, tell: MemoryObjectSendStream[Told]) -> None:
        """Tell the news until the call is over or the server refuses."""
        with tell:
            while True:
                try:
                    await self._read(tell)
                except httpx.TransportError:
                    await anyio.sleep(TRY_AGAIN_AFTER_S)
                    continue
                except Unreachable as trouble:
                    await tell.send(trouble)
                    return
                if self._status in TERMINAL_STATUSES:
                    await tell.send(News(self._status, is_over=True))
                    return
                await anyio.sleep(TRY_AGAIN_AFTER_S)

    async def _read(self, tell: MemoryObjectSendStream[Told]) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last_id}
        async with self._client.stream("GET", self._path, headers=headers, timeout=TIMEOUT) as answer:
            if answer.status_code >= 500:
                return  # taken up again, as a broken connection is
            if not answer.is_success:
                raise Unreachable(f"The call's events can't be read: HTTP {answer.status_code}.")
            lines = EventLines()
            async for line in answer.aiter_lines():
                event = lines.receive(line)
                if event is not None:
                    await self._tell(event, tell)

    async def _tell(self, event: ServerEvent, tell: MemoryObjectSendStream[Told]) -> None:
        try:
            body: Json = json.loads(event.data)
        except ValueError:
            raise Unreachable("The call's events are not of this API: is the URL right?") from None
        self._last_id = event.id
        if event.kind == TURN:
            await tell.send(News(self._status, (body,)))
            return
        status = body.get("status")
        if isinstance(status, str) and status != self._status:
            self._status = status
            if status not in TERMINAL_STATUSES:  # that one is told when the stream is at its end
                await tell.send(News(status))
