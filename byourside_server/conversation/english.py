"""Turning what a caller wrote about a contact into what is said to that contact.

"they need to reschedule" → "Do you need to reschedule?"; "their name" → "your name". Pure string work on
plain English; a sentence beyond it gets an indirect form ("Could you tell me if …").
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import word_set

_CONTACT = (
    r"(?:the|this) (?:contact|customer|client|recipient|patient|person|callee|guest|candidate"
    r"|lead|tenant|owner)"
)
_TO_SECOND: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), spoken)
    for pattern, spoken in (
        (rf"\b{_CONTACT}'s\b", "your"),
        (rf"\b{_CONTACT}\b", "you"),
        (r"\b(?:themselves|himself|herself)\b", "yourself"),
        (r"\b(?:they're|he's|she's)\b", "you are"),
        (r"\b(?:they've)\b", "you have"),
        (r"\b(?:they'd)\b", "you would"),
        (r"\b(?:they'll|he'll|she'll)\b", "you will"),
        (r"\b(?:theirs|hers)\b", "yours"),
        (r"\btheir\b|\bhis\b|\bher\b(?= \w)", "your"),
        (r"\b(?:they|them|he|she|him|her)\b", "you"),
        (r"\byou (?:is|was|has|does|doesn't|hasn't|isn't|wasn't)\b", ""),
    )[:-1]
)
_AGREE = {
    "is": "are",
    "was": "were",
    "has": "have",
    "does": "do",
    "isn't": "aren't",
    "wasn't": "weren't",
    "hasn't": "haven't",
    "doesn't": "don't",
}
_AUXILIARIES = word_set(
    "are is was were can could will would should may might must have had has do does did aren't isn't can't "
    "couldn't won't wouldn't don't didn't haven't shouldn't"
)
# "have to", "have a table": here it is the main verb and takes "do".
_MAIN_HAVE_BEFORE = frozenset(
    {
        "to",
        "a",
        "an",
        "any",
        "the",
        "your",
        "some",
        "enough",
        "time",
        "questions",
        "space",
        "availability",
        "room",
        "everything",
        "one",
        "two",
        "our",
    }
)
_PAST = {
    "got": "get",
    "came": "come",
    "went": "go",
    "made": "make",
    "had": "have",
    "found": "find",
    "sent": "send",
    "paid": "pay",
    "left": "leave",
    "took": "take",
    "saw": "see",
    "heard": "hear",
    "bought": "buy",
    "knew": "know",
    "gave": "give",
    "told": "tell",
    "said": "say",
    "met": "meet",
    "felt": "feel",
    "chose": "choose",
}
BACKSHIFT = {
    "do": "did",
    "are": "were",
    "is": "was",
    "can": "could",
    "will": "would",
    "have": "had",
    "may": "might",
    "does": "did",
    "has": "had",
}
_CLOCK = re.compile(r"\b(\d{1,2}(?::\d\d)?)\s*([ap])\.?\s?m\b\.?", re.IGNORECASE)


_THINGS = re.compile(
    r"\b(?P<who>they|he"
    r"|she)\b(?P<between>[^.?!]*?)(?<!with )(?<!for )(?<!to )(?<!from )(?<!about )(?<!of )(?<!at )\bthem\b",
    re.IGNORECASE,
)


def to_second_person(text: str) -> str:
    """Their → your, they → you, with the verb after "you" agreeing; "they pick them up" has things in it."""
    if _THINGS.search(text):
        text = re.sub(r"(?<!with )(?<!for )(?<!to )(?<!from )(?<!about )\bthem\b", "\0", text)
        return to_second_person(text).replace("\0", "them")
    for pattern, spoken in _TO_SECOND:
        text = pattern.sub(spoken, text)
    return re.sub(
        r"\b([Yy]ou) (" + "|".join(_AGREE) + r")\b",
        lambda match: f"{match[1]} {_AGREE[match[2].lower()]}",
        text,
    )


def spoken_clock(text: str) -> str:
    """ "2pm" → "2 p.m.": how a time of day is written in a transcript."""
    return _CLOCK.sub(lambda match: f"{match[1]} {match[2].lower()}.m.", text)


def ended(text: str, mark: str = ".") -> str:
    """The sentence with its closing mark, never two."""
    text = text.strip().rstrip(" ,;:")
    return text if text.endswith((".", "?", "!")) and mark == "." else text.rstrip(".?!") + _dot(text) + mark


def _dot(text: str) -> str:
    return "." if text.endswith((" a.m.", " p.m.")) else ""


def yes_no_question(clause: str) -> str:
    """A statement about the contact as a question: "they need help" → "Do you need help?"."""
    spoken = to_second_person(clause.strip().rstrip(".?!"))
    words = spoken.split()
    if len(words) >= 2 and words[0].lower() in ("you", "there", "it", "this", "that", "anyone", "someone"):
        inverted = _inverted(words, 1)
        if inverted:
            return ended(inverted, "?")
    at = _auxiliary_after_noun(words)
    if at is not None:
        subject = " ".join([_lower_first(words[0]), *words[1:at]])
        if words[at].lower() in ("has", "have") and not _is_participle(" ".join(words[at + 1 : at + 2])):
            helper = "Does" if words[at].lower() == "has" else "Do"
            return ended(" ".join([helper, subject, "have", *words[at + 1 :]]), "?")
        return ended(" ".join([words[at].capitalize(), subject, *words[at + 1 :]]), "?")
    return ended(f"Could you tell me if {_lower_first(spoken)}", "?")


def _is_main_have(rest: list[str]) -> bool:
    """ "have to", "have a table", "have outdoor seating"; "have received" is none."""
    after = next((word for word in rest if word.lower() not in ("already", "ever", "not", "just", "yet")), "")
    return after.lower() in _MAIN_HAVE_BEFORE or not _is_participle(after)


def _is_participle(word: str) -> bool:
    return word.lower() in _PARTICIPLES or word.endswith("ed")


_PARTICIPLES = word_set(
    "been gone come had made found sent paid left taken seen heard bought got received arrived done"
)


def _inverted(words: list[str], at: int) -> str:
    subject, verb, rest = words[0].lower(), words[at].lower(), words[at + 1 :]
    if verb in ("still", "also", "already", "really", "currently", "now") and rest:
        inner = _inverted([words[0], *rest], 1)
        head, _, tail = inner.partition(f" {subject} ")
        return f"{head} {subject} {verb} {tail}" if tail else ""
    is_main_have = verb == "have" and _is_main_have(rest)
    if verb in _AUXILIARIES and not is_main_have and verb not in ("do", "does", "did"):
        return " ".join([verb.capitalize(), subject, *rest])
    if verb in ("don't", "didn't"):
        return " ".join([verb.capitalize(), subject, *rest])
    if subject == "you":
        base = _PAST.get(verb) or (_un_past(verb) if verb.endswith("ed") else None)
        return " ".join(["Did", "you", base, *rest]) if base else " ".join(["Do", "you", _base(verb), *rest])
    return ""


def _base(verb: str) -> str:
    """The verb after "do": a third person's -s falls off ("he needs" has become "you needs")."""
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if verb.endswith(("shes", "ches", "sses", "xes", "zes", "oes")):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb


