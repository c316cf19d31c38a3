"""What time it is in a house whose calls take seconds: never earlier than anything that has happened.

Each call counts its own time from the moment it was dialled, so that its durations are those of real time.
The house's clock is the machine's, moved forward to the latest moment of any call: what follows a call is
later than the call, and where nobody calls the machine's clock catches up.
"""

from __future__ import annotations

from collections.abc import Callable

from byourside_server.clock import Clock


class HouseClock:
    """The machine's clock, or the latest moment that any call has reached, whichever is later."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._reached = 0.0

    def epoch(self) -> float:
        return max(self._machine.epoch(), self._reached)

    def monotonic(self) -> float:
        """The machine's: leases are kept in real time."""
        return self._machine.monotonic()

    def reach(self, epoch: float) -> None:
        """Something has happened at that moment."""
        self._reached = max(self._reached, epoch)


class CallClock:
    """One call's: epoch where it began, and from there as its loop's time goes on."""

    def __init__(self, began_at: float, loop_time: Callable[[], float]) -> None:
        self._time = loop_time
        self._lead = began_at - loop_time()

    def epoch(self) -> float:
        return self._lead + self._time()

    def monotonic(self) -> float:
        return self._time()
