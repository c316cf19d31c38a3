"""Whether the one on the phone is the one who was called, as far as the words tell.

Pure: turns and words in. What to do about it is the mind's matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.words import plain

_AWAY = re.compile(
    r"\b(?:he|she|he's|she's|they|they're)\b.*\b(?:not|isn't|aren't|out|away|asleep|sleeping|work|lunch|school|vacation"
    r"|holiday|leave|call|line|meeting|busy|gone|left|stepped)\b"
)
_RIGHT_PERSON = re.compile(
    r"^(?:(?:yes|yeah|yep|that's right|hello|hi|uh|well|oh) )*(?:speaking|this is (?:she|he|him|her|me)"
    r"|(?:that's|that is|it's|it is) me|i'm (?:he|she|him|her)|you're (?:speaking|talking) (?:to|with) (?:him"
    r"|her|me))\b"
)
_HOLDS = re.compile(r"^(?:Of course\.|Thank you, I'll hold\.|Are you still there\?)$")


def is_away(text: str) -> bool:
    """ "She's not here": there is nobody to be fetched."""
    return _AWAY.search(plain(text)) is not None


def is_right_person(text: str) -> bool:
    """ "Speaking", "this is she"."""
    return _RIGHT_PERSON.match(plain(text)) is not None


def call_for_person(turns: Sequence[Turn]) -> Literal["asked", "fetched"] | None:
    """Whether somebody was asked to fetch the right person, and whether that person speaks now."""
    agent = [turn for turn in turns if turn.role == "agent"]
    held = False
    for turn in reversed(agent):
        if turn.asks == "person":
            return "fetched" if held else "asked"
        if turn.asks is not None or not _HOLDS.match(turn.text):
            return None
        held = True
    return None
