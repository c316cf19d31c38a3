"""The baseline: who answered by energy and counting alone, in the manner of Asterisk's AMD application.

Written from the published meaning and defaults of its settings (amd.conf): no network, no words, no tones.
What it can say is human, machine or not sure; dialers treat the last as a machine.
"""

from __future__ import annotations

import numpy as np

from byourside_server.providers.telephone_band import Samples

FRAME_MS = 20
SILENCE_THRESHOLD = 256 / 32768
INITIAL_SILENCE_MS = 2500
GREETING_MS = 1500
AFTER_GREETING_SILENCE_MS = 800
TOTAL_ANALYSIS_MS = 5000
MIN_WORD_MS = 100
BETWEEN_WORDS_MS = 50
MAX_WORDS = 2
MAX_WORD_MS = 5000


def judge(sound: Samples) -> tuple[str, int]:
    """ "human" or "machine", and milliseconds since the answer."""
    whole = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    is_loud = np.abs(whole).mean(axis=1) > SILENCE_THRESHOLD
    quiet_ms = voiced_ms = greeting_ms = words = 0
    in_word = has_spoken = False
    for frame, loud in enumerate(is_loud.tolist()):
        now_ms = (frame + 1) * FRAME_MS
        if now_ms >= TOTAL_ANALYSIS_MS:
            return "machine", now_ms  # not sure: it took too long
        if loud:
            quiet_ms, voiced_ms = 0, voiced_ms + FRAME_MS
            greeting_ms += FRAME_MS
            if voiced_ms >= MIN_WORD_MS and not in_word:
                in_word = has_spoken = True
                words += 1
            if words > MAX_WORDS or greeting_ms >= GREETING_MS or voiced_ms >= MAX_WORD_MS:
                return "machine", now_ms
        else:
            quiet_ms += FRAME_MS
            if quiet_ms >= BETWEEN_WORDS_MS:
                in_word, voiced_ms = False, 0
            if not has_spoken and quiet_ms >= INITIAL_SILENCE_MS:
                return "machine", now_ms
            if has_spoken and quiet_ms >= AFTER_GREETING_SILENCE_MS:
                return "human", now_ms
    return "human", len(is_loud) * FRAME_MS
