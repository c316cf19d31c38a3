"""Who lives in the sandbox: simulated people and machines, and what they say.

Sans-IO. A persona hears that the agent began to speak, and what it said once it stopped; it answers with
acts, each a delay and something to do. It knows no socket, no sound but the names of its clips.

Which number rings which persona is one table, PERSONAS, printed in docs/sandbox.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

FICTIONAL_NUMBER = re.compile(r"\+1[2-9]\d{2}55501(\d\d)")


@dataclass(frozen=True)
class Speak:
    """Play a clip, `after_s` from now."""

    after_s: float
    clip_id: str


@dataclass(frozen=True)
class Beep:
    """A voicemail's tone, as soon as what is playing has ended."""

    frequency_hz: int = 1000
    duration_ms: int = 400


@dataclass(frozen=True)
class HangUp:
    """Put the phone down, `after_s` from now."""

    after_s: float


Act = Speak | Beep | HangUp


class Agreeable:
    """Says hello, says yes, needs nothing changed, names plain values when asked for them."""

    answers: tuple[tuple[str, str], ...] = (
        (r"still there|hear me", "yes"),
        (r"reschedul|chang|move|cancel|another (time|day)|different (time|day)", "no_thank_you"),
        (r"anything else", "no_thank_you"),
        (r"your name|who am i|full name|\bname\b", "my_name_is_john_smith"),
        (r"(phone|telephone|callback) number|number to reach", "number_555_0128"),
        (r"how many|party of", "four"),
        (r"how much|price|cost|amount|total|quote", "two_forty_nine_dollars"),
        (r"which day|what day|what date", "thursday"),
        (r"what time|when\b|how soon", "friday_three_thirty"),
        (r"next step|what will|what happens", "email_by_thursday"),
        (r"\?", "yes_works"),
    )
    goodbye = "goodbye"
    think_s = 0.5

    def __init__(self) -> None:
        self._said_goodbye = False

    def answered(self) -> list[Act]:
        return [Speak(0.3, "hello")]

    def agent_started(self) -> list[Act]:
        return []

    def agent_said(self, text: str) -> list[Act]:
        """Acts in answer to what the agent said, up to where it stopped."""
        question = last_question(text)
        if question is None:
            return self._part(text)
        for pattern, clip_id in self.answers:
            if re.search(pattern, question):
                return [Speak(self.think_s, clip_id)]
        return []

    def nothing_heard(self) -> list[Act]:
        """Captions came but no sound did: the audio path is broken, and this person says so."""
        return [Speak(0.2, "i_cannot_hear_you")]

    def _part(self, text: str) -> list[Act]:
        if self._said_goodbye or not re.search(r"goodbye|bye\b", text.lower()):
            return []
        self._said_goodbye = True
        return [Speak(0.2, self.goodbye)]


class Refusing(Agreeable):
    """Answers every yes/no question with no."""

    answers = (
        (r"still there|hear me", "yes"),
        (r"reschedul|anything else|chang|another", "no_thank_you"),
        (r"\?", "no_does_not_work"),
    )


class Interrupting(Agreeable):
    """Talks over the agent's opening once, wants to know what it is about, then agrees."""

    def __init__(self) -> None:
        super().__init__()
        self._interrupted = False

    def agent_started(self) -> list[Act]:
        if self._interrupted:
            return []
        self._interrupted = True
        return [Speak(1.6, "what_is_this_about")]


class LeavingEarly(Agreeable):
    """Listens to the first question, then puts the phone down without a word."""

    def agent_said(self, text: str) -> list[Act]:
        return [HangUp(0.3)]


class NeverAgain(Agreeable):
    """Asks not to be called any more."""

    answers = ((r"\?", "do_not_call_again"),)


class Voicemail:
    """A machine: greeting, beep, then silence until its tape is full."""

    tape_s = 30.0

    def answered(self) -> list[Act]:
        return [Speak(0.4, "voicemail_greeting"), Beep(), HangUp(self.tape_s)]

    def agent_started(self) -> list[Act]:
        return []

    def agent_said(self, text: str) -> list[Act]:
        return []

    def nothing_heard(self) -> list[Act]:
        return []


Persona = Agreeable | Voicemail


@dataclass(frozen=True)
class Phone:
    """How a simulated phone takes a call.

    It rings for `ring_s`; then `persona` answers, or (None) the network refuses with `refusal`.
    """

    title: str
    ring_s: float
    persona: Callable[[], Persona] | None = None
    refusal: tuple[int, str, int | None] = (480, "Temporarily Unavailable", 19)


AGREEABLE_PHONE = Phone("agreeable person", 1.0, Agreeable)

# By the last two digits NN of +1 NPA 555 01NN. The third value of a refusal is its Q.850 cause.
PERSONAS: dict[str, Phone] = {
    "40": Phone("no answer", 8.0, None, (480, "Temporarily Unavailable", 19)),
    "41": Phone("busy", 0.5, None, (486, "Busy Here", 17)),
    "42": Phone("voicemail with beep", 1.5, Voicemail),
    "43": Phone("declined", 1.0, None, (603, "Decline", 21)),
    "44": Phone("trunk failure", 0.0, None, (503, "Service Unavailable", 41)),
    "47": Phone("interrupts", 1.0, Interrupting),
    "48": Phone("asks not to be called again", 1.0, NeverAgain),
    "50": Phone("hangs up mid-call", 1.0, LeavingEarly),
    "53": Phone("says no", 1.0, Refusing),
}


def phone_of(number: str) -> Phone:
    """The phone that rings under `number`: an agreeable person's unless the table lists it."""
    found = FICTIONAL_NUMBER.fullmatch(number)
    return PERSONAS.get(found.group(1), AGREEABLE_PHONE) if found else AGREEABLE_PHONE


def last_question(text: str) -> str | None:
    """The last sentence that asks something, in lower case; None where nothing is asked."""
    asked = re.findall(r"[^.!?]*\?", text.lower())
    return asked[-1].strip() if asked else None