def _un_past(verb: str) -> str | None:
    """ "received" → "receive", "wanted" → "want", "tried" → "try"; "need" is no past."""
    if verb in ("need", "heed", "feed", "proceed", "succeed", "exceed", "agreed"):
        return "agree" if verb == "agreed" else None
    if verb.endswith("ied"):
        return verb[:-3] + "y"
    stem = verb[:-2]
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "sl":
        return stem[:-1]
    needs_e = stem.endswith(
        ("iv", "eiv", "as", "os", "us", "ang", "at", "ar", "ir", "iz", "ov", "ic", "ag", "it", "ul", "edul")
    )
    return stem + "e" if needs_e and not stem.endswith(("eat", "isit", "mit", "ait")) else stem


def _auxiliary_after_noun(words: list[str]) -> int | None:
    """Where "is" or "can" stands in "the car is ready"; None where there is none near the front."""
    for at in range(1, min(len(words), 7)):
        word = words[at].lower()
        if word in ("that", "which", "who", "and", "or", "if"):
            return None
        if word in ("is", "are", "was", "were", "can", "could", "will", "would", "has", "should"):
            return at
    return None


def reported(clause: str, said: bool) -> str:
    """What the contact said, in a summary: ("they need help", False) → "they did not need help"."""
    question = yes_no_question(clause).rstrip("?")
    words = question.split()
    auxiliary = words[0].lower() if words else ""
    if len(words) < 3 or auxiliary not in BACKSHIFT | {"did": "", "could": "", "would": "", "were": ""}:
        return f"{'yes' if said else 'no'} to: {clause.strip()}"
    if question.startswith("Could you tell me if "):
        return f"{'yes' if said else 'no'} when asked if {question.removeprefix('Could you tell me if ')}"
    subject, rest = _subject_and_rest(clause, words)
    past = BACKSHIFT.get(auxiliary, auxiliary)
    if not said:
        return f"{subject} {past} not {rest}"
    rest = re.sub(r"\bany (?=\w)", "", rest)
    return f"{subject} {_past_of(rest)}" if past == "did" else f"{subject} {past} {rest}"


