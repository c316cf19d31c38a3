"""A wink whenever something has changed, as server-sent events: the page then looks again by itself.

Nothing is told but that there is news, so nothing can be told twice or lost. Ends as soon as the session
does.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from byourside_server.dashboard.visit import Visit
from byourside_server.dashboard.writing import is_over
from byourside_server.errors import Refusal
from byourside_server.switchboard import Switchboard

log = logging.getLogger(__name__)

CHANGED = b"event: changed\ndata: {}\n\n"
OVER = b"event: over\ndata: {}\n\n"
STILL_HERE = b": still here\n\n"
# How long a stream sleeps at most: then it looks whether its session still is, and what others have done.
LOOK_EVERY_S = 3.0


class Live:
    """`/calls/live` and `/calls/{call_id}/live`."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    async def account(self, visit: Visit) -> Response:
        """Tells of changes to any call of the account."""
        return _stream(self._account(visit))

    async def call(self, visit: Visit) -> Response:
        """Tells of changes to one call, until it is over. Raises Refusal `not_found`."""
        await self._switchboard.get(visit.account, visit.part("call_id"))
        return _stream(self._call(visit, visit.part("call_id")))

    async def _account(self, visit: Visit) -> AsyncIterator[bytes]:
        after = await self._newest(visit)
        # What happened between the page and this stream is news, too.
        yield CHANGED
        while True:
            is_news = await self._switchboard.wait_for_event(visit.account, after, LOOK_EVERY_S)
            if not await self._holds(visit):
                return
            if is_news:
                after = await self._newest(visit)
            yield CHANGED if is_news else STILL_HERE

    async def _call(self, visit: Visit, call_id: str) -> AsyncIterator[bytes]:
        known: object = None
        while await self._holds(visit):
            call = await self._switchboard.get(visit.account, call_id)
            seen = (call.sequence, len(call.turns), call.cancel_requested_at, call.report is not None)
            if seen != known:
                known = seen
                yield CHANGED
            if is_over(call):
                yield OVER
                return
            await self._switchboard.wait_for_change(call_id, call.sequence, LOOK_EVERY_S)
            yield STILL_HERE

    async def _newest(self, visit: Visit) -> int:
        return await self._switchboard.office.newest_event(visit.account)

    async def _holds(self, visit: Visit) -> bool:
        return await self._switchboard.office.session(visit.token) is not None


async def _while_it_goes(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces until the house refuses one, a store that is away for example: browsers come back."""
    try:
        async for piece in pieces:
            yield piece
    except Refusal as refusal:
        log.info("live view ended", extra={"why": refusal.token})


def _stream(pieces: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_while_it_goes(pieces), media_type="text/event-stream", headers=headers)
