"""What the stub mind answers and how long the stub voice speaks: the same for every contender.

Needs numpy alone. The mind looks at the contact's last words only, and says no sentence of any length twice:
who keeps the sound of sentences it has said before must not gain by it, and who has its agent never repeat
itself word for word (ours does) must not be taken to have broken off.
"""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from bench.turns.sayings import AGENT
from bench.turns.voicing import RATE_HZ

STT_S, FIRST_TOKEN_S, FIRST_AUDIO_S = 0.150, 0.250, 0.120
VENDORS_S = STT_S + FIRST_TOKEN_S + FIRST_AUDIO_S
WORD_S = 0.2
AGENT_S = 9.0
"""The longest that the voice can say."""
OPENING = "Hello, I have some questions for you."
BEGINNING = "That is point {}. "
SHORT = "What else?"
LONG = "There is more. Let me begin with the main part of {} and then speak of the rest."
"""Its last sentence is longer than any other answer: whoever drops it cannot seem to have gone on."""
QUESTIONS = {
    "phone": "What is your phone number?",
    "spelling": "How do you spell your last name?",
    "email": "What is your e-mail address?",
    "address": "What is the delivery address?",
    "birthday": "What is your date of birth?",
    "member": "What is your membership number?",
    "order": "What would you like to order?",
    "help": "How can I help you?",
    "visit": "When would you like to come?",
    "friday": "Does Friday at three work for you?",
    "card": "What is the card number?",
    "amount": "How much did you pay?",
    "company": "Which company do you work for?",
    "reference": "What is your reference number?",
}
_CUE = re.compile(r"\b(\w+) question\b")


class StubMind:
    """One contender's."""

    def __init__(self) -> None:
        self._replies = count(1)

    def reply_to(self, words: str) -> str:
        """What it says to these words."""
        number = next(self._replies)
        return BEGINNING.format(number) + matter_of(words, number)


def matter_of(words: str, number: int) -> str:
    """What follows the beginning of the reply with that number."""
    said = words.lower()
    cues = [cue for cue in _CUE.findall(said) if cue in QUESTIONS]
    if cues:
        return QUESTIONS[cues[-1]]
    if re.search(r"\btell me\b", said):
        return LONG.format(number)
    return OPENING if said.strip(" ?!.") in ("", "hello") else SHORT


def length_s(text: str) -> float:
    """How long the voice takes to say it."""
    return min(AGENT_S, len(text.split()) * WORD_S)


LONG_S = length_s(BEGINNING + LONG)
"""Of a whole long answer."""


class Voice:
    """Speech without a pause, as long as the text needs: so that its end is clear."""

    def __init__(self, folder: Path) -> None:
        self._ulaw = (folder / AGENT).read_bytes()

    def say(self, text: str) -> bytes:
        """µ-law."""
        return self._ulaw[: round(length_s(text) * RATE_HZ)]
