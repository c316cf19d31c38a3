"""Was that a yes or a no?

Pure: the contact's words against the kind of question. None wherever a person would ask again:
conditions, hedges, questions back, other people's words, irony.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import FILLERS, has_any, plain
from byourside_server.conversation.yes_no_phrases import (
    AFTER_NO,
    ANSWERING_MARKS,
    APPROVAL,
    CONDITIONS,
    CONTENT,
    CORRECTIONS,
    DOUBLE_NEGATIVE,
    FINE,
    HARMLESS,
    HARMLESS_YES,
    HEDGES,
    IRONIES,
    LEADING_ANSWER,
    LEAVING,
    NEEDS,
    NEGATION,
    NO_BUT_YES,
    NO_PHRASES,
    NO_SOUNDS,
    NO_THING,
    NO_WAY,
    NO_WORDS,
    POLITE_COMPANY,
    PRESENCE,
    QUESTION_BACK,
    RESTRICTION,
    SHORT_NO,
    SHORT_YES,
    SOMEBODY_ELSE,
    STATE,
    TAKES_BACK,
    WEAK_YES,
    YES_PHRASES,
    YES_WORDS,
)


def yes_no(text: str, *, asks_for_change: bool = False) -> bool | None:
    """True, False, or None where it cannot be told.

    `asks_for_change` marks questions like "Do you need to reschedule?", where "that's fine" means no.
    """
    spoken = plain(text)
    mild = _without_harmless(spoken)
    if not spoken or _is_no_answer(text, spoken):
        return None
    if spoken in NO_SOUNDS:
        return False
    if spoken != "why not" and QUESTION_BACK.match(mild) and not _asks_for_it(spoken, asks_for_change):
        return False if _refuses_and_asks(spoken) else None
    corrected, mark = _after_correction(mild)
    if corrected:
        decided = _decide(corrected, asks_for_change)
        if decided is not None or mark in TAKES_BACK or _takes_back(mark):
            return decided
    return _decide(mild, asks_for_change)


def _is_no_answer(text: str, spoken: str) -> bool:
    """Irony, "yes?" and "yes, speaking": words of a yes that answer nothing."""
    is_asked_back = text.rstrip().endswith("?") and len(spoken.split()) <= 2
    leaves = LEAVING.search(spoken) is not None and _weak_yes_alone(spoken)
    return has_any(spoken, IRONIES) or is_asked_back or leaves or PRESENCE.match(spoken) is not None


def _weak_yes_alone(spoken: str) -> bool:
    """ "okay, bye": an okay that agrees to the end of the call."""
    words = spoken.split()
    return words[0] in WEAK_YES and not any(word in {"yes", "yeah", "yep", "sure"} for word in words)


def _takes_back(mark: str) -> bool:
    return any(has_any(mark, (each,)) for each in TAKES_BACK)


def _refuses_and_asks(spoken: str) -> bool:
    """ "No, can we make it Friday?" is a no; "No, who is this?" is none."""
    return spoken.startswith("no ") and RESTRICTION.search(spoken) is not None


def _decide(spoken: str, asks_for_change: bool) -> bool | None:
    if has_any(spoken, HEDGES) or has_any(spoken, CONDITIONS):
        return None
    if not asks_for_change and _leaves_open(spoken):
        return None
    content = _content(spoken, asks_for_change)
    explicit = _explicit(spoken)
    if not asks_for_change and NO_WAY.search(spoken):
        return False
    if not asks_for_change and content is None and NO_BUT_YES.match(spoken) and not _denies_again(spoken):
        return None
    if not asks_for_change and (content if content is not None else explicit) is True:
        return None if _is_limited(spoken) or (content is None and _holds_negation(spoken)) else True
    if not asks_for_change and explicit is True and content is False and STATE.search(spoken):
        return None  # "yes, we're closed" may have been asked just that
    if asks_for_change and explicit is True and content is False and _is_only_fine(spoken):
        return None  # "yes, that's fine" to "Do you need to reschedule?" says two things at once
    return content if content is not None else explicit


def _denies_again(spoken: str) -> bool:
    """Whether a second negation follows the first "no"."""
    return NEGATION.search(spoken.partition("no ")[2]) is not None


def _leaves_open(spoken: str) -> bool:
    """Two answers at once, two negations, or somebody else's answer."""
    if DOUBLE_NEGATIVE.search(re.sub(r"^(?:(?:uh|um|oh|well|sorry) )*(?:no|never) ", "", spoken)):
        return True
    return SOMEBODY_ELSE.search(spoken) is not None and not LEADING_ANSWER.match(spoken)


