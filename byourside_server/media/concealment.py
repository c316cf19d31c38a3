"""A frame that did not come, made of the sound before it: the last pitch period again, fading out in 60 ms.

In the manner of G.711 appendix I: the period is found by correlation, its ends are cross-faded so that it
repeats without a step, full level holds for 10 ms and is gone after 60, and the first real frame is faded in.
Unlike there, nothing is delayed: the seam at the beginning of the gap is smoothed inside the gap.
Knows the floats of the sound window; only rows with a gap come here, 50 µs for its first frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import ULAW_DECODE, ULAW_SILENCE, Bytes, Floats, encode_ulaw
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS
from byourside_server.media.window import SoundWindow

CONCEALED_FRAMES = 3
"""60 ms; what is missing longer is silence."""
SHORTEST_PERIOD, LONGEST_PERIOD = 40, 120
"""5 to 15 ms: 200 down to 66 Hz. Higher voices repeat within two or three of their periods."""
_TEMPLATE = 160
_HISTORY = _TEMPLATE + LONGEST_PERIOD + LONGEST_PERIOD // 4
_SEAM = 16
_JOIN = 4 * SAMPLES_PER_MS
_LONGEST_JOIN = 10 * SAMPLES_PER_MS
_LONGEST_GAP = CONCEALED_FRAMES * FRAME_SAMPLES + _LONGEST_JOIN
_FULL = 10 * SAMPLES_PER_MS
_FADE = 50 * SAMPLES_PER_MS

_GAIN = np.clip(1 - (np.arange(_LONGEST_GAP) - _FULL) / _FADE, 0, 1).astype(np.float32)
_RISE = {n: (np.arange(1, n + 1) / (n + 1)).astype(np.float32) for n in range(1, _LONGEST_JOIN + 1)}


@dataclass
class _Gap:
    sound: Floats
    """What is put in its place, from its beginning on."""
    used: int = 0

    def next_samples(self, count: int) -> Floats:
        self.used += count
        return self.sound[self.used - count : self.used]


class Concealment:
    def __init__(self, capacity: int) -> None:
        self._gaps: dict[int, _Gap] = {}
        self.frames = np.zeros(capacity, np.int64)
        """Frames of each row that were made up."""

    def reset(self, row: int) -> None:
        self._gaps.pop(row, None)
        self.frames[row] = 0

    def mend(
        self, rows: NDArray[np.intp], missing: NDArray[np.int16], frames: Bytes, window: SoundWindow
    ) -> None:
        """Fill the gaps of `rows` in this tick's `frames`, or soften their ends.

        `missing` says for every row how many frames in a row were not there, this one included;
        `window` ends before this tick.
        """
        for row in rows.tolist():
            if missing[row] == 0:
                gap = self._gaps.pop(row, None)
                if gap is not None:
                    frames[row] = _joined(gap, frames[row])
            elif missing[row] <= CONCEALED_FRAMES:
                gap = self._gaps.get(row)
                if gap is None:
                    gap = self._gaps[row] = _Gap(continued(window.ending(0, _HISTORY)[row]))
                frames[row] = _ulaw(gap.next_samples(FRAME_SAMPLES))
                self.frames[row] += 1
            else:
                self._gaps.pop(row, None)
                frames[row] = ULAW_SILENCE


def continued(history: Floats) -> Floats:
    """`history` (38 ms and more) as it would go on, fading out."""
    if not history[-_TEMPLATE:].any():
        return np.zeros(_LONGEST_GAP, np.float32)
    period = period_of(history)
    quarter = period // 4
    cycle = history[-period:].copy()
    rise = _RISE[quarter]
    before = history[-period - quarter : -period]
    cycle[-quarter:] = cycle[-quarter:] * (1 - rise) + before * rise
    sound = np.resize(cycle, _LONGEST_GAP)
    # The step from the last real sample to the first of the cycle is spread over 2 ms.
    step = history[-1] + (history[-1] - history[-2]) / 2 - sound[0]
    sound[:_SEAM] += step * (1 - _RISE[_SEAM])
    sound *= _GAIN
    return sound


def period_of(history: Floats) -> int:
    """Samples after which the end of `history` resembles itself most."""
    template = history[-_TEMPLATE:]
    past = history[-_TEMPLATE - LONGEST_PERIOD : -SHORTEST_PERIOD]
    likeness = np.correlate(past, template, "valid")
    squares = np.concatenate(([0.0], np.cumsum(past.astype(np.float64) ** 2)))
    energy = squares[_TEMPLATE:] - squares[:-_TEMPLATE]
    best = int(np.argmax(likeness / np.sqrt(energy + 1e-9)))
    return LONGEST_PERIOD - best


def _joined(gap: _Gap, ulaw: Bytes) -> Bytes:
    """The first real frame after a gap: the longer that was, the slower it comes in (4 to 10 ms)."""
    length = min(_LONGEST_JOIN, _JOIN * (gap.used // FRAME_SAMPLES))
    rise = _RISE[length]
    real = ULAW_DECODE[ulaw[:length]].astype(np.float32) / 32768
    mixed = ulaw.copy()
    mixed[:length] = _ulaw(real * rise + gap.next_samples(length) * (1 - rise))
    return mixed


def _ulaw(sound: Floats) -> Bytes:
    return encode_ulaw(np.clip(sound * 32768, -32767, 32767).astype(np.int16))
