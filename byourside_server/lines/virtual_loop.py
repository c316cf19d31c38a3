"""An event loop whose clock is moved instead of waited for: whatever is due next is due now.

Time stands still while it is held: somebody works in real time (a voice, a recogniser, a model) and nothing
may become due meanwhile. Knows no calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

# A round of the loop takes its time, as it does in life; without, rounding would hold the clock.
_ROUND_S = 1e-6
_BEGINNING_S = 1000.0


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a file, moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = _BEGINNING_S
        self.holds = 0
        self.waits_outside = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.holds and timeout != 0:
            # Whoever holds the clock wakes the loop when he is done.
            return super().select(None)
        if timeout is None:
            assert self.waits_outside, "everybody waits and nothing is due"
            return super().select(None)
        if not self.holds:
            self.now += max(0.0, timeout) + _ROUND_S
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`waits_outside`: where nothing at all is due, wait for other threads; else that is a mistake."""

    def __init__(self, *, waits_outside: bool = False) -> None:
        self._jumping = _JumpingSelector()
        self._jumping.waits_outside = waits_outside
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def hold(self) -> None:
        """Time stands still until as many `release`."""
        self._jumping.holds += 1

    def release(self) -> None:
        assert self._jumping.holds, "time was not held"
        self._jumping.holds -= 1

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Time stands still inside."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    async def elsewhere(self, work: Coroutine[Any, Any, T], outside: asyncio.AbstractEventLoop) -> T:
        """Have `work` done on a loop of real time while time stands still here."""
        with self.holding():
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, outside))
