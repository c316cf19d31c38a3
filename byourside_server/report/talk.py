"""A transcript with the questions that the checks of a value put to it.

Knows turns and who said what when; judges no value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.machine_words import is_surely_machine, machine_of
from byourside_server.conversation.step import Plan
from byourside_server.conversation.words import plain
from byourside_server.conversation.yes_no import yes_no
from byourside_server.report.doubts import doubt

_REQUESTS = re.compile(
    r"\b(?:i'd like|i would like|would like to|i need|i want to|tell me|let me know|wondering"
    r"|asks? (?:whether|if)|calling (?:to|and) (?:ask|confirm|check|book|find|arrange|order|verify))\b"
)
_ADDRESS = re.compile(r"\bat\b.*\bdot\b")
SHORT_ASSENT_WORDS = 3
MAX_FILLER_WORDS = 4
_ASSENTS = re.compile(
    r"^(?:(?:oh|uh|um|well|ah|and) )*(?:yes|yeah|yep|yup|yea|right|correct|exactly|sure|okay|ok"
    r"|that's (?:right|it|correct)|of course|absolutely|precisely|uh huh|mm hmm|fine|perfect|good|great"
    r"|sounds good|please do)\b"
)
_MARKS_CORRECTION = re.compile(
    r"^(?:(?:oh|uh|um|and|but|yes|no|listen|sorry) )*(?:wait|actually|sorry|i mean|i meant|hang on|hold on"
    r"|make (?:it|that)|on second thoughts?|correction|scratch that)\b"
    r"|\b(?:and listen|no wait|make (?:it|that)|i forgot)\b"
)


@dataclass(frozen=True)
class Talk:
    """The plan and the turns of one call."""

    plan: Plan
    turns: tuple[Turn, ...]
    # Turns that stand as proof for some field: a correction of one is none of another.
    cited: frozenset[int] = frozenset()

    def turn(self, index: int | None) -> Turn | None:
        return next((turn for turn in self.turns if turn.index == index), None)

    def said_before(self, turn: Turn) -> str:
        """What the agent said right before this turn of the contact, "" where the contact spoke before."""
        spoken: list[str] = []
        for earlier in reversed(self.turns[: self._place(turn)]):
            if earlier.role != "agent":
                break
            spoken.insert(0, earlier.text)
        return " ".join(spoken)

    def asked_before(self, turn: Turn) -> bool:
        """Whether any question of the agent's came before."""
        return any(is_asking(each) for each in self.turns[: self._place(turn)])

    def is_in_reply(self, turn: Turn) -> bool:
        """Whether the agent's words right before put a question."""
        before = self.turns[: self._place(turn)]
        while before and (before[-1].role == "contact" or _is_filler(before[-1])):
            before = before[:-1]
        return bool(before) and is_asking(before[-1])

    def confirmed_after(self, turn: Turn) -> str:
        """What the agent read back after this turn and the contact then agreed to, without a condition."""
        place = self._place(turn)
        for at in range(place + 1, len(self.turns) - 1):
            read_back, reply = self.turns[at], self.turns[at + 1]
            if read_back.role == "agent" and reply.role == "contact":
                return read_back.text if assents(reply.text) else ""
        return ""

    def contact_after(self, turn: Turn) -> Sequence[Turn]:
        return [each for each in self.turns[self._place(turn) + 1 :] if each.role == "contact"]

    def contact_until(self, turn: Turn) -> Sequence[Turn]:
        """The contact's turns up to this one, not those before the first question."""
        until = self.turns[: self._place(turn) + 1]
        return [each for each in until if each.role == "contact" and self.asked_before(each)]

    def _place(self, turn: Turn) -> int:
        return next((at for at, each in enumerate(self.turns) if each.index == turn.index), 0)


def is_asking(turn: Turn) -> bool:
    """Whether a turn of the agent's puts a question or a request."""
    if turn.role != "agent":
        return False
    return turn.asks is not None or "?" in turn.text or _REQUESTS.search(plain(turn.text)) is not None


def _is_filler(turn: Turn) -> bool:
    """ "Of course.", "I'll hold.": between a question and its answer."""
    return not is_asking(turn) and len(turn.text.split()) <= MAX_FILLER_WORDS


def assents(text: str) -> bool:
    """A plain agreement: no condition, no irony, no correction."""
    spoken = plain(text)
    decided = yes_no(text)
    if decided is not None or doubt(text) is not None:
        return decided is True and doubt(text) is None
    return _ASSENTS.match(spoken) is not None and len(spoken.split()) <= SHORT_ASSENT_WORDS


def corrects(text: str) -> bool:
    """Whether the words take up something said before in order to change it."""
    return _MARKS_CORRECTION.search(plain(text)) is not None


def is_recorded(text: str) -> bool:
    """Whether a machine speaks; a person may say "not available", and a mailbox in an address."""
    if _ADDRESS.search(plain(text)) or "@" in text:
        return False
    return is_surely_machine(text) or machine_of(text) in ("ivr", "screening")
