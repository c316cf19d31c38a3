"""Silences of a call, measured in its stereo recording: both sides' µ-law energy, nothing else is believed.

The record's turns only say whose move it was. Times in seconds since the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from byourside_server.conversation.phrases import phrases_for
from byourside_server.providers.telephone_band import LINE_RATE_HZ, decode_ulaw

HEADER_BYTES = 58
FRAME_SAMPLES = LINE_RATE_HZ // 50
FRAME_S = FRAME_SAMPLES / LINE_RATE_HZ
SOUND_DBFS = -50.0
# A closure inside a word is no pause.
SHORTEST_PAUSE_S = 0.3
DEAD_AIR_S = 2.0

Stretch = tuple[float, float]


@dataclass(frozen=True)
class Silence:
    """Neither side sounds and the agent owes words. `was_filled` says that a filler had gone before."""

    start: float
    end: float
    was_filled: bool

    @property
    def seconds(self) -> float:
        return self.end - self.start


def sounds_of(channel: bytes) -> list[Stretch]:
    """(begin, end) of everything louder than the line."""
    count = len(channel) // FRAME_SAMPLES
    frames = np.asarray(decode_ulaw(channel[: count * FRAME_SAMPLES])).reshape(count, FRAME_SAMPLES)
    power: npt.NDArray[np.float64] = (frames.astype(np.float64) ** 2).mean(axis=1)
    loud = np.concatenate([[False], power > 10 ** (SOUND_DBFS / 10), [False]])
    edges = (np.flatnonzero(loud[1:] != loud[:-1]) * FRAME_S).tolist()
    joined: list[Stretch] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if joined and begin - joined[-1][1] < SHORTEST_PAUSE_S:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def silences_of(wav: bytes, turns: Sequence[Mapping[str, Any]], ended_by: str | None) -> list[Silence]:
    """Every silence after a contact's turn until the agent's answer, and between its fillers and that."""
    contact, agent = (sounds_of(wav[HEADER_BYTES + side :: 2]) for side in (0, 1))
    length = (len(wav) - HEADER_BYTES) / 2 / LINE_RATE_HZ
    found: list[Silence] = []
    for index, turn in enumerate(turns):
        following = turns[index + 1] if index + 1 < len(turns) else None
        if following is None and ended_by == "contact":
            continue
        if following is not None and following["role"] != "agent":
            continue
        is_filler = turn["role"] == "agent" and is_filling(turn["text"])
        if turn["role"] == "contact" or is_filler:
            begin = _last_sound(contact + agent, turn["endMs"] / 1000)
            end = _next_sound(agent, begin, length)
            if not any(begin < start < end for start, _ in contact):
                found.append(Silence(begin, end, is_filler))
    return found


def is_filling(text: str) -> bool:
    """Whether an agent's turn only bridges a silence."""
    phrases = phrases_for("en")
    return text.endswith((*phrases.fillers, phrases.still_here))


def _last_sound(sounds: Sequence[Stretch], turn_end: float) -> float:
    """The end of what sounded when the turn ended; voice activity may be late by a few tenths."""
    ends = [end for begin, end in sounds if begin < turn_end + 0.1]
    return max(ends, default=turn_end)


def _next_sound(sounds: Sequence[Stretch], after: float, length: float) -> float:
    return min((begin for begin, _ in sounds if begin >= after), default=length)
