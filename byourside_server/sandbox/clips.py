"""What the sandbox's simulated people say, and the tones of its telephone network.

Clips are recordings made once with flite by `script/make_clips` from `clips/clips.csv`: 8 kHz µ-law,
one `.ul` file each, with the words kept beside them. Tones are computed. No call, no socket, no clock.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from byourside_server.providers.telephone_band import LINE_RATE_HZ, encode_ulaw

CLIP_FOLDER = Path(__file__).with_name("clips")
CLIP_TABLE = CLIP_FOLDER / "clips.csv"
ULAW_SILENCE = b"\xff"

_RAMP_MS = 4  # tones fade in and out: a hard edge is a click across the whole band
_Wave = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """One recording: who says what, as µ-law at 8 kHz."""

    clip_id: str
    text: str
    voice: str
    ulaw: bytes

    @property
    def duration_s(self) -> float:
        return len(self.ulaw) / LINE_RATE_HZ


@dataclass(frozen=True)
class ClipRow:
    """A line of the table from which the clips are made."""

    clip_id: str
    voice: str
    text: str

    @property
    def path(self) -> Path:
        return CLIP_FOLDER / f"{self.clip_id}.ul"


@lru_cache(maxsize=1)
def clip_rows() -> dict[str, ClipRow]:
    """The table, by clip id."""
    with CLIP_TABLE.open(newline="") as table:
        rows = [ClipRow(**row) for row in csv.DictReader(table)]
    by_id = {row.clip_id: row for row in rows}
    assert len(by_id) == len(rows), "a clip id stands twice in clips.csv"
    return by_id


@lru_cache(maxsize=256)
def load_clip(clip_id: str) -> Clip:
    """The recording called `clip_id`; KeyError where the table has none."""
    row = clip_rows()[clip_id]
    return Clip(clip_id, row.text, row.voice, row.path.read_bytes())


def all_clips() -> Iterator[Clip]:
    """Every recording of the table, in its order."""
    return (load_clip(clip_id) for clip_id in clip_rows())


def silence(duration_ms: int) -> bytes:
    """µ-law silence."""
    return ULAW_SILENCE * _sample_count(duration_ms)


def beep(frequency_hz: float, duration_ms: int, level_dbfs: float = -12.0) -> bytes:
    """One steady tone, as at the end of a voicemail greeting."""
    return encode_ulaw(_tone((frequency_hz,), duration_ms, level_dbfs))


def ringback(duration_ms: int) -> bytes:
    """440 + 480 Hz, 2 s on and 4 s off (North America, ITU-T E.180)."""
    return _cadence((440.0, 480.0), 2000, 4000, duration_ms)


def busy_tone(duration_ms: int) -> bytes:
    """480 + 620 Hz, half a second on and off (North America, ITU-T E.180)."""
    return _cadence((480.0, 620.0), 500, 500, duration_ms)


def fax_answer_tone(duration_ms: int) -> bytes:
    """The 2100 Hz tone (CED, ITU-T T.30) with which a fax machine answers."""
    return encode_ulaw(_tone((2100.0,), duration_ms, -12.0))


def hold_music(duration_ms: int) -> bytes:
    """A plain tune of three-note chords, so that nothing borrowed is played; repeats every 4 s."""
    roots_hz = (261.6, 220.0, 174.6, 196.0)
    chords = [_tone((root, root * 1.26, root * 1.498), 1000, -18.0, ramp_ms=80) for root in roots_hz]
    return _repeat(encode_ulaw(np.concatenate(chords)), duration_ms)


def noise(duration_ms: int, level_dbfs: float, seed: int = 0) -> bytes:
    """White noise, the same each time for the same seed."""
    samples = np.random.default_rng(seed).standard_normal(_sample_count(duration_ms))
    return encode_ulaw((samples * 10 ** (level_dbfs / 20)).astype(np.float32))


def _sample_count(duration_ms: int) -> int:
    return duration_ms * LINE_RATE_HZ // 1000


def _tone(
    frequencies_hz: tuple[float, ...], duration_ms: int, level_dbfs: float, ramp_ms: int = _RAMP_MS
) -> _Wave:
    at = np.arange(_sample_count(duration_ms)) / LINE_RATE_HZ
    wave = np.sum([np.sin(2 * np.pi * frequency * at) for frequency in frequencies_hz], axis=0)
    wave *= 10 ** (level_dbfs / 20) * np.sqrt(2 / len(frequencies_hz))  # level is RMS
    ramp = np.minimum(np.arange(len(at)) + 1, np.arange(len(at), 0, -1)) / _sample_count(ramp_ms)
    return np.asarray(wave * np.minimum(ramp, 1.0))


def _cadence(frequencies_hz: tuple[float, ...], on_ms: int, off_ms: int, duration_ms: int) -> bytes:
    return _repeat(encode_ulaw(_tone(frequencies_hz, on_ms, -16.0)) + silence(off_ms), duration_ms)


def _repeat(pattern: bytes, duration_ms: int) -> bytes:
    count = _sample_count(duration_ms)
    return (pattern * (count // len(pattern) + 1))[:count]
