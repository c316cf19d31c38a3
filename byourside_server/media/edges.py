"""Where a voice stops and begins, told before the network is sure of it: by the level of the sound.

The network's judgement trails the end of a voice by some 90 ms, and a hissing first sound ("sorry", "sure")
by 150. Falls of 30 dB and rises over the line's own noise show both within two chunks. What is told here may
turn out wrong and is meant for what can be taken back: a reply thought of ahead, a clip held for a moment.

Measured on the sandbox's 108 recordings, 32 ms chunks in four alignments, from the last or first 10 ms over
-45 dBFS (ms, median and 95 %): the end told after 70 and 86 (the network's own two quiet chunks: 150 and
184), one pause more a second of speech; the beginning after 40 and 92 (the network's first chunk: 40, 160).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import Floats
from byourside_server.media.jitter import Ints, Mask, Rows

LULL_CHUNKS = 2
"""64 ms of quiet in a turn are a pause."""
RESUME_CHUNKS = 2
FALL = 10 ** (-30 / 10)
"""Of the turn's loudest chunk: below that share it is quiet, whatever the network still makes of it."""
PEAK_DECAY = 10 ** (-0.15 / 10)
"""A chunk."""
LOUD_MEAN_SQUARE = 10 ** (-40 / 10)
RISE = 10 ** (12 / 10)
"""Over the line's own noise."""
FLOOR_GROWTH = 10 ** (0.1 / 10)
JUST_BEGUN_CHUNKS = 4
"""A clip that begins over a voice that has just begun is held as well."""
CALM_CHUNKS = 3
"""96 ms: in a stop consonant a voice is as quiet for 80 ms ("tha-t is"), and is none that has ended."""
LONGEST_HOLD_CHUNKS = 12
"""Nearly 400 ms: the network knows by then whether it is a voice."""
WARY_AFTER, DEAF_AFTER = 3, 10
"""Clips held for nothing in a row, after which only the network is believed, and then nothing that short."""

Counts = NDArray[np.int32]
_NONE: Rows = np.zeros(0, np.intp)


@dataclass(frozen=True)
class Changes:
    """Rows whose turn pauses or goes on, and rows whose clip is to be held or let go on."""

    paused: Rows
    resumed: Rows
    held: Rows
    released: Rows


NO_CHANGES = Changes(_NONE, _NONE, _NONE, _NONE)


class VoiceEdges:
    def __init__(self, capacity: int) -> None:
        self._peak = np.zeros(capacity, np.float32)
        self._floor = np.zeros(capacity, np.float32)
        self._lull = np.zeros(capacity, np.int32)
        """Quiet chunks in a row inside a turn."""
        self._back = np.zeros(capacity, np.int32)
        """Chunks with a voice in a row after a pause."""
        self.paused = np.zeros(capacity, np.bool_)
        self.voiced_end = np.zeros(capacity, np.int64)
        """Sample position behind the turn's last chunk that was not quiet."""
        self.hold_after = np.zeros(capacity, np.int32)
        """Loud chunks that hold a clip; 0: never."""
        self._loud = np.zeros(capacity, np.int32)
        self._calm = np.zeros(capacity, np.int32)
        self._held_for = np.zeros(capacity, np.int32)
        self._false_holds = np.zeros(capacity, np.int32)

    def reset(self, row: int) -> None:
        for array in (self._peak, self._floor, self._lull, self._back, self.paused, self.voiced_end):
            array[row] = 0
        for array in (self.hold_after, self._loud, self._calm, self._held_for, self._false_holds):
            array[row] = 0

    def begin_turn(self, rows: Rows, ends: Ints) -> None:
        self._peak[rows] = 0
        self.voiced_end[rows] = ends
        self._lull[rows] = self._back[rows] = 0
        self.paused[rows] = False

    def note(self, rows: Rows, ends: Ints, energy: Floats, speech: Mask, speaking: Mask) -> None:
        """A chunk of each of `rows`: its mean square, and what the network says of it."""
        floor = np.minimum(self._floor[rows] * FLOOR_GROWTH + 1e-12, energy)
        self._floor[rows] = floor
        loud = (energy > LOUD_MEAN_SQUARE) & (energy > floor * RISE)
        self._loud[rows] = (self._loud[rows] + 1) * loud
        self._calm[rows] = (self._calm[rows] + 1) * ~(loud | speech)
        in_turn = np.flatnonzero(speaking)
        if len(in_turn):
            self._follow(rows[in_turn], ends[in_turn], energy[in_turn], speech[in_turn])

    def _follow(self, rows: Rows, ends: Ints, energy: Floats, speech: Mask) -> None:
        peak = np.maximum(self._peak[rows] * PEAK_DECAY, energy)
        self._peak[rows] = peak
        voiced = speech & (energy >= peak * FALL)
        back = (self._back[rows] + 1) * voiced
        self._lull[rows] = (self._lull[rows] + 1) * ~voiced
        self._back[rows] = back
        going_on = voiced & (~self.paused[rows] | (back >= RESUME_CHUNKS))
        self.voiced_end[rows[going_on]] = ends[going_on]

    def changes(self, rows: Rows, speaking: Mask, run: Counts, playing: Mask, held: Mask) -> Changes:
        """What follows of the chunks just noted; `run`: so many in a row the network calls speech."""
        if not np.count_nonzero(speaking | playing | held):
            return NO_CHANGES
        paused = self.paused[rows]
        pauses = speaking & ~paused & (self._lull[rows] == LULL_CHUNKS)
        resumes = speaking & paused & (self._back[rows] >= RESUME_CHUNKS)
        changed = pauses | resumes
        if np.count_nonzero(changed):
            self.paused[rows[changed]] = pauses[changed]
        holds = releases = np.zeros(len(rows), np.bool_)
        if np.count_nonzero(playing):
            after, false_holds = self.hold_after[rows], self._false_holds[rows]
            is_wary = false_holds >= WARY_AFTER
            # Only what has just begun: a sound that goes on has shown before that it is no voice.
            loud, since = self._loud[rows], np.where(is_wary, after, 1)
            begins = (run >= since) & (run <= JUST_BEGUN_CHUNKS)
            begins |= (loud >= after) & (loud <= JUST_BEGUN_CHUNKS) & ~is_wary
            holds = playing & ~held & (after > 0) & begins & (false_holds < DEAF_AFTER)
            if np.count_nonzero(held):
                self._held_for[rows[held]] += 1
                is_over = (self._calm[rows] >= CALM_CHUNKS) | (
                    (self._held_for[rows] >= LONGEST_HOLD_CHUNKS) & (run == 0)
                )
                releases = held & (is_over | (after == 0))
                self._false_holds[rows[releases]] += 1
            self._held_for[rows[holds]] = 0
            changed = changed | holds | releases
        if not np.count_nonzero(changed):
            return NO_CHANGES
        return Changes(rows[pauses], rows[resumes], rows[holds], rows[releases])

    def believe(self, rows: Rows) -> None:
        """What these were held for was a voice."""
        self._false_holds[rows] = 0
