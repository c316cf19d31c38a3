"""What an answer says, read against the kind of question it answers.

The one entrance to the rules for yes/no, numbers, times, names and the rest. Pure: text in, a value with its
exact quote out, or None where the words do not carry one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from byourside_server.calls.call import FieldValue
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.moments import find_moments
from byourside_server.conversation.numbers import Number, find_digits, find_numbers
from byourside_server.conversation.personal import find_email, find_name
from byourside_server.conversation.words import Word, has_any, plain, quote, sentence_case, words_of
from byourside_server.conversation.yes_no import yes_no
from byourside_server.conversation.yes_no_phrases import CORRECTIONS

# How a question may be answered; each kind has its reader in _READERS.
KINDS = ("yes_no", "change", "number", "money", "digits", "time", "name", "email", "text")
_UNKNOWING = (
    "don't know",
    "do not know",
    "no idea",
    "not sure",
    "can't say",
    "cannot say",
    "rather not",
    "none of your",
    "won't tell",
    "can't tell",
    "prefer not",
)
_NOTHING = frozenset(
    {
        "no",
        "nope",
        "nothing",
        "none",
        "no thank you",
        "no thanks",
        "nothing else",
        "no that is all",
        "no that's all",
        "not really",
    }
)
_COUNTED = frozenset(
    {
        "out",
        "people",
        "persons",
        "guests",
        "adults",
        "of",
        "seats",
        "places",
        "items",
        "pieces",
        "units",
        "percent",
    }
)
_LEADING = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|okay|ok|well|uh|um|oh|so|right|certainly|of course)[ ,.!]+)+(?=\S)",
    re.IGNORECASE,
)
_BACK_TO_ASKER = re.compile(
    r"^(?:what|why|who|how come|when|where|which)\b|^(?:do|are|can|could|is|did) (?:you|it|that|this)\b"
)


@dataclass(frozen=True)
class Answer:
    """A value and the contact's exact words for it."""

    value: FieldValue
    quote: str


def read_answer(kind: str, text: str) -> Answer | None:
    """The answer of `kind` that `text` gives, or None."""
    words = words_of(text)
    if not words:
        return None
    return _READERS[kind](text, words)


def _read_yes_no(text: str, words: Sequence[Word]) -> Answer | None:
    value = yes_no(text)
    return None if value is None else Answer(value, quote(text, words))


def _read_change(text: str, words: Sequence[Word]) -> Answer | None:
    value = yes_no(text, asks_for_change=True)
    return None if value is None else Answer(value, quote(text, words))


def _read_number(text: str, words: Sequence[Word]) -> Answer | None:
    return _one_number(text, _after_correction(words), lambda word: word in _COUNTED)


def _read_money(text: str, words: Sequence[Word]) -> Answer | None:
    words = _after_correction(words)
    named = [number for number in find_numbers(words) if number.money]
    if named and any(_is_of_a_range(words, number) for number in named):
        return None
    if len({number.value for number in named}) == 1:
        return Answer(named[0].json, quote(text, words[named[0].first : named[0].last]))
    return None if named else _one_number(text, words, lambda word: False)


def _one_number(text: str, words: Sequence[Word], counted: Callable[[str], bool]) -> Answer | None:
    """The only number said; of several, the only one that counts something; a range is no number."""
    numbers = [number for number in find_numbers(words) if not _denied(words, number)]
    if not numbers or has_any(plain(text), _UNKNOWING):
        return None
    if len({number.value for number in numbers}) > 1:
        numbers = [n for n in numbers if n.last < len(words) and counted(words[n.last].text)]
        if len({number.value for number in numbers}) != 1:
            return None
    chosen = numbers[0]
    return Answer(chosen.json, quote(text, words[chosen.first : chosen.last]))


def _is_of_a_range(words: Sequence[Word], number: Number) -> bool:
    """ "forty or fifty dollars", "between forty and fifty dollars"."""
    return any(
        other.last == number.first - 1
        and words[other.last].text in ("and", "or", "to")
        and other.first != number.first
        for other in find_numbers(words)
    )


def _denied(words: Sequence[Word], number: Number) -> bool:
    before = [word.text for word in words[max(0, number.first - 2) : number.first]]
    return before[-1:] in (["not"], ["isn't"]) or before == ["out", "of"]


def _read_digits(text: str, words: Sequence[Word]) -> Answer | None:
    found = find_digits(words)
    if found is not None and (code := _code_around(text, words, found)) is not None:
        return code if code.value else None
    return None if found is None else Answer(found[0], quote(text, words[found[1] : found[2]]))


def _code_around(text: str, words: Sequence[Word], found: tuple[str, int, int]) -> Answer | None:
    """A code with letters beside its digits, "AB4471" or "a b four four"; an empty one where it cannot"
    " be spelled."""
    first, last = found[1], found[2]
    while first > 0 and (_is_letter(words[first - 1]) or words[first - 1].end == words[first].start):
        first -= 1
    while last < len(words) and (_is_letter(words[last]) or words[last].start == words[last - 1].end):
        last += 1
    letters = [*words[first : found[1]], *words[found[2] : last]]
    if has_any(plain(text), ("as in",)):
        return Answer("", "")
    if not any(word.text not in ("a", "i", "o") for word in letters):
        return None
    head, tail = (
        "".join(word.text for word in part) for part in (words[first : found[1]], words[found[2] : last])
    )
    return Answer(f"{head}{found[0]}{tail}".upper(), quote(text, words[first:last]))


