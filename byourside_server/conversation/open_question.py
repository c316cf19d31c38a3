"""What was asked, by the agent's own words, and whether an answer to that is all there; English.

Whoever gives a number, spells a name or lists what they want halts in places where others have finished.
Pure: no times but the patience of each kind, in seconds of silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from byourside_server.conversation.questions import kind_asked, last_question
from byourside_server.conversation.words import plain

Asked = Literal["number", "spelling", "email", "address", "date", "time", "items", "story"]

PART_S: Mapping[Asked, float] = {
    "number": 1.3,
    "spelling": 1.3,
    "email": 1.4,
    "address": 1.3,
    "date": 1.3,
    "time": 1.0,
    "items": 1.2,
    "story": 0.8,
}
"""While the answer may be a part."""

# What `kind_asked` does not tell; a question that wants a yes or a no is none of these, but for spelling.
_QUESTIONS: Mapping[Asked, str] = {
    "date": r"date of birth|birthday|birth ?date|were you born",
    "address": r"address|do you live|(?:which|what) street|delivered? to",
    "items": (
        r"like to (?:order|have|eat|drink|buy)|can (?:i|we) (?:get|bring) (?:for )?you|which items"
        r"|what items|what (?:all )?do you need|what would you like"
    ),
    "story": (
        r"(?:can|could|may) (?:i|we) (?:help|do for you|assist)|what happened|tell me|describe|explain"
        r"|problem|matter|issue|trouble|what brings you|in your own words"
    ),
}
_KINDS = tuple((kind, re.compile(rf"\b(?:{words})\b")) for kind, words in _QUESTIONS.items())
_SPELLING = re.compile(r"\b(?:spell(?:ed|ing)?|spelt|letter by letter)\b")
_OF_KIND: Mapping[str, Asked] = {"email": "email", "digits": "number", "time": "time"}
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_YEAR = re.compile(
    r"\b(?:(?:19|20)\d\d|two thousand(?: and)?(?: \w+){0,2}"
    rf"|(?:nineteen|twenty) (?:(?:{_TENS})(?: (?:{_UNITS}))?|{_TEENS}|(?:oh|o) (?:{_UNITS})|hundred))$"
)
_CLOCK = re.compile(
    r"\b(?:at|around|about|by|after|before|past|to|half|quarter|from)"
    rf" (?:(?:{_UNITS}|{_TEENS}|\d+)(?: \w+){{0,2}})$"
    r"|\b(?:am|pm|[ap] m|o'clock|noon|midnight|morning|afternoon|evening|any ?time|whenever)$"
)
_DOMAIN = re.compile(
    r"\bdot (?:com|org|net|edu|gov|io|info|biz|co|us|uk|ca|de|fr|es|it|nl|se|ch|at|eu|au|ie|nz)$"
)
_LAST_ITEM = re.compile(r"\band (?:\w+ ){0,4}\w+$")
_NOTHING_MORE = re.compile(r"(?:please|thanks|thank you|that's all|that is all|that's it|that will be all)$")
_ASIDE = re.compile(
    r"^(?:(?:oh|well|sorry|um|uh|but|and|okay|no) )*(?:sorry|pardon|what|why|who|how|i don't|i do not|i can't"
    r"|i cannot|no|nothing|none|never mind|not)\b"
)
_WHOLE: Mapping[Asked, re.Pattern[str]] = {
    "email": _DOMAIN,
    "date": _YEAR,
    "time": _CLOCK,
    "items": _LAST_ITEM,
}


@lru_cache(maxsize=256)
def asked_in_words(agent_said: str) -> Asked | None:
    """What kind of answer the agent's last question wants; None for any other, and for none."""
    question = last_question(agent_said)
    spoken, kind = plain(question), kind_asked(question)
    if _SPELLING.search(spoken):
        return "spelling"
    of_words = (each for each, pattern in _KINDS if pattern.search(spoken))
    if kind in ("yes_no", "email", "digits"):
        return _OF_KIND.get(kind)
    return next(of_words, _OF_KIND.get(kind))


def part_patience_s(asked: Asked, spoken: str) -> float | None:
    """The silence that plain words need that may be only a part of the answer; None where they are all of it.

    Who asks back, or refuses, gives no answer in parts.
    """
    if not spoken or _ASIDE.match(spoken) or _NOTHING_MORE.search(spoken):
        return None
    whole = _WHOLE.get(asked)
    return None if whole is not None and whole.search(spoken) else PART_S[asked]
