"""Hold music on a line: sound that goes on for seconds, is tonal, moves, and is nobody's voice.

Knows the last eighth of a second of sound, looked at five times a second, and what the speech network says.
Does not know calls. Music with a singer in it is a voice to the network, and to us.

A look is music where the sound is louder than -45 dBFS, at least half of its power stands out from the
spectrum around it (chords do, noise does not: of white noise less than a twentieth), and no more than three
of its ten frames were speech. A steady tone is no music, so the strongest tone must also have moved.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import Floats
from byourside_server.media.jitter import Mask
from byourside_server.media.shifts import Shifts
from byourside_server.media.window import SoundWindow

RATE_HZ = 8000
LOOK_TICKS = 10
FFT = 1024
FIRST_BIN, LAST_BIN = 18, 434
"""140 to 3400 Hz: what the telephone lets through."""
BAND_BINS = 32
STANDS_OUT, STANDING_SHARE = 8.0, 0.5
"""A bin stands out at eight times the median of the 250 Hz around it."""
LOUD_MEAN_SQUARE = 10 ** (-45 / 10)
SPEECH_ABOVE, SPEECH_TICKS = 0.35, 3
HIGHEST_PEAK_HZ = 1400
"""The strongest tone of music lies below; a fax's data does not, and never rests either."""
MOVED = 1.04
"""More than half a semitone."""
BEGIN_LOOKS, BEGIN_MUSIC, BEGIN_MOVES = 16, 13, 2
"""Of the looks of 3.2 s so many must be music, so that a ringing tone's pauses or a few words forbid it."""
END_LOOKS = 6
"""1.2 s without one look of music end it."""


class MusicWatch:
    """Tells rows on which music began or ended."""

    def __init__(self, capacity: int, *, in_step: bool = False) -> None:
        self._spoken = np.zeros(capacity, np.int32)
        self._looks = np.zeros((capacity, BEGIN_LOOKS), np.bool_)
        self._moves = np.zeros((capacity, BEGIN_LOOKS), np.bool_)
        self._peak_hz = np.zeros(capacity, np.float64)
        self._since = np.full(capacity, -1, np.int64)
        """Tick at which the music began; -1: none."""
        self._shifts = Shifts(LOOK_TICKS, in_step=in_step)
        self._hann = np.hanning(FFT).astype(np.float32)

    def reset(self, row: int) -> None:
        self._spoken[row] = 0
        self._looks[row] = self._moves[row] = False
        self._peak_hz[row] = 0
        self._since[row] = -1

    def listen(
        self, count: int, tick: int, window: SoundWindow, speech: Floats
    ) -> list[tuple[int, str, int, int]]:
        """Row, "music" or "music_ended", first tick and ticks of what began or ended with this frame.

        Rows take turns; in step, all look in every tenth tick.
        """
        self._spoken[:count] += speech[:count] >= SPEECH_ABOVE
        rows = self._shifts.rows(count, tick)
        if not len(rows):
            return []
        is_music, moved = np.zeros((2, len(rows)), np.bool_)
        quiet = np.flatnonzero(self._spoken[rows] <= SPEECH_TICKS)
        self._spoken[rows] = 0
        sound = window.ending(0, FFT)[rows[quiet]]
        loud = np.einsum("ij,ij->i", sound, sound) > FFT * LOUD_MEAN_SQUARE
        asked = quiet[loud]
        if len(asked):
            tonal, peak_hz = self._spectrum(sound[loud])
            is_music[asked] = tonal & (peak_hz < HIGHEST_PEAK_HZ)
            before = self._peak_hz[rows[asked]]
            ratio = np.maximum(peak_hz, before) / np.maximum(np.minimum(peak_hz, before), 1.0)
            moved[asked] = (ratio > MOVED) & (before > 0) & is_music[asked]
            self._peak_hz[rows[asked]] = peak_hz
        for history, now in ((self._looks, is_music), (self._moves, moved)):
            history[rows, :-1] = history[rows, 1:]
            history[rows, -1] = now
        return self._changes(rows, tick)

    def _changes(self, rows: NDArray[np.intp], tick: int) -> list[tuple[int, str, int, int]]:
        looks, plays = self._looks[rows], self._since[rows] >= 0
        begins = ~plays & (looks.sum(axis=1) >= BEGIN_MUSIC) & looks[:, -1]
        begins &= self._moves[rows].sum(axis=1) >= BEGIN_MOVES
        ends = plays & ~looks[:, -END_LOOKS:].any(axis=1)
        changes = []
        for row in rows[begins].tolist():
            ticks = (BEGIN_LOOKS - int(self._looks[row].argmax())) * LOOK_TICKS
            self._since[row] = tick + 1 - ticks
            changes.append((row, "music", tick + 1 - ticks, ticks))
        for row in rows[ends].tolist():
            first, self._since[row] = int(self._since[row]), -1
            changes.append((row, "music_ended", first, tick + 1 - END_LOOKS * LOOK_TICKS - first))
        return changes

    def _spectrum(self, sound: Floats) -> tuple[Mask, NDArray[np.float64]]:
        """For each row: does most of its power stand out in lines, and where is the strongest?"""
        spectrum = np.fft.rfft(sound * self._hann, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2)[:, FIRST_BIN:LAST_BIN]
        bands = power.reshape(len(power), -1, BAND_BINS)
        floor = np.median(bands, axis=2, keepdims=True)
        standing = np.where(bands > STANDS_OUT * floor, bands, 0).sum(axis=(1, 2))
        tonal = standing > STANDING_SHARE * (power.sum(axis=1) + 1e-9)
        peak_hz = (power.argmax(axis=1) + FIRST_BIN) * RATE_HZ / FFT
        return cast(Mask, tonal), peak_hz
