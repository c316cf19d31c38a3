"""A simulated vendor's server on 127.0.0.1, in a thread and a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self

START_PATIENCE_S = 60.0
# µ-law of one stretch of speech → what was said in it
Hear = Callable[[bytes], str]


class LocalServer:
    """`start` and `stop`, or a `with` block. A subclass opens its port in `_open`."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._closing = contextlib.AsyncExitStack()
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Self:
        """Listen; returns when the port is known."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(START_PATIENCE_S), "the simulated server did not start"
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        assert self._thread is not None
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_PATIENCE_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.port = await self._open()
        self._ready.set()
        await self._stopping.wait()
        await self._closing.aclose()

    async def _open(self) -> int:
        """Listen on a free port of 127.0.0.1; which it is. What is to be closed goes to `_closing`."""
        raise NotImplementedError

    async def _beside(self, work: Callable[[bytes], str], sound: bytes) -> str:
        """Slow hearing runs on a thread, so that other connections go on."""
        return await asyncio.to_thread(work, sound)


def scripted(texts: Iterable[str]) -> Hear:
    """Hears the next line of a script in whatever comes, and "" after its end."""
    lines = iter(texts)
    return lambda _: next(lines, "")


async def spoken(say: Callable[[str], bytes] | Callable[[str], Awaitable[bytes]], text: str) -> bytes:
    """What a voice, plain or async, makes of a text."""
    sound = say(text)
    return sound if isinstance(sound, bytes) else await sound
