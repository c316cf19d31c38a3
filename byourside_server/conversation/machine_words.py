"""Words by which a machine gives itself away: voicemail, menus, call screening.

Pure phrase tables; what a receptionist says as well is no machine's.
"""

from __future__ import annotations

import re

from byourside_server.calls.answering import Verdict
from byourside_server.conversation.words import has_any, plain

MACHINE_PHRASES: dict[str, tuple[str, ...]] = {
    "voicemail": (
        "leave a message",
        "leave your message",
        "leave me a message",
        "leave your name",
        "after the tone",
        "after the beep",
        "at the tone",
        "at the beep",
        "mailbox",
        "voice mail",
        "voicemail",
        "voice message",
        "voice messaging",
        "record your message",
        "you've reached",
        "you have reached",
        "not available",
        "can't come to the phone",
        "cannot come to the phone",
        "unable to come to the phone",
        "unable to take your call",
        "can't take your call",
        "away from my desk",
        "person you are calling",
        "person you are trying to reach",
        "get back to you",
    ),
    "screening": (
        "state your name",
        "say your name and",
        "why you are calling",
        "why you're calling",
        "reason for your call",
        "reason for calling",
        "screening service",
        "call assist",
    ),
    "ivr": (
        "press one",
        "press two",
        "press zero",
        "press 1",
        "press 2",
        "press 0",
        "for sales",
        "for support",
        "main menu",
        "following options",
        "stay on the line",
        "your call is important",
        "menu options",
        "may be recorded",
        "dial by name",
    ),
}
# A person may say "not available"; only a machine says these.
MACHINE_ONLY = frozenset(
    {
        "after the tone",
        "after the beep",
        "at the tone",
        "at the beep",
        "record your message",
        "mailbox",
        "leave a message after",
        "leave your name and number",
        "voice mailbox",
    }
)


# A receptionist says "you have reached Acme, how can I help?", and of somebody else "he's not available".
_PERSON_SPEAKS = re.compile(
    r"\b(?:how (?:can|may) i help|(?:can|may) i help you|what can i do for you|can i take a message"
    r"|(?:may|can) i ask who|(?:can|may) i tell (?:him|her|them)|the right (?:person|number|place))\b"
    r"|^(?:(?:hello|hi|oh|sorry|no|i'm sorry|i'm afraid|but) )*(?:he|she)(?:'s| is)? (?:not available"
    r"|can't come to the phone)"
    r"(?: \w+){0,3}$"
)


_IN_ORDER: tuple[Verdict, ...] = ("ivr", "screening", "voicemail")


def machine_of(text: str) -> Verdict | None:
    """ "voicemail", "screening" or "ivr" where the words are a machine's, else None."""
    spoken = plain(text)
    if _PERSON_SPEAKS.search(spoken) and not has_any(spoken, MACHINE_ONLY) and "press" not in spoken.split():
        return None
    for kind in _IN_ORDER:
        if has_any(spoken, MACHINE_PHRASES[kind]) and not (
            kind != "voicemail" and has_any(spoken, MACHINE_ONLY)
        ):
            return kind
    return None


def is_surely_machine(text: str) -> bool:
    return has_any(plain(text), MACHINE_ONLY)


# What only somebody who listens says: who asks, offers help, or names himself as the one who speaks.
_PERSON_LISTENS = re.compile(
    r"\b(?:how (?:can|may) i (?:help|direct)|(?:can|may) i help you|what can i do for you"
    r"|who (?:is|am) (?:this|calling|it|i (?:talking|speaking))|who's (?:this|calling)"
    r"|(?:can|could) you (?:hold|hear))\b|\bspeaking$"
)


# Words with which a greeting begins or ends; of others a recogniser led by a grammar makes dates and digits.
_GREETS = re.compile(
    r"\b(?:hello|hi|hey|good (?:morning|afternoon|evening)|this is|speaking|yes|yeah|here|sorry|okay"
    r"|thank you|thanks|welcome|moment|second|hold|who|how|what|can i|may i|desk|office|reception)\b"
)


def is_greeting(text: str) -> bool:
    """Whether the words can be those of somebody who picks up."""
    return _GREETS.search(plain(text)) is not None


def is_surely_person(text: str) -> bool:
    """Whether the words are a person's who waits for an answer, and no machine's."""
    return _PERSON_LISTENS.search(plain(text)) is not None and machine_of(text) is None


def is_menu(text: str) -> bool:
    """Whether the words offer keys to press."""
    return machine_of(text) == "ivr" and "press" in plain(text).split()