def _is_limited(spoken: str) -> bool:
    """ "Yes, but only in the morning"."""
    kept = re.sub(
        r"\b(?:don't|do not|no) need to (?:reschedule|change|move|cancel)(?: it| that)?\b", "", spoken
    )
    return RESTRICTION.search(kept) is not None


def _holds_negation(spoken: str) -> bool:
    """ "Yes, we have no tables": a yes beside a no in a sentence of its own."""
    if all(word in YES_WORDS | NO_WORDS | FILLERS for word in spoken.split()):
        return False
    return NEGATION.search(spoken) is not None


def _is_only_fine(spoken: str) -> bool:
    """Whether nothing more is said of the matter than that it is fine."""
    refusals = [pattern for pattern, polarity in NEEDS if not polarity and pattern is not FINE]
    return FINE.search(spoken) is not None and not any(pattern.search(spoken) for pattern in refusals)


def _content(spoken: str, asks_for_change: bool) -> bool | None:
    """The last thing said of the matter itself."""
    table = NEEDS if asks_for_change else CONTENT
    found = []
    for pattern, polarity in table:
        found += [(match.end(), match.end() - match.start(), polarity) for match in pattern.finditer(spoken)]
    if SHORT_NO.search(spoken):
        return False
    if found:
        is_split = len({polarity for *_, polarity in found}) == 2 and re.search(r"\bbut\b", spoken)
        return None if is_split and not asks_for_change else max(found)[2]
    if SHORT_YES.search(spoken) and not _has_no(spoken):
        return True
    if not asks_for_change and (APPROVAL.match(spoken) or spoken in ("why not", "mmhmm")):
        return True
    return None


def _explicit(spoken: str) -> bool | None:
    """The last plain yes or no that stands as an answer, not inside a sentence."""
    if spoken == "yes no":
        return None
    for phrase in NO_PHRASES:
        if has_any(spoken, (phrase,)):
            return False
    words = spoken.split()
    answer: bool | None = None
    for at, word in enumerate(words):
        if word in NO_WORDS and _stands_alone(words, at):
            if answer is True and not _is_bare(words):
                return None  # "in the morning yes, in the afternoon no"
            answer = False
        elif answer is False and word in YES_WORDS and not _is_bare(words):
            return None
        elif word in YES_WORDS and not (at and words[at - 1] in {"not", "that's", "isn't", "the", "so"}):
            if answer is False and word not in {"yes", "yeah", "yep"}:
                return None  # "no, correct"
            answer = True
    if answer is None and has_any(spoken, YES_PHRASES):
        return True
    is_weak = answer is True and all(word not in YES_WORDS or word in WEAK_YES for word in words)
    if is_weak and not all(word in YES_WORDS | FILLERS | AFTER_NO | POLITE_COMPANY for word in words):
        return None  # "okay, so here's the thing"
    return answer


def _is_bare(words: list[str]) -> bool:
    """Nothing but yes, no and their polite company: the last of them counts."""
    return all(word in YES_WORDS | NO_WORDS | FILLERS | AFTER_NO for word in words)


def _stands_alone(words: list[str], at: int) -> bool:
    if words[at] == "never" and len(words) > at + 1:
        return False
    if at + 1 < len(words) and words[at + 1] in NO_THING and words[at : at + 2] != ["no", "way"]:
        return False
    before = words[at - 1] if at else None
    after = words[at + 1] if at + 1 < len(words) else None
    opens = before is None or before in FILLERS | YES_WORDS | NO_WORDS | {"sorry", "but", "wait"}
    return opens or after is None or after in AFTER_NO


def _has_no(spoken: str) -> bool:
    return any(word in NO_WORDS for word in spoken.split())


def _without_harmless(spoken: str) -> str:
    padded = f" {spoken} "
    for phrase in HARMLESS:
        replacement = " yes " if phrase in HARMLESS_YES else " "
        padded = padded.replace(f" {phrase} ", replacement)
    return " ".join(padded.split())


def _after_correction(spoken: str) -> tuple[str, str]:
    """What follows the last correction mark, and the mark; "no wait, yes" is a yes."""
    padded = f" {spoken} "
    ends = {padded.rfind(f" {mark} ") + len(mark) + 1: mark for mark in CORRECTIONS if f" {mark} " in padded}
    if not ends:
        return "", ""
    last = max(ends)
    return f"{ANSWERING_MARKS.get(ends[last], '')} {padded[last:]}".strip(), ends[last]


def _asks_for_it(spoken: str, asks_for_change: bool) -> bool:
    """ "Can we move it?" answers "Do you need to reschedule?" with a yes."""
    return asks_for_change and _content(spoken, True) is True
