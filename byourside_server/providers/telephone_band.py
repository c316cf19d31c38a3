"""Studio sound to telephone sound and back: resampling, the voice band, level, G.711 µ-law.

Pure arithmetic on numpy arrays of float32 in -1..1; knows no engine, no file and no call.
Own code so that the embedded speech workers need nothing but numpy.
"""

from functools import lru_cache
from math import gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

LINE_RATE_HZ = 8000
WIDE_RATE_HZ = 16000
BAND_LOW_HZ = 200.0
BAND_HIGH_HZ = 3500.0
# of the mirrored upper band: silence above 4 kHz is what a recogniser of 16 kHz speech has never heard
UPPER_BAND_GAIN = 0.5
SPEECH_LEVEL_DBFS = -20.0  # of the spoken parts; ITU-T P.56's usual reference is -26, phones run hotter
PEAK_LIMIT = 0.95

_FULL_SCALE = 32768.0
_ULAW_BIAS = 132  # G.711 in 16-bit units: 33 << 2
_ULAW_CLIP = 32635
_FRAME_S = 0.02


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Change the rate of `samples` with a Kaiser-windowed polyphase low-pass filter."""
    if from_hz == to_hz or len(samples) == 0:
        return samples.astype(np.float32)
    common = gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    block = block_filter(up, down)
    count = -(-len(samples) * up // down)
    blocks = -(-count // up)
    reach = len(block) - down
    padded = np.zeros(blocks * down + reach, np.float32)
    padded[reach // 2 : reach // 2 + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(block))[::down][:blocks]
    return np.asarray((windows @ block).reshape(-1)[:count], np.float32)


@lru_cache(maxsize=8)
def block_filter(up: int, down: int) -> Samples:
    """A matrix that turns each `down` input samples (and their neighbours) into `up` output samples.

    Column p holds the taps of the output sample that falls p·down/up inputs into the block; one
    product of matrices is 20 times faster in numpy than gathering 160 sets of taps (22050 → 8000).
    """
    cutoff = 0.94 * min(1.0, up / down)  # of the input's Nyquist frequency; the rest is transition band
    half = int(np.ceil(24 * max(1.0, down / up)))
    moment = np.arange(up)[None, :] * down / up
    distance = np.arange(down + 2 * half)[:, None] - half - moment
    inside = np.clip(1 - (distance / half) ** 2, 0, None)
    window = np.where(np.abs(distance) < half, np.i0(8.0 * np.sqrt(inside)) / np.i0(8.0), 0)
    taps = cutoff * np.sinc(cutoff * distance) * window
    return np.asarray(taps / taps.sum(axis=0, keepdims=True), np.float32)


@lru_cache(maxsize=1)
def _band_filter() -> Samples:
    """257 linear-phase taps that pass the telephone's voice band at 8 kHz."""
    n = np.arange(257) - 128
    high, low = 2 * BAND_HIGH_HZ / LINE_RATE_HZ, 2 * BAND_LOW_HZ / LINE_RATE_HZ
    taps = (high * np.sinc(high * n) - low * np.sinc(low * n)) * np.hamming(257)
    return np.asarray(taps, np.float32)


def speech_level_dbfs(samples: Samples, rate_hz: int = LINE_RATE_HZ) -> float:
    """RMS level of the 20 ms frames that hold speech (within 30 dB of the loudest), in dBFS."""
    power = _frame_power(samples, rate_hz)
    spoken = power[power > power.max(initial=0.0) * 1e-3]
    return float(10 * np.log10(spoken.mean())) if len(spoken) else -np.inf


def sounding_time(samples: Samples, rate_hz: int = LINE_RATE_HZ) -> float:
    """Seconds in which something sounds: above -50 dBFS and within 20 dB of the loudest moment."""
    power = _frame_power(samples, rate_hz)
    return float(np.count_nonzero(power > max(power.max(initial=0.0) * 1e-2, 1e-5)) * _FRAME_S)


def _frame_power(samples: Samples, rate_hz: int) -> Samples:
    size = int(rate_hz * _FRAME_S)
    whole = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    return np.asarray((whole**2).mean(axis=1), np.float32)


def _trim_silence(samples: Samples, rate_hz: int) -> Samples:
    """Drop the silence an engine puts around speech, keeping 60 ms on each side."""
    power = _frame_power(samples, rate_hz)
    spoken = np.flatnonzero(power > max(power.max(initial=0.0) * 1e-4, 1e-9))
    if len(spoken) == 0:
        return samples
    size = int(rate_hz * _FRAME_S)
    return samples[max(0, spoken[0] - 3) * size : (spoken[-1] + 4) * size]


def to_telephone(samples: Samples, rate_hz: int) -> bytes:
    """Engine sound at `rate_hz` as µ-law at 8 kHz: trimmed, band-limited, levelled, never clipped."""
    line = resample(_trim_silence(samples, rate_hz), rate_hz, LINE_RATE_HZ)
    if len(line) == 0:
        return b""
    line = np.convolve(line, _band_filter(), mode="full")[128 : 128 + len(line)]
    level = speech_level_dbfs(line)
    if not np.isfinite(level):
        return encode_ulaw(line)
    line = line * 10 ** ((SPEECH_LEVEL_DBFS - level) / 20)
    peak = float(np.abs(line).max())
    return encode_ulaw(line * min(1.0, PEAK_LIMIT / peak))


def widen(line: Samples) -> Samples:
    """8 kHz as 16 kHz, with the band above 4 kHz filled by a soft mirror image of the band below.

    Spectral folding: the mirror of an interpolated signal is that signal with every second sample
    negated. It puts the energy of an "s" roughly where a wide-band recording has it.
    """
    wide = resample(line, LINE_RATE_HZ, WIDE_RATE_HZ)
    mirror = wide.copy()
    mirror[1::2] *= -1
    return np.asarray(wide + UPPER_BAND_GAIN * mirror, np.float32)


def from_int16(pcm: bytes) -> Samples:
    """Little-endian 16-bit samples as floats."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE


def to_int16(samples: Samples) -> bytes:
    """Floats as little-endian 16-bit samples."""
    return bytes(np.clip(np.rint(samples * _FULL_SCALE), -32768, 32767).astype("<i2").tobytes())


def encode_ulaw(samples: npt.NDArray[np.floating]) -> bytes:
    """Floats as G.711 µ-law bytes; beyond full scale is clipped."""
    linear = np.clip(np.rint(samples * _FULL_SCALE), -_ULAW_CLIP, _ULAW_CLIP).astype(np.int32)
    magnitude = np.abs(linear) + _ULAW_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    return bytes((~(sign | (segment << 4) | step) & 0xFF).astype(np.uint8).tobytes())


def decode_ulaw(ulaw: bytes) -> Samples:
    """G.711 µ-law bytes as floats."""
    return _decode_table()[np.frombuffer(ulaw, np.uint8)]


@lru_cache(maxsize=1)
def _decode_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS << ((code & 0x70) >> 4)) - _ULAW_BIAS
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude) / _FULL_SCALE, np.float32)
