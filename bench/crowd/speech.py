"""What the callers of the crowd say, and what they are answered with: the sandbox's recordings, put together.

Knows µ-law clips and where their last voiced sample lies; knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byourside_server.media.g711 import ULAW_SILENCE, decode_ulaw
from byourside_server.sandbox.clips import load_clip

UTTERANCES = (
    ("my_name_is_john_smith", "number_555_0128"),
    ("yes_works", "friday_three_thirty"),
    ("no_thank_you", "email_by_thursday"),
    ("who_is_this", "what_is_this_about"),
)
ANSWER = ("screening_thank_you", "menu_transfer", "hold_notice")
ANSWER_S = 3.0
GAP_S, TAIL_S = 0.12, 0.3
VOICED_MEAN = 0.008
RATE_HZ, FRAME = 8000, 160


@dataclass(frozen=True)
class Utterance:
    """Speech as µ-law; `voiced_end` is the sample behind its last voiced 20 ms."""

    ulaw: bytes
    voiced_end: int


def joined(clip_ids: tuple[str, ...], tail_s: float = TAIL_S) -> bytes:
    """Clips one after the other, a breath between them."""
    gap = bytes([ULAW_SILENCE]) * int(GAP_S * RATE_HZ)
    sound = gap.join(load_clip(clip_id).ulaw for clip_id in clip_ids)
    sound += bytes([ULAW_SILENCE]) * int(tail_s * RATE_HZ)
    return sound + bytes([ULAW_SILENCE]) * (-len(sound) % FRAME)


def loudness(ulaw: bytes) -> np.ndarray:
    """Mean |sample| of each whole 20 ms, full scale 1."""
    sound = np.abs(decode_ulaw(ulaw).astype(np.float32)) / 32768
    return sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).mean(axis=1)


def from_first_voice(ulaw: bytes) -> bytes:
    """The same without the silence before its first word."""
    return ulaw[int(np.argmax(loudness(ulaw) > VOICED_MEAN)) * FRAME :]


def voiced_end(ulaw: bytes) -> int:
    """The sample behind the last frame that is louder than -42 dBFS."""
    return (int(np.flatnonzero(loudness(ulaw) > VOICED_MEAN)[-1]) + 1) * FRAME


def utterances() -> list[Utterance]:
    """Everything a caller may say."""
    made = [from_first_voice(joined(ids)) for ids in UTTERANCES]
    return [Utterance(ulaw, voiced_end(ulaw)) for ulaw in made]


def answer() -> bytes:
    """The answer every contender gives: three seconds of speech without a pause, so that its end is clear."""
    sound = joined(ANSWER, 0)
    loud = loudness(sound) > VOICED_MEAN
    frames = np.frombuffer(sound, np.uint8)[: len(loud) * FRAME].reshape(-1, FRAME)
    return frames[loud].tobytes()[: int(ANSWER_S * RATE_HZ)]


def write_all(folder: Path) -> list[str]:
    """Write the utterances for the load generator; returns its `FILE:VOICED_END` arguments."""
    arguments = []
    for number, said in enumerate(utterances()):
        path = folder / f"utterance{number}.ul"
        path.write_bytes(said.ulaw)
        arguments.append(f"{path}:{said.voiced_end}")
    return arguments
