"""Steady tones on a line: the voicemail's beep, ringback, busy, fax, "number not in service".

Knows the last eighth of a second of sound. Does not know calls or what a tone means for them.

A tone is a peak that holds 90 % of the power of a 50 ms spectrum within three bins, steady within 8 Hz and
1.5 dB for 5 ticks, while the speech network says no. Of 384 random beeps in noise (440-2000 Hz) those of
200 ms and more were found in 94 % at 10 dB SNR and in 98-100 % from 15 dB; of those of 100 ms, 10 %.
Two tones together (ringback, busy, dial tone) are found in a spectrum of 128 ms, looked at every fifth
tick. Rows whose sound no single resonance explains (speech, noise) are left out before any spectrum is made.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import Floats
from byourside_server.media.jitter import Mask, Rows
from byourside_server.media.music import MusicWatch
from byourside_server.media.rtp import TICK_MS
from byourside_server.media.window import SoundWindow

RATE_HZ = 8000
LOUDEST_QUIET_MEAN_SQUARE = 10 ** (-40 / 10)
SPEECH_ABOVE = 0.35
RESIDUAL_AT_MOST = 0.2
"""Of the two-tap resonance x[n+1] + x[n-1] = c x[n], relative to power; white noise gives 0.5."""

FFT, WINDOW_SAMPLES = 512, 400
LOWEST_HZ, HIGHEST_HZ = 350, 2200
_FIRST_BIN = 16
"""Below 250 Hz lies hum."""
PEAK_BINS = 3
PURITY = 0.9
STEADY_HZ, STEADY_DB, STEADY_TICKS = 8, 1.5, 5
BLUR_TICKS = 2
"""The 50 ms window is pure from about two ticks after a tone's onset, and blurs as soon as it ends."""
LONGEST_TICKS = 100
"""A tone still there after two seconds is reported without waiting for its end."""
FAX_HZ, FAX_TICKS = 2100, 25
"""That of a fax after half a second: nobody should go on talking to it."""

PAIR_FFT = 1024
PAIR_EVERY_TICKS = 5
PAIR_PURITY = 0.8
PAIR_HZ = 12
PAIR_LEAST_SHARE, VALLEY_AT_MOST = 0.15, 0.05
"""Between two tones lies nothing; one tone in the middle (Europe's 425 Hz) would touch both bands."""
PAIRS: tuple[tuple[str, int, int], ...] = (
    ("ringback", 440, 480),
    ("ringback", 400, 450),
    ("busy", 480, 620),
    ("dial_tone", 350, 440),
)
"""ITU-T E.180 supplement 2: North America (and Canada's and the UK's ringback)."""

SINGLES: tuple[tuple[str, int, int, int, int], ...] = (
    ("fax_cng", 1062, 1138, 340, 600),
    ("fax_ced", 2085, 2115, 100, 100_000),
    ("busy", 415, 435, 180, 600),
    ("ringback", 415, 435, 700, 1600),
    ("dial_tone", 415, 435, 1600, 100_000),
)
"""Kind, lowest and highest Hz, shortest and longest ms: ITU-T T.30 §4, E.180 (Europe's 425 Hz).
Anything else that is steady is a beep. A modern fax turns the phase of its answer tone every
450 ms (ITU-T V.8) and lost packets cut tones, hence the short limits of both."""

SIT_HZ: tuple[tuple[int, int], ...] = ((895, 996), (1350, 1450), (1757, 1797))
"""The three rising tones before "the number you have dialled" (ITU-T E.180 §7, Telcordia SR-2275)."""
SIT_GAP_TICKS = 10


@dataclass(frozen=True)
class Tone:
    row: int
    kind: str
    frequency_hz: int
    first_tick: int
    ticks: int

    @property
    def duration_ms(self) -> int:
        return self.ticks * TICK_MS