def _subject_and_rest(clause: str, words: list[str]) -> tuple[str, str]:
    if words[1].lower() == "you":
        return "they", to_third_person(" ".join(words[2:]))
    spoken = to_second_person(clause).split()
    at = _auxiliary_after_noun(spoken)
    if at is None:
        return words[1], to_third_person(" ".join(words[2:]))
    subject = " ".join(spoken[:at])
    if spoken[at].lower() in ("has", "have") and words[0].lower() in ("does", "do"):
        at -= 1
        spoken[at + 1] = "have"
    return to_third_person(_lower_first(subject)), to_third_person(" ".join(spoken[at + 1 :]))


_BEFORE_OBJECT = (
    r"to|for|with|about|from|of|at|on|by|tell|ask|call|give|send|reach|let|invite|remind|thank|help|see|meet|contact|wish"
    r"|offer|e-?mail|text|visit|pay"
)


def to_third_person(text: str) -> str:
    """Your → their, you → they: for telling the caller about the contact."""
    text = re.sub(r"\byours\b", "theirs", text, flags=re.IGNORECASE)
    text = re.sub(r"\byour\b", "their", text, flags=re.IGNORECASE)
    text = re.sub(r"\byou are\b", "they are", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b({_BEFORE_OBJECT}) you\b", r"\1 them", text, flags=re.IGNORECASE)
    return re.sub(r"\byou\b", "they", text, flags=re.IGNORECASE)


def _past_of(rest: str) -> str:
    verb, _, tail = rest.partition(" ")
    irregular = {present: past for past, present in _PAST.items()}
    if verb in irregular:
        past = irregular[verb]
    elif verb.endswith("e"):
        past = verb + "d"
    elif verb.endswith("y") and verb[-2:-1] not in "aeiou":
        past = verb[:-1] + "ied"
    else:
        past = verb + "ed"
    return f"{past} {tail}".strip()


_STARTS_WITH_NAME = re.compile(r"I\b|(?:Dr|Mr|Mrs|Ms|Prof|St)\b|[A-Z]\w+ [A-Z]\w|[A-Z]\w*'s\b")


def _lower_first(text: str) -> str:
    keeps = text[:2].isupper() or _STARTS_WITH_NAME.match(text) is not None
    return text if keeps else text[:1].lower() + text[1:]


def lower_first(text: str) -> str:
    """The text without its sentence's capital, unless the word is an abbreviation."""
    return _lower_first(text)
