"""What time is it?

The one place that reads the machine's clocks; everything else is handed a `Clock` or a number.
Epoch times are seconds as float, UTC. Monotonic times are seconds with no meaning but their differences.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The door through which time comes in."""

    def epoch(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def epoch(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Onward:
    """Another clock that never waits: where that one stands still, time goes on at its own pace."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reached = (clock.epoch(), clock.monotonic())

    def epoch(self) -> float:
        epoch, at = self._reached
        now = self._clock.monotonic()
        self._reached = (max(self._clock.epoch(), epoch + now - at), now)
        return self._reached[0]

    def monotonic(self) -> float:
        return self._clock.monotonic()


class ManualClock:
    """A clock that only moves when told: for tests and virtual time."""

    def __init__(self, epoch: float = 1_800_000_000.0) -> None:
        self._epoch = epoch
        self._monotonic = 1000.0

    def epoch(self) -> float:
        return self._epoch

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._epoch += seconds
        self._monotonic += seconds


def iso_utc(epoch: float | None) -> str | None:
    """ISO 8601 UTC with milliseconds and `Z`, or None for None."""
    if epoch is None:
        return None
    moment = datetime.fromtimestamp(round(epoch * 1000) / 1000, tz=UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def parse_iso_utc(text: str) -> float:
    """Epoch seconds of an ISO 8601 time that names its offset.

    Raises ValueError when it is no such time or has no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, for example 2026-06-17T14:03:12Z")
    return moment.timestamp()
