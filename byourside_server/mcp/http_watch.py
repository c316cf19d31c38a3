"""A call watched over HTTP: its live stream of events, taken up again where the connection breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator

import httpx

from byourside_server.calls.call import JsonValue
from byourside_server.calls.lifecycle import PUBLIC_STATUSES, TERMINAL_STATUSES
from byourside_server.calls.wire import Json
from byourside_server.mcp.door import News, Unreachable
from byourside_server.mcp.event_lines import EventLines, ServerEvent

log = logging.getLogger(__name__)

# The server sends a comment every 15 s: three of them missing is a dead connection.
TIMEOUT = httpx.Timeout(45.0, connect=5.0)
TRY_AGAIN_AFTER_S = 1.0
TURN = "turn"
# More news than anybody waits for; the reader then waits for the listener.
BACKLOG = 1000

Told = News | Unreachable


class HttpWatch:
    """News out of a stream that is read in the background."""

    def __init__(self, heard: asyncio.Queue[Told]) -> None:
        self._heard = heard

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, client: httpx.AsyncClient, path: str, since_turn: int, status: str
    ) -> AsyncIterator[HttpWatch]:
        """Watch until the block is left. `status` is the call's now: the stream tells older ones, too."""
        heard: asyncio.Queue[Told] = asyncio.Queue(BACKLOG)
        reading = asyncio.create_task(EventReader(client, path, f"0.{since_turn}", status, heard).run())
        try:
            yield cls(heard)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def news(self, timeout_s: float) -> News | None:
        try:
            told = await asyncio.wait_for(self._heard.get(), timeout_s)
        except TimeoutError:
            return None
        if isinstance(told, Unreachable):
            raise told
        return told


class EventReader:
    """Reads a call's stream to its end, over as many connections as that takes."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        path: str,
        last_id: str,
        status_now: str,
        heard: asyncio.Queue[Told],
    ) -> None:
        self._client = client
        self._path = path
        self._heard = heard
        self._last_id = last_id
        self._status_now = status_now
        self._status = ""

    async def run(self) -> None:
        """Tell the news until the call is over or the server refuses."""
        while self._status not in TERMINAL_STATUSES:
            try:
                await self._read()
            except httpx.TransportError as trouble:
                log.info("event stream broke off", extra={"why": type(trouble).__name__})
            except Unreachable as trouble:
                await self._heard.put(trouble)
                return
            if self._status not in TERMINAL_STATUSES:
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
        await self._heard.put(News(self._status, is_over=True))

    async def _read(self) -> None:
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
                    await self._tell(event)

    async def _tell(self, event: ServerEvent) -> None:
        body = _object(event.data)
        self._last_id = event.id
        if event.kind == TURN:
            await self._heard.put(News(self._status, (body,)))
            return
        status = body.get("status")
        if status in PUBLIC_STATUSES and status != self._status:
            self._status = status
            is_old = PUBLIC_STATUSES.index(status) < PUBLIC_STATUSES.index(self._status_now)
            if status not in TERMINAL_STATUSES and not is_old:  # the end is told when the stream ends
                await self._heard.put(News(status))


def _object(text: str) -> Json:
    try:
        body: JsonValue = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unreachable("The call's events are not of this API: is the URL right?")
    return body
