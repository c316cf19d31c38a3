"""What became of what a caller said, by the stretches in which the agent's voice sounded. Pure arithmetic.

Moments are seconds by the caller's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.turns.played import Stretch

PAUSE_S = 0.15
"""A hole of this length in the agent's speech is heard as a pause."""
STOPPED_S = 0.3
"""A voice that is silent so long has stopped."""
WENT_ON_SLACK_S = 0.4
WHOLE_SLACK_S = 0.1
MARKS = (50, 95, 99)


@dataclass(frozen=True)
class Said:
    """Something a caller said: from its first voiced sample to behind its last."""

    kind: str
    saying: str
    begin: float
    end: float
    reply_s: float = 0.0
    """How long the agent's speech is that this was said over, seconds; 0: over none."""
    reply_begin: float | None = None
    """When that speech began; None: with the stretch that this was said over."""


def percentiles(samples: Sequence[float]) -> dict[str, float] | None:
    """p50, p95 and p99, linear between neighbours; None where there is nothing to rank."""
    if not samples:
        return None
    values = np.percentile(np.array(samples), MARKS)
    return {f"p{mark}": round(float(value), 4) for mark, value in zip(MARKS, values, strict=True)}


def answer_s(said: Said, sounds: Sequence[Stretch], until: float) -> float | None:
    """From its last voiced sample to the agent's first; None where the agent spoke over its end, or never."""
    if any(begin < said.end < end for begin, end in sounds):
        return None
    starts = [begin for begin, _ in sounds if said.end <= begin < until]
    return min(starts) - said.end if starts else None


def cut_off_s(said: Said, sounds: Sequence[Stretch]) -> float | None:
    """How far before its end the agent began to speak into it; None where it waited."""
    starts = [begin for begin, _ in sounds if said.begin < begin < said.end]
    return said.end - min(starts) if starts else None


def stop_s(said: Said, sounds: Sequence[Stretch]) -> float | None:
    """From the onset of speech over the agent to the agent's last voiced sample.

    None where it was not speaking at the onset, or said all it had to say. What it begins anew while the
    caller still speaks is no stop either.
    """
    over = _over(said, sounds)
    if over is None:
        return None
    end = over[1]
    for following, following_end in sounds:
        if end < following < max(said.end, end + STOPPED_S):
            end = following_end
    said_s = _voiced_s(sounds, _reply_begin(said, over), end)
    return None if said_s >= said.reply_s - WHOLE_SLACK_S else end - said.begin


def after_interjection(said: Said, sounds: Sequence[Stretch], until: float) -> str | None:
    """`unmoved`, `paused` (and went on) or `stopped` for good; None where the agent was not speaking.

    What is left to say when the interjection begins must come, in one piece or several.
    """
    over = _over(said, sounds)
    if over is None:
        return None
    left_s = said.reply_s - _voiced_s(sounds, _reply_begin(said, over), said.begin)
    rest = [
        (max(said.begin, start), min(end, until))
        for start, end in sounds
        if end > said.begin and start < until
    ]
    voiced_s = sum(end - start for start, end in rest)
    if voiced_s < left_s - WENT_ON_SLACK_S:
        return "stopped"
    gained = 0.0
    for (start, end), (following, _) in pairwise(rest):
        gained += end - start
        if gained >= left_s - WENT_ON_SLACK_S:
            break
        if following - end >= PAUSE_S:
            return "paused"
    return "unmoved"


def _over(said: Said, sounds: Sequence[Stretch]) -> Stretch | None:
    """What was sounding, or began behind a short hole in the agent's speech; None where it was silent."""
    ended = float("-inf")
    for begin, end in sounds:
        if said.begin < end:
            return (begin, end) if begin <= said.begin or begin - ended < STOPPED_S else None
        ended = end
    return None


def _reply_begin(said: Said, over: Stretch) -> float:
    """Where the agent's speech began that is sounding: there may be holes between its sentences."""
    return over[0] if said.reply_begin is None else said.reply_begin


def _voiced_s(sounds: Sequence[Stretch], since: float, until: float) -> float:
    """How much of that time the agent's voice sounded."""
    return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in sounds)
