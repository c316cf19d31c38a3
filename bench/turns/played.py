"""What a caller hears of the agent: the stretches in which its voice sounds, by the caller's clock.

Sound that comes faster than it is played waits for its turn; `clear` throws away what waits. No socket.
"""

from __future__ import annotations

from bench.turns.voicing import FRAME, FRAME_S, RATE_HZ, first_voiced, last_voiced

JOINED_S = 0.06
"""Shorter holes are packets that came late, and no pause of the speaker's."""

Stretch = tuple[float, float]


class Played:
    """One call's."""

    def __init__(self) -> None:
        self._sounds: list[list[float]] = []

    @property
    def sounds(self) -> list[Stretch]:
        """Begin and end of each stretch of the agent's voice so far; the last may lie in the future."""
        return [(begin, end) for begin, end in self._sounds]

    @property
    def until(self) -> float:
        """When the last of what is known ends; -inf where there was nothing yet."""
        return self._sounds[-1][1] if self._sounds else float("-inf")

    def take(self, ulaw: bytes, now: float) -> None:
        """Sound came at `now`: its first sample is played then, or behind what is played already."""
        shift = 0.0
        for number, at in enumerate(range(0, len(ulaw), FRAME)):
            frame = ulaw[at : at + FRAME]
            first, last = first_voiced(frame), last_voiced(frame)
            begin = now + number * FRAME_S + shift
            if first is None or last is None:
                continue
            waits = max(0.0, self.until - begin)
            # A frame that ends in the middle of a word is whole; only gaps in front of it move it.
            if waits > FRAME_S:
                shift += waits
                begin += waits
            self._add(begin + first / RATE_HZ, begin + (last + 1) / RATE_HZ)

    def clear(self, now: float) -> None:
        """What has not been played by `now` never will be."""
        self._sounds = [[begin, min(end, now)] for begin, end in self._sounds if begin < now]

    def _add(self, begin: float, end: float) -> None:
        if self._sounds and begin - self._sounds[-1][1] < JOINED_S:
            self._sounds[-1][1] = max(end, self._sounds[-1][1])
        else:
            self._sounds.append([begin, end])
