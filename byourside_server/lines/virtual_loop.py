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

# What is due is found a little later than it was due: without, rounding could leave the clock before it.
_LATE_S = 1e-9
# Rounds of the loop take no time, so that a call's times do not depend on how many of them others took.
# Only who waits for time by turning round and round gets some, after more rounds than anybody works.
_PATIENT_ROUNDS = 10_000
_ROUND_S = 1e-6
_BEGINNING_S = 1000.0


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a file, moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = _BEGINNING_S
        self.holds = 0
        self.waits_outside = False
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.holds and timeout != 0:
            # Whoever holds the clock wakes the loop when he is done.
            return super().select(None)
        if timeout is None:
            assert self.waits_outside, "everybody waits and nothing is due"
            return super().select(None)
        if timeout > 0:
            self.now += timeout + _LATE_S
            self._rounds = 0
        elif not self.holds:
            self._rounds += 1
            if self._rounds > _PATIENT_ROUNDS:
                self.now += _ROUND_S
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
