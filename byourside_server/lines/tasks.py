"""Work done beside a line: started, counted, and let go of with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

# Farewells that outlive their line: kept here so that they are not collected before they are done.
_FAREWELLS: set[asyncio.Task[None]] = set()
FAREWELL_TIMEOUT_S = 5.0


class Tasks:
    """The tasks of one owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Let nothing more come of them."""
        for task in self._tasks:
            task.cancel()


def say_farewell(work: Coroutine[None, None, None]) -> None:
    """Finish `work`, which must not raise, in its own time: nobody waits for it longer than seconds."""
    task = asyncio.create_task(_within_reason(work))
    _FAREWELLS.add(task)
    task.add_done_callback(_FAREWELLS.discard)


async def _within_reason(work: Coroutine[None, None, None]) -> None:
    try:
        async with asyncio.timeout(FAREWELL_TIMEOUT_S):
            await work
    except TimeoutError:
        return
