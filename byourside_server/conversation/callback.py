"""The contact's wish to be called again, and the time he names for it.

Pure: turns in. The time is told in his own words with the figures tidied ("after 5", "Tuesday at 10 AM",
"in an hour"): which half of the day he means is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from byourside_server.calls.call import Callback
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.moments import MONTHS, PARTS_OF_DAY, WEEKDAYS
from byourside_server.conversation.numbers import TENS, UNITS
from byourside_server.conversation.understanding import read_answer, read_volunteered
from byourside_server.conversation.words import UNINTELLIGIBLE, plain

_LEADS = r"(?:after|before|at|around|about|by|until|till|past|from)"
_BARE_HOUR = re.compile(
    rf"\b{_LEADS} (?:\d{{1,2}}|{'|'.join(w for w, n in UNITS.items() if 1 <= n <= 12)})\b"
)
_COUNT = rf"an?|half an|\d+|{'|'.join([*UNITS, *TENS])}|a couple of|a few"
_SPAN = re.compile(
    rf"\b(?:in|after|within) (?:{_COUNT}) (?:minutes?|hours?|days?|weeks?|months?)"
    r"(?: and a half)?(?: or (?:so|two))?\b"
)
_LATER = re.compile(r"\blater (?:today|this (?:week|afternoon|evening|morning))\b")
_LOOSE = re.compile(
    r"\b(?:next (?:week|month)|this (?:week|weekend)"
    r"|(?:after|before|during) (?:lunch|work|dinner|school)(?: ?time)?|at (?:lunch|dinner) ?time|any ?time)\b"
)
_AT = frozenset({"noon", "midnight", "midday", "lunchtime", "night", "half", "quarter"})
_KEPT_CAPITAL = WEEKDAYS | MONTHS
_ASKS_FOR_TIME = re.compile(r"\b(?:when|what time|which day|good time|better time|call back|call you)\b")


def callback_of(turns: Sequence[Turn], today: date) -> Callback | None:
    """The last wish to be called again, None where there was none.

    `today` is the day of the call; days told by name or as "tomorrow" stay as they were said.
    """
    wishes = [turn for turn in turns if turn.role == "contact" and _wishes(turn, turns)]
    if not wishes:
        return None
    wish = wishes[-1]
    time, told = time_in(wish.text, is_answer=_answers_when(wish, turns)), wish
    if time is None:
        answer = _answer_to_when(wish, turns)
        time = None if answer is None else time_in(answer.text, is_answer=True)
        told = answer if answer is not None and time is not None else wish
    return Callback(time, told.text, told.index)


def _wishes(turn: Turn, turns: Sequence[Turn]) -> bool:
    if intent_of(turn.text) is Intent.CALL_LATER:
        return not _answers_a_field(turn, turns)
    return _answers_when(turn, turns) and time_in(turn.text, is_answer=True) is not None


def _answers_when(turn: Turn, turns: Sequence[Turn]) -> bool:
    """Whether the agent had just asked when to call back."""
    asked = _asked_before(turn, turns)
    return asked is not None and asked.asks == "callback:time"


def _answers_a_field(turn: Turn, turns: Sequence[Turn]) -> bool:
    """Asked for the best time to call, a time is the answer and no wish."""
    asked = _asked_before(turn, turns)
    if asked is None or asked.asks is None or ":" not in asked.asks or asked.asks == "callback:time":
        return False
    return _ASKS_FOR_TIME.search(plain(asked.text)) is not None and time_in(turn.text) is not None


def _asked_before(turn: Turn, turns: Sequence[Turn]) -> Turn | None:
    before = [each for each in turns if each.index < turn.index and each.role == "agent"]
    return before[-1] if before else None


def _answer_to_when(wish: Turn, turns: Sequence[Turn]) -> Turn | None:
    """What they said when asked when."""
    later = [turn for turn in turns if turn.index > wish.index]
    asked = next(
        (t for t in later if t.role == "agent" and "?" in t.text and _ASKS_FOR_TIME.search(plain(t.text))),
        None,
    )
    if asked is None:
        return None
    words = (t for t in later if t.index > asked.index and t.role == "contact" and t.text != UNINTELLIGIBLE)
    return next(words, None)


def time_in(text: str, *, is_answer: bool = False) -> str | None:
    """The time named in a wish to be called again; in an answer to "when?" a lone "five" is one too."""
    spoken = plain(text)
    span = _SPAN.search(spoken)
    if span is not None:
        return _tidied(span[0])
    if (later := _LATER.search(spoken)) is not None:
        return later[0]
    bare = is_answer or _BARE_HOUR.search(spoken) is not None
    read = read_answer("time", text) if bare else read_volunteered("time", text)
    if read is not None:
        return _uncapitalised(str(read.value))
    loose = _LOOSE.search(spoken)
    return loose[0] if loose is not None else None


def spoken_time(time: str, *, is_away: bool = False) -> str:
    """The time behind "call": "on Tuesday at 10", "at 5 PM", "after 5"; who is away until then can be
    called from then on."""
    first, _, rest = time.partition(" ")
    first = first.lower()
    if is_away and first in ("until", "till"):
        return f"from {rest} on"
    if first in WEEKDAYS | MONTHS:
        return f"on {time}"
    if first in PARTS_OF_DAY - _AT:
        return f"in the {time}"
    return f"at {time}" if first[:1].isdigit() or first in _AT else time


def _uncapitalised(time: str) -> str:
    first = time.split()[0].lower()
    return time if first in _KEPT_CAPITAL else time[:1].lower() + time[1:]


def _tidied(span: str) -> str:
    """ "in twenty minutes" in figures; "in an hour" stays."""
    words = [
        str(TENS.get(word, UNITS.get(word, 0))) if word in TENS | UNITS else word for word in span.split()
    ]
    return " ".join(words)
