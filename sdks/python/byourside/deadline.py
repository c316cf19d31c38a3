"""How much of a wait is left?

Counts both the clock and the seconds slept, whichever is more: with a sleep that only pretends (tests),
time still passes and every wait ends.
"""

import time
from typing import Callable

Sleep = Callable[[float], object]


class Deadline:
    """A wait of `seconds`, begun now."""

    def __init__(self, seconds: float, sleep: Sleep, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock
        self._began_at = clock()
        self._slept_s = 0.0

    def remaining(self) -> float:
        return self._seconds - max(self._clock() - self._began_at, self._slept_s)

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        self._slept_s += seconds
