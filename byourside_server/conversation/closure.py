"""Do these words sound finished, or as if more were to come? By the last of them; English.

Pure tables over plain words. Knows no question and no time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from byourside_server.conversation.numbers import UNITS
from byourside_server.conversation.words import word_set

_LEADS_ON = word_set(
    """
    and or but because so if when than then with without to at on in of for from by about around
    between after before until the a an my your our their his her is are was were am i'm it's that's
    uh um er erm hmm like well maybe how would could can will i we dot underscore dash hyphen plus
    can't don't won't doesn't didn't isn't aren't wasn't couldn't wouldn't haven't hasn't
    """
)
_AWAITS_VERB = re.compile(r"\b(?:can|could|would|will|do|did|does|should|may) (?:you|i|we|they|he|she)$")
_TRAILS_OFF = re.compile(r"(?:let's see|i mean|what was it|how do you say)$")
_TAKES_TIME = re.compile(r"let me (?:just )?(?:see|think|look|check)$")
# "Yes, I can", "it is": elsewhere these words lead on.
_SHORT_ANSWER = re.compile(
    r"^(?:(?:yes|yeah|yep|no|nope|sure|of course|oh|well|okay|ok|actually) )*"
    r"(?:i|we|it|that|this|he|she|they|you|there) (?:(?:can|am|is|are|will|would|was|were|could)"
    r"|(?:ca|do|wo|does|did|is|are|was|could|would|have|has)n't)$"
)
_LEAD_IN = r"^(?:(?:and|but|so|sorry|okay|ok|oh|um|uh|hello|hi|excuse me|wait) )*"
_QUESTION = re.compile(
    _LEAD_IN + r"(?:what|who|whom|whose|where|when|why|which|how|what's|who's|where's) (?:[\w']+ )*"
    r"(?:about|for|from|to|with|at|of|is|are|was|calling|speaking|mean|say|said|want)$"
)
_WHO = "(?:i|we|you|they|he|she|it)"
# "I think so", "as soon as I can", "that is what it is": sentences that end in a word of _LEADS_ON.
_ENDS_SO = re.compile(
    r"\b(?:(?:think|hope|believe|guess|suppose|say|said|do|did|not|even|or) so"
    r"|(?:there|here|it|that|this|him|them|you|me|us|one) before|(?:as|very|quite|pretty|doing|feel) well"
    rf"|(?:if|as|whenever|whatever|wherever|however) {_WHO} (?:like|can|could|will|would|are|am)"
    rf"|(?:soon|much|fast|well|quickly|best|long|far) (?:as )?{_WHO} (?:can|could)"
    rf"|(?:what|where|who|how|why|when|which) (?:[\w']+ ){{0,3}}{_WHO} (?:is|are|was|were|am|will|can|would)"
    r"|(?:what|who) (?:[\w']+ )+(?:about|for|from|with|to)"
    r"|(?:hold|hang|carry|later) on|(?:log|logged|sign|signed) in"
    r"|(?:tell|told|ask|asked|call|called|see|saw|know|knew|with|to|for|about) her"
    r"|(?:see you|until|till|since|by|back|tomorrow|okay|good|fine|right|works?) then|love to)$"
)
_CLOSED_LAST = word_set(
    """
    please thanks thank bye goodbye okay ok alright fine good great perfect lovely wonderful excellent cool
    works work correct right sure yes yeah yep no nope exactly absolutely definitely certainly
    it me you them us him that those these there here now today tomorrow tonight anyway instead
    everything anything nothing all else too though again already yet soon later o'clock
    """
)
_CLOCK = re.compile(r"(?:\d|" + "|".join(UNITS) + r"|thirty|forty|fifty|fifteen|o'clock|[ap]) (?:am|pm|m)$")
_MAIL_HOSTS = word_set("gmail yahoo hotmail outlook icloud aol example proton protonmail")
_LETTER = re.compile(r"[a-z]")
_SPELT_WORDS = frozenset({("a", "m"), ("p", "m"), ("i", "d"), ("t", "v"), ("u", "s"), ("o", "k"), ("u", "k")})
_DIGITS = {word for word, value in UNITS.items() if value < 10} | {"oh"}
SHORTEST_DICTATION = 3  # digits in a row: two may be a time of day


def leads_on(spoken: str) -> bool:
    """Whether plain words end in one that is followed by others."""
    words = spoken.split()
    if not words or is_closed_all_the_same(spoken):
        return False
    goes_on = _TRAILS_OFF.search(spoken) or _AWAITS_VERB.search(spoken)
    return words[-1] in _LEADS_ON or goes_on is not None or _is_half_an_address(words)


def takes_time(spoken: str) -> bool:
    """Whether plain words end in the announcement of a pause: "let me think"."""
    return _TAKES_TIME.search(spoken) is not None


def is_closed_all_the_same(spoken: str) -> bool:
    """ "I can", "what is this about", "ten a m": ends in a word that elsewhere leads on."""
    is_whole = _SHORT_ANSWER.match(spoken) or _QUESTION.match(spoken) or _CLOCK.search(spoken)
    return is_whole is not None or _ENDS_SO.search(spoken) is not None


def sounds_closed(spoken: str) -> bool:
    """Whether plain words sound like a whole sentence."""
    words = spoken.split()
    if len(words) < 2:
        return bool(words) and words[-1] in _CLOSED_LAST
    return is_closed_all_the_same(spoken) or words[-1] in _CLOSED_LAST


def is_spelling(spoken: str) -> bool:
    """Whether the last words are single letters, as of a name that is spelt out."""
    last = tuple(spoken.split()[-2:])
    return len(last) == 2 and all(map(_LETTER.fullmatch, last)) and last not in _SPELT_WORDS


def digits_at_end(words: Sequence[str]) -> int:
    """How many digits the words end in that are said one by one, or written: 0 for "at two thirty"."""
    count = 0
    for word in reversed(words):
        if not word.isdigit() and word not in _DIGITS:
            break
        count += len(word) if word.isdigit() else 1
    return count


def _is_half_an_address(words: Sequence[str]) -> bool:
    """ "John at gmail": its "dot com" is still to come."""
    return len(words) >= 3 and words[-2] == "at" and words[-1] in _MAIL_HOSTS
