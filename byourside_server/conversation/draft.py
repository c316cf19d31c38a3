"""The words of one reply in the making: each sentence is looked at before it is spoken.

Knows what must not be said, what was just said, and what was said in this reply. Knows no model.
"""

from __future__ import annotations

import re
from typing import Literal

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.for_the_ear import for_the_ear
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.mind import Situation, Speak
from byourside_server.conversation.questions import is_goodbye, last_question
from byourside_server.conversation.sentences import sentences_of
from byourside_server.conversation.words import UNINTELLIGIBLE, plain, word_set

# leak: tells of the background · repeat: was just said · nothing: not for the ear, or said in this reply
Verdict = Literal["fit", "leak", "repeat", "nothing"]

MAX_CHARACTERS = 1200  # of one reply: more than a minute of speech
SHORTEST_REPEAT = 16  # characters; "Thank you." may come again
_ASKS_AGAIN = frozenset({Intent.REPEAT, Intent.WHO, Intent.ROBOT, Intent.PROBE, Intent.HOLD})
_ASKING_WORDS = word_set(
    "what who why how where when which can could do does did is are will would should may sorry huh pardon"
)


class Draft:
    """What a reply consists of so far."""

    def __init__(self, situation: Situation, discretion: Discretion, speak: Speak) -> None:
        self.said: list[str] = []
        self.drops_repeats = False
        self._brief: Brief = situation.brief
        self._discretion = discretion
        self._speak = speak
        self._waiting: list[str] = []  # whole, and not given to `speak` yet
        self._just_said = _just_said(situation)

    @property
    def text(self) -> str:
        """Everything in this reply."""
        return " ".join(self.said)

    @property
    def asks(self) -> bool:
        """Whether the contact was asked something that waits for an answer."""
        return bool(last_question(self.text))

    @property
    def takes_leave(self) -> bool:
        return is_goodbye(self.text)

    def offer(self, sentence: str, *, may_wait: bool = False) -> Verdict:
        """Take a sentence in and speak it, unless something speaks against it.

        One that `may_wait` is kept for the end of the reply, or for the next sentence.
        """
        words = for_the_ear(sentence)
        if not words or self._is_in_reply(words) or len(self.text) > MAX_CHARACTERS:
            return "nothing"
        if _normal(words) in self._just_said:
            return "nothing" if self.drops_repeats else "repeat"
        if self._discretion.cleared(words).leaks:
            return "leak"
        self._take(words, may_wait=may_wait)
        return "fit"

    def insist(self, text: str) -> None:
        """Take words of our own in, as they are."""
        self._take(self._discretion.cleared(text).text, may_wait=True)

    def refuse(self, sentence: str) -> None:
        """In place of a sentence that leaks, say politely that this can't be shared."""
        self.insist(for_the_ear(sentence))

    def flush(self) -> None:
        """Speak what was waiting: more is to come."""
        for sentence in self._waiting:
            self._speak(sentence)
        self._waiting.clear()

    def rest(self) -> str:
        """What was not given to `speak`, once there is nothing more to come."""
        rest = " ".join(self._waiting)
        self._waiting.clear()
        return rest

    def _take(self, words: str, *, may_wait: bool) -> None:
        if not words:
            return
        self.said.append(words)
        self._waiting.append(words)
        if not may_wait:
            self.flush()

    def _is_in_reply(self, words: str) -> bool:
        spoken = _normal(words)
        return spoken in {_normal(sentence) for sentence in self.said}


def _just_said(situation: Situation) -> frozenset[str]:
    """The sentences that are not to be said again now; none where the contact may want to hear them again."""
    if situation.occasion != "heard" or _wants_it_again(situation.text):
        return frozenset()
    found: set[str] = set()
    for turn in _last_words_of_agent(situation):
        if turn[1]:
            return frozenset()  # not heard whole
        found |= {_normal(sentence) for sentence in sentences_of(turn[0])}
    return frozenset(sentence for sentence in found if len(sentence) >= SHORTEST_REPEAT)


def _last_words_of_agent(situation: Situation) -> list[tuple[str, bool]]:
    """The agent's turns before the contact's last, back to the contact's turn before."""
    found: list[tuple[str, bool]] = []
    turns = list(situation.turns)
    while turns and turns[-1].role == "contact":
        turns.pop()
    while turns and turns[-1].role == "agent":
        turn = turns.pop()
        found.append((turn.text, turn.interrupted))
    return found


def _wants_it_again(text: str) -> bool:
    words = plain(text).split()
    if not words or text == UNINTELLIGIBLE or intent_of(text) in _ASKS_AGAIN:
        return True
    return "?" in text or words[0] in _ASKING_WORDS


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
