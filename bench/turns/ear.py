"""The stub recogniser that every contender gets: the same interim words, the same finals, the same delay.

It knows all that callers can say and finds in the sound how far they have come. Words are told 150 ms after
their sound, interim ones every 100 ms. Final are they where its own ear finds the voice to have ended (100 ms
of quiet), 150 ms after the last voiced frame; or 150 ms after it was asked (`ask`, Deepgram's Finalize). No
clock and no socket: `now` comes in, results are taken out when they are due.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.turns.sayings import Saying, Sayings
from bench.turns.voicing import FRAME, VOICED, linear, plain

INTERIM_SAMPLES = 800
ENDED_SAMPLES = 800
WORD_SLACK = 480
"""A word counts as heard 60 ms before its end: its last frames may be too quiet to be voice."""


@dataclass(frozen=True)
class Result:
    """Words of the samples `begin` to `end` of what the ear was given."""

    due: float
    text: str
    is_final: bool
    is_asked: bool
    begin: int
    end: int


class Ear:
    """One line's. `delay_s` is what the vendor takes."""

    def __init__(self, sayings: Sayings, delay_s: float) -> None:
        self._sayings, self._delay_s = sayings, delay_s
        self._rest = b""
        self._position = 0
        self._place = -1
        """Where in the sayings the last voiced frame ended; -1: nowhere."""
        self._saying: Saying | None = None
        self._told = 0
        """Words of the present saying that are final already."""
        self._heard = 0
        self._carried: list[str] = []
        """Words of earlier sayings that are not final yet."""
        self._begin = 0
        self._voice_end, self._voice_at = -1, 0.0
        self._interim_end = 0
        self._last_interim = ""
        self._results: list[Result] = []

    def hear(self, ulaw: bytes, now: float) -> None:
        """The next sound."""
        sound = self._rest + plain(ulaw)
        whole = len(sound) // FRAME * FRAME
        self._rest = sound[whole:]
        for at in range(0, whole, FRAME):
            frame = sound[at : at + FRAME]
            self._position += FRAME
            if np.abs(linear(frame)).mean() > VOICED:
                self._hear_voice(frame, now)
            elif 0 <= self._voice_end <= self._position - ENDED_SAMPLES:
                self._conclude(max(now, self._voice_at + self._delay_s), is_asked=False)

    def ask(self, now: float) -> None:
        """Whatever was said so far shall be final; answered even where nothing is left to tell."""
        self._conclude(now + self._delay_s, is_asked=True)

    def next_due(self) -> float | None:
        return min((result.due for result in self._results), default=None)

    def take(self, now: float) -> list[Result]:
        """Results that are due, in order."""
        due = [result for result in self._results if result.due <= now]
        self._results = [result for result in self._results if result.due > now]
        return sorted(due, key=lambda result: result.due)

    @property
    def _words(self) -> str:
        own = self._saying.words[self._told : self._heard] if self._saying is not None else ()
        return " ".join([*self._carried, *(word.text for word in own)])

    def _hear_voice(self, frame: bytes, now: float) -> None:
        self._voice_end, self._voice_at = self._position, now
        if self._place < 0 or self._sayings.ulaw[self._place : self._place + FRAME] != frame:
            self._locate(frame)
        if self._place >= 0:
            self._place += FRAME
        if self._saying is not None and self._place >= 0:
            reached = self._place - self._saying.begin + WORD_SLACK
            self._heard = max(self._heard, sum(word.end <= reached for word in self._saying.words))
        if self._position - self._interim_end >= INTERIM_SAMPLES:
            self._interim_end = self._position
            if self._words != self._last_interim:
                self._last_interim = self._words
                self._add(now + self._delay_s, self._words, is_final=False, is_asked=False)

    def _locate(self, frame: bytes) -> None:
        """After a pause, a jump or a new saying: where this sound stands."""
        before = self._place
        self._place = self._sayings.ulaw.find(frame)
        if self._place < 0:
            return
        saying = self._sayings.at(self._place)
        if saying is not self._saying or self._place < before:
            if self._saying is not None:
                self._carried += [word.text for word in self._saying.words[self._told : self._heard]]
            self._saying, self._told, self._heard = saying, 0, 0

    def _conclude(self, due: float, *, is_asked: bool) -> None:
        text = self._words
        self._voice_end = -1
        self._last_interim = ""
        if text or is_asked:
            self._add(due, text, is_final=True, is_asked=is_asked)
            self._begin = self._position
        self._carried, self._told = [], self._heard

    def _add(self, due: float, text: str, *, is_final: bool, is_asked: bool) -> None:
        self._results.append(Result(due, text, is_final, is_asked, self._begin, self._position))
