"""How a greeting is paced: fifteen figures of voice activity, and how likely a machine paces so.

Times only, no words and no sound. A person says little and waits; a machine reads out several sentences.
The idea of judging by such figures alone is that of arXiv 2604.09675; figures and numbers here are our own,
learned by script/fit_cadence from the training half of bench/answering.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from byourside_server.conversation.cadence_numbers import BIAS, MEAN, SPREAD, WEIGHT

Burst = tuple[float, float]  # a stretch of speech, from and to, seconds since the answer

FEATURES = (
    "onset",
    "speech",
    "bursts",
    "first_burst",
    "last_burst",
    "longest_burst",
    "mean_burst",
    "spread_of_bursts",
    "longest_pause",
    "mean_pause",
    "spread_of_pauses",
    "share_of_speech",
    "span",
    "speech_in_first_3_s",
    "bursts_a_second",
)


def features(bursts: Sequence[Burst]) -> tuple[float, ...]:
    """The figures of FEATURES for a greeting of at least one burst."""
    lengths = [end - start for start, end in bursts]
    pauses = [later[0] - earlier[1] for earlier, later in pairwise(bursts)]
    speech, onset, end = sum(lengths), bursts[0][0], bursts[-1][1]
    span = max(end - onset, 0.1)
    soon = sum(max(0.0, min(b, onset + 3.0) - a) for a, b in bursts)
    return (
        max(onset, 0.0),
        math.log(max(speech, 0.05)),
        math.log(len(bursts)),
        math.log(max(lengths[0], 0.05)),
        math.log(max(lengths[-1], 0.05)),
        math.log(max(*lengths, 0.05)),
        math.log(max(speech / len(lengths), 0.05)),
        _spread(lengths),
        max(pauses, default=0.0),
        sum(pauses) / len(pauses) if pauses else 0.0,
        _spread(pauses),
        speech / span,
        math.log(span),
        soon,
        len(bursts) / span,
    )


def machine_likelihood(bursts: Sequence[Burst]) -> float:
    """From 0, surely a person, to 1; a half where nothing was said."""
    if not bursts:
        return 0.5
    given = zip(features(bursts), MEAN, SPREAD, WEIGHT, strict=True)
    score = BIAS + sum(weight * (value - mean) / spread for value, mean, spread, weight in given)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
