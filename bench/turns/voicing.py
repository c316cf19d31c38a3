"""Where speech begins and ends in µ-law sound, to the sample.

Needs numpy alone: the contenders' environments read it, too. Positions are samples at 8 kHz.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE_HZ, FRAME = 8000, 160
FRAME_S = FRAME / RATE_HZ
QUIET = b"\xff"
VOICED = 262
"""Mean |sample| of 20 ms that count as voice, 16-bit: -42 dBFS."""

Samples = npt.NDArray[np.int32]


def _table() -> Samples:
    """ITU-T G.711: the sample of each of the 256 bytes."""
    code = ~np.arange(256) & 0xFF
    size = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -size, size).astype(np.int32)


_LINEAR = _table()
_ORDER = np.argsort(_LINEAR, kind="stable")
_LEVELS = _LINEAR[_ORDER]


def linear(ulaw: bytes) -> Samples:
    """16-bit samples."""
    return _LINEAR[np.frombuffer(ulaw, np.uint8)]


def companded(samples: Samples) -> bytes:
    """The nearest µ-law bytes."""
    above = np.clip(np.searchsorted(_LEVELS, samples), 1, 255)
    is_lower = samples - _LEVELS[above - 1] < _LEVELS[above] - samples
    return plain(_ORDER[above - is_lower].astype(np.uint8).tobytes())


def plain(ulaw: bytes) -> bytes:
    """G.711 has two zeros; what went through linear samples has one."""
    return ulaw.replace(b"\x7f", QUIET)


def voiced_frames(ulaw: bytes) -> npt.NDArray[np.bool_]:
    """Which whole frames of 20 ms are loud enough to be voice."""
    sound = np.abs(linear(ulaw))
    return np.asarray(sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).mean(axis=1) > VOICED)


def first_voiced(ulaw: bytes) -> int | None:
    """The first voiced sample: the first loud one of the first voiced frame."""
    frames = np.flatnonzero(voiced_frames(ulaw))
    if not len(frames):
        return None
    frame = int(frames[0]) * FRAME
    return frame + int(np.argmax(np.abs(linear(ulaw[frame : frame + FRAME])) > VOICED))


def last_voiced(ulaw: bytes) -> int | None:
    """The last voiced sample: the last loud one of the last voiced frame."""
    frames = np.flatnonzero(voiced_frames(ulaw))
    if not len(frames):
        return None
    frame = int(frames[-1]) * FRAME
    return frame + int(np.flatnonzero(np.abs(linear(ulaw[frame : frame + FRAME])) > VOICED)[-1])
