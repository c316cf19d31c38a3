"""What a simulated phone can do on the line: plain values, each a delay and something to do.

Several in a row follow each other: a delay counts from the end of what was played before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sound = Literal["beep", "ringback", "music", "fax"]


@dataclass(frozen=True)
class Speak:
    """Play a clip, `after_s` from now."""

    after_s: float
    clip_id: str


@dataclass(frozen=True)
class Play:
    """Play a sound that is no voice, `after_s` from now."""

    after_s: float
    sound: Sound
    duration_ms: int


@dataclass(frozen=True)
class HangUp:
    """Put the phone down, `after_s` from now."""

    after_s: float


@dataclass(frozen=True)
class Wait:
    """Have `waited` called, `after_s` from now; a `Hush` takes it back."""

    after_s: float


@dataclass(frozen=True)
class Hush:
    """Stop what is playing and forget all that was to follow."""


Act = Speak | Play | HangUp | Wait | Hush


def beep(after_s: float = 0.4) -> Play:
    """A voicemail's tone."""
    return Play(after_s, "beep", 400)
