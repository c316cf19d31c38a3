"""What is due when: the alarms of one endpoint in one heap.

T1, T2 and T4 are RFC 3261's (table 4). Knows no transaction; an alarm is a moment and what to do then.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

# Round-trip estimate, longest retransmission interval, longest life of a message in the network; seconds.
T1 = 0.5
T2 = 4.0
T4 = 5.0
# Timers B, F, H, J, L and M: how long one side keeps trying.
GIVE_UP_S = 64 * T1
# Timer D: at least 32 s over UDP.
TIMER_D_S = 32.0

# Cancelled alarms are swept out once they are this many and the greater part.
_SWEEP_FROM = 1024


class Alarm:
    """One thing to do at one moment; `cancel` through Alarms."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[float], None]) -> None:
        self.action: Callable[[float], None] | None = action


class Alarms:
    """Alarms in order of time; equal times in order of setting."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._number = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def set(self, at: float, action: Callable[[float], None]) -> Alarm:
        self._number += 1
        alarm = Alarm(action)
        heapq.heappush(self._heap, (at, self._number, alarm))
        return alarm

    def cancel(self, alarm: Alarm | None) -> None:
        """Forget an alarm; one that has rung or was cancelled already is left alone."""
        if alarm is None or alarm.action is None:
            return
        alarm.action = None
        self._cancelled += 1
        if self._cancelled > _SWEEP_FROM and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def next_at(self) -> float | None:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def ring(self, now: float) -> None:
        """Do everything due at `now`, also what gets due by doing it."""
        while (at := self.next_at()) is not None and at <= now:
            _, _, alarm = heapq.heappop(self._heap)
            action, alarm.action = alarm.action, None
            if action is not None:
                action(now)
