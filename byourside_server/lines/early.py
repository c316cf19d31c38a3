"""Ears before the answer: what ringing, busy, "not in service" and fax tones say of a call that rings.

Many carriers play sound instead of sending a status, or before they send it (early media: a 180 or 183 with
SDP). Takes what the media engine tells, with the moment; says until when to wait, and what it then comes to.
A status from the network, where one comes, still counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from byourside_server.lines import dialing
from byourside_server.lines.dialing import Unanswered
from byourside_server.media import messages as sound

STATUS_PATIENCE_S: Mapping[str, float] = {"sit": 6.0, "busy": 1.0, "congestion": 1.0, "fax": 1.0}
"""How long the network may still send its own status; after the three tones its announcement runs."""
BUSY_TONES = 3
"""One may be a click of the exchange."""
PIECES_GAP_MS = 140
"""A lost packet or a noise cuts a tone in two: pieces nearer than that are one."""
LONGEST_BUSY_MS, LONGEST_PAUSE_MS = 700, 700
SHORT_BUSY_MS = 350
"""A busy tone of half a second is the phone's, one of a quarter the network's: no way through
(ITU-T E.180, "congestion"; in North America "reorder")."""
VOICE_NOTICED_S = 0.3
"""Speech began at least so long before it was told."""

_KIND_OF_TONE: Mapping[str, str] = {"sit": "sit", "fax_ced": "fax", "fax_cng": "fax"}


class EarlyEars:
    """What early sound has said so far."""

    def __init__(self) -> None:
        self._busy: list[tuple[int, int]] = []  # from and to, of the tones in a row, in ms
        self._kind: str | None = None
        self.give_up_at: float | None = None
        """When nothing better will come; None while there is no reason."""
        self.voice_since: float | None = None
        """Since when a voice has been speaking; it may be a mailbox played before the answer."""

    @property
    def verdict(self) -> Unanswered | None:
        """What the attempt comes to at `give_up_at`."""
        return None if self._kind is None else dialing.of_early_sound(self._kind)

    def hear(self, event: sound.LineEvent, now: float) -> None:
        match event:
            case sound.SpeechStarted():
                self.voice_since = now - VOICE_NOTICED_S
            case sound.SpeechStopped():
                self.voice_since = None
            case sound.ToneHeard():
                self._hear_tone(event, now)
            case _:
                pass

    def _hear_tone(self, tone: sound.ToneHeard, now: float) -> None:
        if tone.kind in ("ringback", "music"):
            self._busy.clear()  # it rings, after all: a call passed on to another phone
            if self._kind in ("busy", "congestion"):
                self._kind = self.give_up_at = None
        elif tone.kind == "busy":
            self._hear_busy(tone.at_ms, tone.at_ms + tone.duration_ms)
            if len(self._busy) >= BUSY_TONES:
                longest_ms = max(end - start for start, end in self._busy)
                self._conclude("congestion" if longest_ms < SHORT_BUSY_MS else "busy", now)
        elif tone.kind in _KIND_OF_TONE:
            self._conclude(_KIND_OF_TONE[tone.kind], now)

    def _hear_busy(self, start_ms: int, end_ms: int) -> None:
        """Keep the tones that follow each other as those of a busy line do."""
        pause_ms = start_ms - self._busy[-1][1] if self._busy else 0
        if self._busy and pause_ms < PIECES_GAP_MS:
            start_ms = self._busy.pop()[0]
        elif pause_ms > LONGEST_PAUSE_MS:
            self._busy.clear()
        self._busy.append((start_ms, end_ms))
        if end_ms - start_ms > LONGEST_BUSY_MS:
            self._busy.clear()  # a ringing tone in pieces

    def _conclude(self, kind: str, now: float) -> None:
        if self._kind is None:
            self._kind, self.give_up_at = kind, now + STATUS_PATIENCE_S[kind]
