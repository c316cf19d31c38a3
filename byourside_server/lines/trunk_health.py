"""Is one server of a trunk fit to be called? Counts what calls and OPTIONS made of it; opens no socket.

A circuit breaker: placements that fail one after another open it, after a while one call may try again
(half-open), and its success closes it. RFC 3261 §21.5.4: a 503's Retry-After opens it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Seconds until the first new try; doubled each time it fails, up to the last.
FIRST_REST_S, LAST_REST_S = 10.0, 300.0
# A single lost packet is no outage.
PINGS_MISSED = 2


@dataclass
class TargetHealth:
    """What is known of one server; moments are monotonic seconds."""

    breaks_after: int
    failures: int = 0
    # Of OPTIONS.
    missed: int = 0
    answered_at: float | None = None
    unreachable: bool = False
    ping_status: int | None = None
    round_trip_s: float | None = None
    last_failure: str = ""
    _open_until: float | None = field(default=None)
    _rest_s: float = field(default=FIRST_REST_S)
    _probing: bool = field(default=False)

    def is_open(self, now: float) -> bool:
        """Known to be down: no call goes there."""
        return (self._open_until is not None and now < self._open_until) or self.is_silent

    @property
    def is_silent(self) -> bool:
        """It used to answer OPTIONS and does no more, or can't be reached. Who never did is not judged."""
        return self.missed >= PINGS_MISSED and (self.answered_at is not None or self.unreachable)

    @property
    def is_closed(self) -> bool:
        return self._open_until is None and not self.is_silent

    def takes(self, now: float) -> bool:
        """Whether a call may go there now; half-open, one at a time."""
        return not self.is_open(now) and not self._probing

    def begin(self, now: float) -> None:
        """A call goes there."""
        self._probing = self._open_until is not None

    def carried(self) -> None:
        """It took the call: rang, answered, or passed on what the destination said."""
        self.failures, self.last_failure = 0, ""
        self._open_until, self._rest_s, self._probing = None, FIRST_REST_S, False

    def refused(self) -> None:
        """Not carried, and no sign of illness either."""
        self._probing = False

    def failed(self, now: float, why: str, retry_after_s: int | None = None) -> None:
        """It could not take a call."""
        if not self.breaks_after:
            return
        self.failures += 1
        self.last_failure = why
        was_half_open, self._probing = self._open_until is not None, False
        if retry_after_s:
            self._open_until = now + min(float(retry_after_s), LAST_REST_S)
        elif was_half_open or self.failures >= self.breaks_after:
            self._open_until = now + self._rest_s
            self._rest_s = min(LAST_REST_S, 2 * self._rest_s)

    def pinged(
        self, now: float, status: int | None, round_trip_s: float | None, *, unreachable: bool = False
    ) -> None:
        """What came of an OPTIONS; `status` None is silence. 503 is as good as silence (RFC 3263 §4.3).

        `unreachable`: the network said that nobody is there, which is more than silence.
        """
        self.unreachable = unreachable
        self.ping_status, self.round_trip_s = status, round_trip_s
        if status is None or status == 503:
            self.missed += 1
            return
        if self.missed and self._open_until is not None:
            # Back after an outage: worth a call now, not only when the rest is over.
            self._open_until = min(self._open_until, now)
        self.missed, self.answered_at = 0, now

    def words(self, now: float) -> str:
        """up, down or unproven, and why, for people."""
        if self.is_silent:
            return "down: " + ("can't be reached" if self.unreachable else "answers OPTIONS no more")
        if self._open_until is not None and now < self._open_until:
            return f"down for {self._open_until - now:.0f} s more: {self.last_failure}"
        if self._open_until is not None:
            return f"on trial after {self.last_failure}"
        return "up"
