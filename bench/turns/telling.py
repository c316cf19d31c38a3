"""An ear's results at their moments, for a contender whose loop is asyncio's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bench.turns.ear import Ear, Result


def now() -> float:
    """The loop's time, by which ears hear and tell."""
    return asyncio.get_running_loop().time()


async def tell(ear: Ear, more: asyncio.Event, push: Callable[[Result], Awaitable[None]]) -> None:
    """Push each result when it is due, for ever; `more` is set whenever the ear was given something."""
    while True:
        try:
            async with asyncio.timeout_at(ear.next_due()):
                await more.wait()
        except TimeoutError:
            pass
        more.clear()
        for result in ear.take(now()):
            await push(result)