class ToneWatch:
    def __init__(self, capacity: int, *, in_step: bool = False) -> None:
        self._steady = np.zeros(capacity, np.int32)
        self._frequency = np.zeros(capacity, np.float64)
        self._level_db = np.zeros(capacity, np.float64)
        self._reported = np.zeros(capacity, np.bool_)
        self._pair = np.full(capacity, -1, np.int8)
        self._pair_ticks = np.zeros(capacity, np.int32)
        self._held: dict[int, list[Tone]] = {}
        self._music = MusicWatch(capacity, in_step=in_step)
        self._hann = np.hanning(WINDOW_SAMPLES).astype(np.float32)
        self._hann_pair = np.hanning(PAIR_FFT).astype(np.float32)

    def reset(self, row: int) -> None:
        self._steady[row] = self._pair_ticks[row] = 0
        self._frequency[row] = self._level_db[row] = 0
        self._reported[row] = False
        self._pair[row] = -1
        self._held.pop(row, None)
        self._music.reset(row)

    def listen(self, count: int, tick: int, window: SoundWindow, speech: Floats) -> list[Tone]:
        """Tones that ended, or grew long, with the frame of `tick`; music that began or ended."""
        tonal = self._tonal(window.frame[:count], speech[:count])
        found = self._singles(count, tick, tonal, window)
        if tick % PAIR_EVERY_TICKS == 0:
            found += self._pairs(count, tick, tonal, window)
        if found or self._held:
            found = self._join_sit(found, tick)
        for row, kind, first_tick, ticks in self._music.listen(count, tick, window, speech):
            found.append(Tone(row, kind, 0, first_tick, ticks))
        return found

    def _tonal(self, frames: Floats, speech: Floats) -> Rows:
        power = np.einsum("ij,ij->i", frames, frames)
        loud = np.flatnonzero((power > frames.shape[1] * LOUDEST_QUIET_MEAN_SQUARE) & (speech < SPEECH_ABOVE))
        if not len(loud):
            return loud
        sound = frames if len(loud) == len(frames) else frames[loud]
        middle = sound[:, 1:-1]
        around = sound[:, 2:] + sound[:, :-2]
        own = np.einsum("ij,ij->i", middle, middle) + 1e-9
        shared = np.einsum("ij,ij->i", around, middle)
        residual = (np.einsum("ij,ij->i", around, around) - shared * shared / own) / (4 * own)
        tonal: Rows = loud[residual < RESIDUAL_AT_MOST]
        return tonal

    def _singles(self, count: int, tick: int, tonal: Rows, window: SoundWindow) -> list[Tone]:
        steady = self._steady[:count]
        if not len(tonal) and not np.count_nonzero(steady):
            return []
        goes_on = np.zeros(count, np.bool_)
        if len(tonal):
            pure, frequency, level = self._peak(window.ending(0, WINDOW_SAMPLES)[tonal])
            near = np.abs(frequency - self._frequency[tonal]) < STEADY_HZ
            near &= np.abs(level - self._level_db[tonal]) < STEADY_DB
            goes_on[tonal] = pure & near
            fresh = tonal[pure & ~near]
            ended = self._ended(np.flatnonzero((steady >= STEADY_TICKS) & ~goes_on), tick)
            steady[~goes_on] = 0
            steady[fresh] = 1
            steady[goes_on] += 1
            moved = tonal[pure & ~near]
            self._frequency[moved], self._level_db[moved] = frequency[pure & ~near], level[pure & ~near]
        else:
            ended = self._ended(np.flatnonzero(steady >= STEADY_TICKS), tick)
            steady[:] = 0
        self._reported[:count][steady <= 1] = False
        fax = (steady >= FAX_TICKS) & (np.abs(self._frequency[:count] - FAX_HZ) < 2 * STEADY_HZ)
        long = np.flatnonzero(((steady >= LONGEST_TICKS) | fax) & ~self._reported[:count])
        ended += self._ended(long, tick + 1)
        self._reported[long] = True
        return ended

    def _peak(self, sound: Floats) -> tuple[Mask, NDArray[np.float64], NDArray[np.float64]]:
        """For each row: is it one peak, at what frequency, how loud in dBFS."""
        spectrum = np.fft.rfft(sound * self._hann, FFT, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2)[:, _FIRST_BIN:]
        index = np.arange(len(power))
        peak = np.clip(power.argmax(axis=1), PEAK_BINS, power.shape[1] - PEAK_BINS - 1)
        held = sum(power[index, peak + step] for step in range(-PEAK_BINS, PEAK_BINS + 1))
        left, top, right = (np.log(power[index, peak + step] + 1e-12) for step in (-1, 0, 1))
        offset = 0.5 * (left - right) / (left - 2 * top + right - 1e-9)
        frequency = (peak + _FIRST_BIN + offset) * RATE_HZ / FFT
        level = 10 * np.log10((sound * sound).mean(axis=1) + 1e-12)
        pure = held / (power.sum(axis=1) + 1e-9) > PURITY
        pure &= (frequency > LOWEST_HZ) & (frequency < HIGHEST_HZ)
        return cast(Mask, pure), frequency, level

    def _ended(self, rows: Rows, tick: int) -> list[Tone]:
        """Tones of rows that were steady until the frame before `tick`."""
        tones = []
        for row in rows.tolist():
            if self._reported[row] or self._pair[row] >= 0:
                continue
            ticks = int(self._steady[row]) + BLUR_TICKS
            hz = round(float(self._frequency[row]))
            tones.append(Tone(row, _single_kind(hz, ticks * TICK_MS), hz, tick - ticks, ticks))
        return tones

    def _pairs(self, count: int, tick: int, tonal: Rows, window: SoundWindow) -> list[Tone]:
        ongoing = self._pair_ticks[:count] > 0
        if not len(tonal) and not np.count_nonzero(ongoing):
            return []
        now = np.full(count, -1, np.int8)
        if len(tonal):
            now[tonal] = self._which_pair(window.ending(0, PAIR_FFT)[tonal])
        same = ongoing & (now == self._pair[:count])
        tones = []
        for row in np.flatnonzero(ongoing & ~same).tolist():
            ticks = int(self._pair_ticks[row])
            kind, low, _ = PAIRS[self._pair[row]]
            if ticks > PAIR_EVERY_TICKS:
                tones.append(Tone(row, kind, low, tick - ticks, ticks))
        pair_ticks = self._pair_ticks[:count]
        pair_ticks[~same] = 0
        pair_ticks[now >= 0] += PAIR_EVERY_TICKS
        self._pair[:count] = now
        return tones

    def _which_pair(self, sound: Floats) -> NDArray[np.int8]:
        """Index into PAIRS of the two frequencies that hold nearly all the power, or -1."""
        spectrum = np.fft.rfft(sound * self._hann_pair, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        total = power[:, _FIRST_BIN * 2 :].sum(axis=1) + 1e-9
        answer = np.full(len(sound), -1, np.int8)
        for number, (_, low, high) in enumerate(PAIRS):
            share = [_band(power, hz) / total for hz in (low, high)]
            valley = power[:, round((low + high) / 2 * PAIR_FFT / RATE_HZ)] / total
            both = (share[0] + share[1] > PAIR_PURITY) & (np.minimum(*share) > PAIR_LEAST_SHARE)
            answer[both & (valley < VALLEY_AT_MOST)] = number
        return answer

    def _join_sit(self, found: list[Tone], tick: int) -> list[Tone]:
        """Hold tones that may be the first of the three, and put the three together."""
        out = []
        for tone in found:
            held = self._held.pop(tone.row, [])
            if _in_band(tone.frequency_hz, SIT_HZ[len(held)]):
                held.append(tone)
                if len(held) == len(SIT_HZ):
                    ticks = tone.first_tick + tone.ticks - held[0].first_tick
                    out.append(Tone(tone.row, "sit", held[0].frequency_hz, held[0].first_tick, ticks))
                else:
                    self._held[tone.row] = held
            else:
                out += [*held, tone]
        for row, held in list(self._held.items()):
            last = held[-1]
            waited = tick - (last.first_tick + last.ticks)
            if waited > SIT_GAP_TICKS and self._steady[row] == 0:
                out += self._held.pop(row)
        return out


def _band(power: NDArray[np.float64], hz: int) -> NDArray[np.float64]:
    width = RATE_HZ / PAIR_FFT
    first, last = int((hz - PAIR_HZ - width) / width), int((hz + PAIR_HZ + width) / width) + 1
    return cast("NDArray[np.float64]", power[:, first : last + 1].sum(axis=1))


def _in_band(hz: int, band: tuple[int, int]) -> bool:
    return band[0] <= hz <= band[1]


def _single_kind(hz: int, duration_ms: int) -> str:
    for kind, low, high, shortest_ms, longest_ms in SINGLES:
        if low <= hz <= high and shortest_ms <= duration_ms <= longest_ms:
            return kind
    return "beep"
