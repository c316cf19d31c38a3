"""wait_for_call: follows a call while it happens and tells each turn as progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import anyio
from mcp_types import CallToolResult

from byourside_server.calls.lifecycle import TERMINAL_STATUSES
from byourside_server.mcp import arguments
from byourside_server.mcp.answers import answer
from byourside_server.mcp.door import News, Watch
from byourside_server.mcp.shapes import CallState
from byourside_server.mcp.surroundings import Asked, door_of
from byourside_server.mcp.words import STATUS_WORDS, state_of, told, turn_line

DEFAULT_TIMEOUT_S = 180
MAX_TIMEOUT_S = 600
# Many clients give up on a request that is silent for a minute, and on some every progress starts it anew.
SIGN_OF_LIFE_S = 10.0

Tell = Callable[[str], Awaitable[None]]


async def wait_for_call(
    asked: Asked,
    callId: arguments.CallId,
    timeoutSec: arguments.TimeoutSec = DEFAULT_TIMEOUT_S,
    sinceTurn: arguments.SinceTurn = 0,
) -> Annotated[CallToolResult, CallState]:
    """The call once it is over, or as far as it has come when time is up."""
    door = door_of(asked)
    count = 0

    async def tell(line: str) -> None:
        nonlocal count
        count += 1
        await asked.report_progress(count, message=line)

    async with door.watch(callId, sinceTurn) as watch:
        await follow(watch, min(timeoutSec, MAX_TIMEOUT_S), tell)
    state = state_of(await door.get(callId))
    return answer(state, told(state))


async def follow(watch: Watch, timeout_s: float, tell: Tell) -> None:
    """Tell what happens until the call is over or time is up."""
    began = told_at = anyio.current_time()
    status = ""
    while (left_s := began + timeout_s - anyio.current_time()) > 0:
        news = await watch.news(min(left_s, SIGN_OF_LIFE_S))
        now = anyio.current_time()
        lines = _lines(news, status) if news else []
        if not lines and now - told_at >= SIGN_OF_LIFE_S:
            lines = [f"({STATUS_WORDS.get(status, 'waiting')}, {now - began:.0f} s)"]
        for line in lines:
            await tell(line)
            told_at = now
        if news is not None:
            status = news.status
        if news is not None and news.is_over:
            return


def _lines(news: News, status_before: str) -> list[str]:
    """The turns were spoken before the call ended, and after it was answered."""
    lines = [turn_line(turn) for turn in news.turns]
    if news.status == status_before:
        return lines
    change = f"({STATUS_WORDS[news.status]})"
    return [*lines, change] if news.status in TERMINAL_STATUSES else [change, *lines]
