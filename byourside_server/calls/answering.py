"""Who answered, how that was known and how soon: the verdict on a call's record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["human", "voicemail", "ivr", "screening", "fax", "unknown"]
By = Literal["words", "cadence", "beep", "fax_tone", "early_media", "network_tone", "mind", "silence"]

# What each kind of evidence is; docs/answering.md prints it.
EVIDENCE: dict[By, str] = {
    "words": "what was said is a person's, or a machine's",
    "cadence": "how long the greeting was and how it paused",
    "beep": "the tone after which a machine records",
    "fax_tone": "the tone of a fax machine",
    "early_media": "a greeting that had begun before the answer",
    "network_tone": "a tone with which the network says that there is nobody",
    "mind": "the language model that leads the talk knew a machine",
    "silence": "nothing, or nothing but noise or music, was heard",
}


# Verdicts on which a request may have the call hung up at once; of the others it is settled elsewhere.
HANG_UP_ON: tuple[Verdict, ...] = ("ivr", "screening", "unknown")


@dataclass(frozen=True)
class Answering:
    """The verdict, `time_ms` after the answer; `confidence` from 0 to 1."""

    verdict: Verdict
    by: By
    time_ms: int
    confidence: float
    revised: Verdict | None = None
    """The verdict before, where this one took its place."""
