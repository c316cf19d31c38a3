"""Names and e-mail addresses out of spoken words. Pure; telephone numbers are in `numbers`."""

from __future__ import annotations

from collections.abc import Sequence

from byourside_server.conversation.numbers import DIGIT_SOUNDS, TENS, UNITS
from byourside_server.conversation.words import Word, word_set

_LEADS: tuple[tuple[str, ...], ...] = tuple(
    tuple(lead.split())
    for lead in (
        "my name is",
        "my name's",
        "the name is",
        "the name's",
        "name is",
        "it's under",
        "it is under",
        "put it under",
        "under the name of",
        "under the name",
        "in the name of",
        "under",
        "this is",
        "i'm",
        "i am",
        "it's",
        "it is",
        "that's",
        "that is",
        "call me",
        "you can call me",
        "that would be",
        "ask for",
    )
)
_TRAILS = frozenset(
    {"speaking", "please", "thanks", "thank", "here", "sir", "ma'am", "and", "but", "with", "from", "at"}
)
_NOT_NAMES = word_set(
    """
    a about actually again all alright am an and any anything are at away bad be because busy but
    bye call calling can can't cannot correct did do does doing don't down fine for from give go
    going good goodbye got great had has have he hello hi hold how i i'd i'll i'm i've if in
    interested is isn't it it's just know later let like looking maybe me mean minute moment my name
    name's need never nice no nobody none nope not nothing of off okay ok on or our out perfect
    person please probably really repeat right robot say second she so some sorry speak still sure
    talk tell thank thanks that that's the their them there they this to today tomorrow too two
    understand us very wait want was we we're what when where which who why will with won't work
    works would wrong yeah yep yes you your you're uh um er well oh mm hmm mhm huh speaking here not
    only
    """
)
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "doctor", "dr", "professor"})
MAX_NAME_WORDS = 4
_MARKS = {"dot": ".", "at": "@", "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+"}


def find_name(words: Sequence[Word], *, bare: bool) -> tuple[str, int, int] | None:
    """A person's name: (name, first word, last word exclusive).

    `bare` takes an answer that is nothing but a name ("John Smith"); otherwise it must be introduced.
    """
    texts = [word.text for word in words]
    for lead in _LEADS:
        for at in range(len(texts) - len(lead)):
            if tuple(texts[at : at + len(lead)]) == lead:
                named = _name_at(texts, at + len(lead))
                if named is not None and (
                    bare or lead not in {("under",), ("it's",), ("that's",), ("it", "is")}
                ):
                    return named
    for at, word in enumerate(texts):
        if word == "speaking" and at:
            named = _name_at(texts[:at], _first_answer_word(texts))
            if named is not None and named[2] == at:
                return named
    if bare:
        first = _first_answer_word(texts)
        named = _name_at(texts, first)
        if named is not None and (named[2] == len(texts) or texts[named[2]] in _TRAILS):
            return named
    return None


def _first_answer_word(texts: Sequence[str]) -> int:
    at = 0
    while at < len(texts) and texts[at] in {
        "yes",
        "yeah",
        "sure",
        "uh",
        "um",
        "okay",
        "well",
        "oh",
        "hello",
        "hi",
        "er",
    }:
        at += 1
    return at


def _name_at(texts: Sequence[str], at: int) -> tuple[str, int, int] | None:
    spelled = _spelled_at(texts, at)
    if spelled is not None:
        return spelled
    last = at
    while last < len(texts) and last - at < MAX_NAME_WORDS and _may_be_name(texts[last]):
        last += 1
    if last == at or all(text in _TITLES for text in texts[at:last]):
        return None
    return " ".join(_name_case(text) for text in texts[at:last]), at, last


def _may_be_name(text: str) -> bool:
    is_number = text in UNITS or text in TENS or text in DIGIT_SOUNDS
    return (
        text.replace("'", "").isalpha() and text not in _NOT_NAMES and text not in _TRAILS and not is_number
    )


def _spelled_at(texts: Sequence[str], at: int) -> tuple[str, int, int] | None:
    """ "s m i t h" said letter by letter."""
    last = at
    while last < len(texts) and len(texts[last]) == 1 and texts[last].isalpha():
        last += 1
    return ("".join(texts[at:last]).capitalize(), at, last) if last - at >= 3 else None


def _name_case(text: str) -> str:
    if text.startswith("mc") and len(text) > 4:
        return "Mc" + text[2:].capitalize()
    head, mark, tail = text.partition("'")
    if mark and len(head) == 1:
        return f"{head.upper()}'{tail.capitalize()}"
    return text.capitalize()


def find_email(words: Sequence[Word]) -> tuple[str, int, int] | None:
    """ "john dot smith at example dot com": (address, first word, last word exclusive)."""
    texts = [word.text for word in words]
    for at in (index for index, text in enumerate(texts) if text == "at"):
        domain_end = _domain_end(texts, at + 1)
        first = _local_start(texts, at)
        if domain_end is not None and first < at:
            address = "".join(
                _MARKS.get(text, DIGIT_SOUNDS.get(text, text)) for text in texts[first:domain_end]
            )
            return address, first, domain_end
    return None


def _domain_end(texts: Sequence[str], at: int) -> int | None:
    end = at
    last: int | None = None
    while end + 2 < len(texts) + 1 and end < len(texts):
        if end + 1 < len(texts) and texts[end + 1] in {"dot", "dash", "hyphen"} and end + 2 < len(texts):
            last = end + 3 if texts[end + 1] == "dot" else last
            end += 2
        else:
            break
    return last


def _local_start(texts: Sequence[str], at: int) -> int:
    first = at
    while first > 0:
        before = texts[first - 1]
        joined = first < at and (texts[first] in _MARKS or before in _MARKS)
        short = len(before) == 1 or before in DIGIT_SOUNDS
        if first == at or joined or short:
            first -= 1
        else:
            break
    return first