def _is_letter(word: Word) -> bool:
    return len(word.text) == 1 and word.text.isalpha()


def _read_time(text: str, words: Sequence[Word]) -> Answer | None:
    """The time named; after a correction the later one."""
    if has_any(plain(text), _UNKNOWING):
        return None
    return _fullest_moment(text, _after_correction(words), bare_hours=True)


# "after five" is not five, and "nine to five" neither.
_BOUNDS = frozenset({"after", "before", "until", "till", "between"})
_RANGE = frozenset({"to", "till", "until", "through"})


def _fullest_moment(text: str, words: Sequence[Word], *, bare_hours: bool) -> Answer | None:
    """The moment that says most, of those not rejected by a "not" before them."""
    kept, before = [], 0
    for moment in find_moments(words, bare_hours=bare_hours):
        lead = {word.text for word in words[max(before, moment.first - 2) : moment.first]}
        if not lead & {"not", "can't"}:
            kept.append(moment)
        before = moment.last
    if not kept:
        return None
    best = max(kept, key=lambda moment: (moment.has_day + moment.has_clock, moment.last - moment.first))
    first, last, told = best.first, best.last, best.text
    follower = next((each for each in kept if each.first == last + 1 and words[last].text in _RANGE), None)
    leader = next((each for each in kept if each.last == first - 1 and words[first - 1].text in _RANGE), None)
    if follower is not None:
        told, last = f"{told} {words[last].text} {follower.text}", follower.last
    elif leader is not None:
        told, first = f"{leader.text} {words[first - 1].text} {told}", leader.first
    if first > 0 and words[first - 1].text in _BOUNDS:
        told, first = f"{words[first - 1].text} {told}", first - 1
    return Answer(sentence_case(told), quote(text, words[first:last]))


def _read_name(text: str, words: Sequence[Word]) -> Answer | None:
    if intent_of(text) not in (None, Intent.GOODBYE):
        return None
    found = find_name(_after_correction(words), bare=True)
    if found is None:
        return None
    return Answer(found[0], quote(text, _after_correction(words)[found[1] : found[2]]))


def _read_email(text: str, words: Sequence[Word]) -> Answer | None:
    written = re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text)
    if written is not None:
        return Answer(written[0].lower(), written[0])
    found = find_email(words)
    return None if found is None else Answer(found[0], quote(text, words[found[1] : found[2]]))


def _read_text(text: str, words: Sequence[Word]) -> Answer | None:
    """Anything said that is no refusal, no question and no move of the conversation."""
    spoken = plain(text)
    if intent_of(text) not in (None, Intent.GOODBYE) or spoken in _NOTHING or has_any(spoken, _UNKNOWING):
        return None
    if _BACK_TO_ASKER.match(spoken) or not _says_something(words):
        return None
    said = text[words[0].start : words[-1].end]
    said = said[len(lead[0]) :] if (lead := _LEADING.match(said)) else said
    return Answer(sentence_case(said), said)


def _says_something(words: Sequence[Word]) -> bool:
    idle = {
        "yes",
        "yeah",
        "yep",
        "okay",
        "ok",
        "sure",
        "right",
        "uh",
        "um",
        "huh",
        "mm",
        "hmm",
        "hello",
        "hi",
        "well",
        "oh",
        "bye",
        "goodbye",
        "thank",
        "thanks",
        "you",
        "no",
    }
    return any(word.text not in idle for word in words)


def _after_correction(words: Sequence[Word]) -> Sequence[Word]:
    """The words after the last correction mark where any follow: "four, no wait, five" is five."""
    texts = [word.text for word in words]
    last = 0
    for mark in (*CORRECTIONS, "no", "sorry", "rather"):
        parts = mark.split()
        for at in range(1, len(texts) - len(parts)):
            if texts[at : at + len(parts)] == parts:
                last = max(last, at + len(parts))
    rest = words[last:]
    holds_value = bool(find_numbers(rest) or find_moments(rest, bare_hours=True)) or (
        last > 0 and find_name(rest, bare=True) is not None
    )
    return rest if last and holds_value else words


_READERS: dict[str, Callable[[str, Sequence[Word]], Answer | None]] = {
    "yes_no": _read_yes_no,
    "change": _read_change,
    "number": _read_number,
    "money": _read_money,
    "digits": _read_digits,
    "time": _read_time,
    "name": _read_name,
    "email": _read_email,
    "text": _read_text,
}

# What people add to another answer unasked, and that cannot be mistaken for something else.
_VOLUNTEERED = frozenset({"time", "money", "digits", "email"})


def read_volunteered(kind: str, text: str) -> Answer | None:
    """A value found in an answer to another question: stricter, a lone number is no time."""
    words = words_of(text)
    if kind not in _VOLUNTEERED or not words:
        return None
    if kind == "time":
        return _fullest_moment(text, _after_correction(words), bare_hours=False)
    if kind == "money" and not any(number.money for number in find_numbers(words)):
        return None  # "yes, three left" names no price
    return read_answer(kind, text)


def declines(text: str) -> bool:
    """Whether the contact will not or cannot answer, so that asking again would be rude."""
    spoken = plain(text)
    return spoken in _NOTHING or has_any(spoken, _UNKNOWING)
