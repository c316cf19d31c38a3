"""The contact's turn as sound: stretches of speech gathered until the turn is over.

A pause inside an answer ("five five five … zero one two eight") cuts the sound in two; recognising both
together is far better than apart, so each pause has the whole turn transcribed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_TURN_BYTES = 30 * 8000
SILENCE = b"\xff"
# Between two stretches as much quiet is kept as helps the recogniser, however long the pause was.
LONGEST_GAP_BYTES = 8000 * 6 // 10


@dataclass
class TurnSound:
    """µ-law of the turn so far; `start_s` and `end_s` are its voiced bounds, seconds since the answer."""

    start_s: float = 0.0
    end_s: float = 0.0
    _pieces: list[bytes] = field(default_factory=list)

    def add(self, ulaw: bytes, start_s: float, end_s: float) -> None:
        if self._pieces:
            gap = int(max(0.0, start_s - self.end_s) * 8000)
            self._pieces.append(SILENCE * min(gap, LONGEST_GAP_BYTES))
        else:
            self.start_s = start_s
        self._pieces.append(ulaw)
        self.end_s = end_s

    def forget_before(self, since_s: float | None) -> None:
        """Drop what belongs to an earlier turn than the one that began at `since_s` (None: no turn)."""
        if since_s is None or self.start_s < since_s:
            self._pieces.clear()

    @property
    def is_empty(self) -> bool:
        return not self._pieces

    @property
    def ulaw(self) -> bytes:
        return b"".join(self._pieces)[-MAX_TURN_BYTES:]
