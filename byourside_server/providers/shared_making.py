"""Sentences in the making: who wants one that is being made follows it, in place of having it made twice.

Calls that begin together want the same fillers at the same moment. How a sound is made is handed in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from byourside_server.providers.base import ProviderError

Make = Callable[[], AsyncGenerator[bytes, None]]


class SharedMaking:
    """Sounds by language and text, while they are being made."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, str], _Making] = {}

    async def follow(self, language: str, text: str, make: Make) -> AsyncGenerator[bytes, None]:
        """All pieces of this sentence, from the first on. Raises what making it raises.

        Made to its end for as long as anybody follows; when the last one leaves, making it is called off.
        """
        key = language, text
        making = self._under_way.get(key)
        if making is None or making.is_over:
            making = self._under_way[key] = _Making(make())
        making.followers += 1
        try:
            async for piece in making.pieces():
                yield piece
        finally:
            making.followers -= 1
            if not making.followers:
                if self._under_way.get(key) is making:
                    del self._under_way[key]
                await making.end()


class _Making:
    """One sentence: what there is of it, and the task that makes the rest."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self.followers = 0
        self.is_over = False
        self._made: list[bytes] = []
        self._error: Exception | None = None
        self._grown = asyncio.Event()
        self._task = asyncio.create_task(self._make(pieces))

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        told = 0
        while True:
            while told < len(self._made):
                told += 1
                yield self._made[told - 1]
            if self.is_over:
                break
            self._grown.clear()
            await self._grown.wait()
        if self._error is not None:
            raise _another(self._error) from self._error

    async def end(self) -> None:
        """Returns when nothing is being made any more, and its connection is closed."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _make(self, pieces: AsyncGenerator[bytes, None]) -> None:
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    self._made.append(piece)
                    self._grown.set()
        except Exception as error:
            self._error = error
        finally:
            self.is_over = True
            self._grown.set()


def _another(error: Exception) -> Exception:
    """One for each who followed: an exception remembers who raised it."""
    if isinstance(error, ProviderError):
        return ProviderError(error.kind, str(error), retry_after_s=error.retry_after_s)
    return error
