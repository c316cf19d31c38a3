"""Words by which a machine keeps a caller waiting, asks again, or turns a caller away.

Pure phrase tables. "Your call is important to us" is nobody to talk to; "thank you for holding, how can I
help?" is.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import has_any, plain

# Said on hold, and by nobody who wants an answer.
HOLD_NOTICES = (
    "call is important",
    "call is very important",
    "stay on the line",
    "remain on the line",
    "continue to hold",
    "continue holding",
    "keep holding",
    "for holding",
    "for waiting",
    "for your patience",
    "appreciate your patience",
    "agents are busy",
    "lines are busy",
    "in the order it was received",
    "in the order they were received",
    "next available",
    "will be answered",
    "in the queue",
    "in line",
    "estimated wait",
    "expected wait",
    "wait time",
    "assisting other",
    "helping other",
    "serving other",
    "higher than normal call volume",
    "unusually high call volume",
    "high call volume",
)
# Of a machine that has put the call through; a person who says so wants a word of thanks.
PUT_THROUGH = (
    "please hold",
    "hold the line",
    "one moment please",
    "transfer your call",
    "connect your call",
    "transferring your call",
    "connecting your call",
    "connecting you",
    "transferring you",
    "connect you",
    "transfer you",
    "trying to reach",
    "trying to connect",
)
_BUSY = re.compile(
    r"\b(?:agents?|representatives?|operators?|lines|advisors?|associates?|specialists?|team members)"
    r" (?:is|are)(?: all)?(?: currently| still| presently)? (?:busy|assisting|helping|serving|with other)\b"
)
_SOON = re.compile(
    r"\b(?:someone|somebody|we|agent|representative|operator|advisor|associate|they) (?:will|'ll)"
    r" (?:be (?:right )?with you|take your call|answer your call|assist you|be available)\b"
    r"|\bwe'll be (?:right )?with you\b"
)
_SPEAKS_TO_US = re.compile(
    r"\b(?:how (?:can|may) (?:i|we) help|(?:can|may) i help|what can i do for you|who am i speaking"
    r"|(?:can|may) i (?:ask|have|get)|this is [a-z]+|speaking|hello"
    r"|sorry (?:about|for) (?:the|that|your) wait|(?:keep|kept) you waiting|are you (?:still )?there"
    r"|i'm back)\b"
)
_NEW_VOICE = re.compile(
    r"\b(?:how (?:can|may) (?:i|we) help|(?:can|may) i help|what can i do for you|who am i speaking"
    r"|who(?:'s| is) (?:this|calling)|this is [a-z]+|speaking|hello|hi|good (?:morning|afternoon|evening))\b"
)
_MISSED = re.compile(
    r"\b(?:invalid|not a valid|(?:did not|didn't|couldn't|could not|do not|don't) (?:\w+ )?"
    r"(?:get|understand|hear|receive|recognize|recognise|catch)(?! back)|please try again|try again"
    r"|make (?:a|your) selection|no (?:input|selection))\b"
)
_TURNED_AWAY = re.compile(
    r"\b(?:(?:is not|isn't|not) (?:accepting|taking|available)|(?:does not|doesn't) (?:accept|wish|want)"
    r"|(?:can't|cannot|won't) (?:accept|take) (?:this|your) call|declined|has been blocked)\b"
)
_LEAVES = re.compile(r"\b(?:good ?bye|bye)\b|\b(?:office|we) (?:is|are) (?:now |currently )?closed\b")
_WELCOMES = re.compile(
    r"^(?:(?:hello|hi|good (?:morning|afternoon|evening)) )?(?:(?:thank you|thanks) for calling|welcome to)\b"
)


def is_hold_notice(text: str, *, is_connecting: bool = False) -> bool:
    """Whether the words only keep us waiting. Connecting, "please hold" is a machine's too."""
    spoken = plain(text)
    if "press" in spoken.split() or _SPEAKS_TO_US.search(spoken):
        return False
    if has_any(spoken, HOLD_NOTICES) or _BUSY.search(spoken) or _SOON.search(spoken):
        return True
    return is_connecting and has_any(spoken, PUT_THROUGH)


def is_new_voice(text: str) -> bool:
    """Whether somebody speaks who may not know who is on the line: "how can I help you?"."""
    return _NEW_VOICE.search(plain(text)) is not None


def has_missed(text: str) -> bool:
    """Whether a machine says that it took in nothing, or nothing of use."""
    return _MISSED.search(plain(text)) is not None


def turns_away(text: str) -> bool:
    """Whether call screening says that nobody will come."""
    return _TURNED_AWAY.search(plain(text)) is not None


def takes_leave(text: str) -> bool:
    """Whether a machine is about to hang up: "our office is closed, goodbye"."""
    spoken = plain(text)
    return _LEAVES.search(spoken) is not None and _SPEAKS_TO_US.search(spoken) is None


def only_welcomes(text: str) -> bool:
    """ "Thank you for calling Acme": a menu may follow, or "how can I help you?"."""
    spoken = plain(text)
    return _WELCOMES.match(spoken) is not None and _SPEAKS_TO_US.search(spoken.removeprefix("hello ")) is None
