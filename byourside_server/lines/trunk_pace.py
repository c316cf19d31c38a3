"""How fast calls may be given to a trunk: one every 1/rate seconds, each with a moment of its own.

Spaced evenly and not in bursts: carriers count in windows of their own and refuse what is over.
"""

from __future__ import annotations


class Pace:
    """Calls per second of one trunk; None is no limit."""

    def __init__(self, per_second: float | None) -> None:
        self._gap_s = 0.0 if per_second is None else 1.0 / per_second
        self._next_at = float("-inf")

    def wait_s(self, now: float) -> float:
        """How long a call would have to wait that came now."""
        return max(0.0, self._next_at - now)

    def take(self, now: float) -> float:
        """Take the next moment, and say how long to wait for it."""
        wait_s = self.wait_s(now)
        self._next_at = now + wait_s + self._gap_s
        return wait_s
