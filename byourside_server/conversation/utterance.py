"""Words on their way to the contact: as they wait, as they are spoken, and how many of them were heard.

Plain values. Times in seconds since the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from byourside_server.conversation.sentences import sentences_of

WHOLE = 0.999
# Speed of speech, to reckon what was played where the line ended without saying so.
CHARACTERS_PER_S = 15.0


@dataclass(frozen=True)
class Words:
    """What is to be said. `replies_to` is the end of the contact's words this answers.

    `barge_in` lets the contact's voice cut it; the last words of a call are never cut.
    """

    text: str
    asks: str | None = None
    is_last: bool = False
    replies_to: float | None = None
    barge_in: bool = True
    is_filler: bool = False


@dataclass
class Utterance:
    """Words handed over for speaking. The first `disclosure_words` of them must be heard whole."""

    utterance_id: int
    text: str
    words: Words
    disclosure_words: int = 0
    started_at: float | None = None

    @property
    def barge_in(self) -> bool:
        return self.words.barge_in and not self.words.is_last

    def words_played(self, fraction: float) -> int:
        """Whole words heard, reckoned by characters, as long words last longer; a cut word was not heard."""
        if fraction >= WHOLE:
            return len(self.text.split())
        heard = max(0.0, fraction) * len(self.text) + 1e-6
        return sum(1 for word in re.finditer(r"\S+", self.text) if word.end() <= heard)

    def fraction_at(self, now: float) -> float:
        """What must have been played by `now`, cautiously."""
        if self.started_at is None or not self.text:
            return 0.0
        return min(1.0, (now - self.started_at) * CHARACTERS_PER_S / len(self.text))

    def question_was_heard(self, played: int) -> bool:
        """Whether at least half of the last sentence, the question, came across."""
        last_sentence = len(" ".join(sentences_of(self.text)[-1:]).split())
        return played >= len(self.text.split()) - last_sentence / 2

    def is_answered(self, played: int) -> bool:
        """Whether a "yes" after so many words answers a question in them."""
        is_question = self.words.asks is not None or self.text.rstrip().endswith("?")
        return is_question and self.question_was_heard(played)
