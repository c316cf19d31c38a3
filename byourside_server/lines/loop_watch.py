"""How punctual the server's event loop is: SIP, conversations, vendors and HTTP share it.

Knows what its looks tell it; `run` makes them. Whoever is let in although the loop is full makes every call's
answers late, however well the media engine keeps its ticks.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

LOOK_EVERY_S = 0.1
LOOKS = 20
"""Two seconds: long enough that a machine which stands still once is not taken for a full loop."""
MOST_LATE, CALM_LATE = 4, 1
"""So many of them may be late; and so few must be once it was full, so that nobody creeps in between two."""
LATE_S = 0.02
"""A tick of the telephone."""
BUSY_SHARE = 0.7
"""Of the loop's own time; above it, what comes together waits for each other."""
MOST_NEWCOMERS = 10
"""Between two looks: what they cost is not seen before."""


@dataclass
class LoopWatch:
    """The last two seconds of one loop."""

    _late_s: deque[float] = field(default_factory=lambda: deque(maxlen=LOOKS))
    _busy_s: deque[float] = field(default_factory=lambda: deque(maxlen=LOOKS))
    _taken_s: deque[float] = field(default_factory=lambda: deque(maxlen=LOOKS))
    _is_late: bool = False
    _newcomers: int = 0

    def note(self, taken_s: float, busy_s: float) -> None:
        """A look due after LOOK_EVERY_S came after `taken_s`, of which the loop's thread ran `busy_s`."""
        self._late_s.append(taken_s - LOOK_EVERY_S)
        self._busy_s.append(busy_s)
        self._taken_s.append(taken_s)
        late = sum(each > LATE_S for each in self._late_s)
        self._is_late = late > (CALM_LATE if self._is_late else MOST_LATE)
        self._newcomers = 0

    @property
    def busy_share(self) -> float:
        """Of the thread's time, lately; 0 before the first look."""
        return sum(self._busy_s) / sum(self._taken_s) if self._taken_s else 0.0

    def has_room(self) -> bool:
        """Whether one more call would find the loop in time."""
        return (
            not self._is_late and self.busy_share <= BUSY_SHARE and self._newcomers < MOST_NEWCOMERS
        )

    def expect(self) -> None:
        """A call was let in."""
        self._newcomers += 1

    async def run(self) -> None:
        """Look for as long as the loop runs; to be called in it."""
        looked_at, used_s = time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            at, used = time.monotonic(), time.thread_time()
            self.note(at - looked_at, used - used_s)
            looked_at, used_s = at, used
