"""Who picked up? A person, a machine, or not to be told yet.

Goes by words, by cadence (`cadence`), by tones, and by speech that had begun before the answer. Times in
seconds since the answer. A first burst of at most 1.8 s followed by 0.6 s of silence is a person; words weigh
more than cadence, and a beep more than both.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.calls.answering import By, Verdict
from byourside_server.conversation.cadence import Burst, machine_likelihood
from byourside_server.conversation.machine_words import (
    is_greeting,
    is_surely_machine,
    is_surely_person,
    machine_of,
)

SHORT_GREETING_S = 1.8
SHORT_QUIET_S = 0.6
LONG_QUIET_S = 1.2
UNWORDED_QUIET_S = 2.5  # a long greeting nobody understood: a beep may still come
LIKELY_MACHINE, SURE_MACHINE = 0.6, 0.9
MIN_CONFIDENCE = 0.3  # of words that a receptionist may say as well; less was made up of noise
MIDDLE_OF_EARLY_S = 0.5  # speech that sounded before the answer and goes on for so long is a machine's


@dataclass(frozen=True)
class Finding:
    """A verdict and what it rests on."""

    verdict: Verdict
    by: By
    confidence: float


class Pickup:
    """The evidence about one greeting."""

    def __init__(self) -> None:
        self._bursts: list[Burst] = []
        self._calling_tones = 0

    def hear_tone(self, kind: str) -> str:
        """The kind of tone that is meant: one calling tone of a fax, or one after words, is a beep."""
        if kind != "fax_cng":
            return kind
        self._calling_tones += not self._bursts
        return kind if self._calling_tones > 1 else "beep" if self._bursts else "fax_cng?"

    def hear_burst(self, start: float, end: float) -> None:
        """One stretch of speech as voice activity cut it; the end of an announcement is nobody's greeting."""
        if start >= 0.0 or end > MIDDLE_OF_EARLY_S:
            self._bursts.append((start, end))

    @property
    def began_early(self) -> bool:
        """Whether the first words had begun before the answer and went on after it."""
        return bool(self._bursts) and self._bursts[0][0] < 0.0

    @property
    def machine_likelihood(self) -> float:
        return 0.9 if self.began_early else machine_likelihood(self._bursts)

    @property
    def sounds_like_machine(self) -> bool:
        return self.machine_likelihood >= LIKELY_MACHINE

    def quiet_needed(self, text: str | None) -> float:
        """The silence after which the greeting is over."""
        speech_s = sum(end - start for start, end in self._bursts)
        is_short = speech_s <= SHORT_GREETING_S and len(self._bursts) <= 2 and not self.began_early
        # One option is never all that a menu offers.
        if is_short and machine_of(text or "") != "ivr":
            return SHORT_QUIET_S
        is_worded = text is not None and is_greeting(text)
        is_likely = self.machine_likelihood >= (SURE_MACHINE if is_worded else LIKELY_MACHINE)
        return UNWORDED_QUIET_S if is_likely and not is_surely_person(text or "") else LONG_QUIET_S

    def find(self, text: str, confidence: float = 1.0) -> Finding:
        """Who it was, once the greeting is over; `confidence` is the recogniser's in its words."""
        likelihood = self.machine_likelihood
        machine, is_sure = machine_of(text), is_surely_machine(text)
        if machine is not None and (is_sure or confidence >= MIN_CONFIDENCE):
            return Finding(machine, "words", 0.98 if is_sure else 0.9)
        if is_surely_person(text):
            return Finding("human", "words", 0.95)
        if self.began_early:
            return Finding("voicemail", "early_media", likelihood)
        is_worded = is_greeting(text) and machine is None
        if likelihood >= SURE_MACHINE and not is_worded:
            return Finding("voicemail", "cadence", round(likelihood, 2))
        if likelihood >= (SURE_MACHINE if is_worded else LIKELY_MACHINE):
            return Finding("unknown", "cadence", round(1 - likelihood, 2))
        return Finding("human", "words" if is_worded else "cadence", round(1 - likelihood, 2))
