"""What figures, times and words stand in spoken text, in every way they may be written down.

Pure text in, sets of comparable marks out: "half past two" and "2:30" both hold @2:30, "two twenty-five"
holds 225 as well as 2.25. Knows nothing of questions and answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from byourside_server.conversation.folding import words_in
from byourside_server.conversation.moments import DAY_WORDS, MONTHS, ORDINALS, PARTS_OF_DAY, WEEKDAYS
from byourside_server.conversation.numbers import (
    DIGIT_SOUNDS,
    REPEATS,
    TENS,
    UNITS,
    find_digits,
    find_numbers,
)
from byourside_server.conversation.numerals import Numeral, numerals_in
from byourside_server.conversation.words import plain, word_set, words_of

# Words that carry nothing of a value.
LITTLE_WORDS = word_set(
    """
    a an the at on in of for to by from and with as is are was were be been will would it its it's that
    that's this they them their he she his her we our i i'm my me you your please o'clock around about
    contact said has have had do does did there so then just very not no yes or
    """
)
_TIME_WORDS = WEEKDAYS | MONTHS | DAY_WORDS | PARTS_OF_DAY
_NONE = re.compile(r"\b(?:none|nobody|no one|nothing|zero)\b")
# Where one number cannot go on into the next; a comma may stand inside dictated digits.
_PIECE = re.compile(r"[.;!?](?=\s|$)|,(?=\s)")
# Longer than any number, card or account that is read out.
_TOO_LONG = re.compile(r"[\d,]{40,}")
# "The other one" is no number.
_PRONOUN_ONE = re.compile(
    r"\b(?:wrong|other|right|last|next|first|new|old|only|big|small|good|our|my|that|this"
    r"|which|no|every) one\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(\d{1,2})[:.h](\d{2})\b")
_PAST = re.compile(r"\b(?:(half|quarter)|(\d{1,2})(?: minutes?)?) (past|after|to|before|of|till) (\d{1,2})\b")
_HALF = re.compile(r"\bhalf (\d{1,2})\b")
_HOUR = re.compile(r"\b(\d{1,2}) ?(o'clock|am|pm)\b")
_NAMED_HOURS = {"noon": "@12:00", "midday": "@12:00", "midnight": "@12:00"}
_ORDINAL_FIGURE = re.compile(r"\b(\d+) ?(?:st|nd|rd|th)\b", re.IGNORECASE)
_MARKS = {
    "dot": ".", "point": ".", "period": ".", "at": "@", "dash": "-", "hyphen": "-", "minus": "-",
    "underscore": "_", "plus": "+",
}  # fmt: skip
_SPELLED_AS = re.compile(r"\b([a-z]) (?:as in|like in|for|like) [a-z]+\b")


@lru_cache(maxsize=4096)
def numbers_said(text: str) -> frozenset[float]:
    """Every number the words may mean, each run of number words taken whole.

    "Forty-eight fifty" is 48.5 and 4850, but neither 48 nor 50; "none" is 0.
    """
    text = _TOO_LONG.sub(" ", text)
    found = {0.0} if _NONE.search(plain(text)) else set()
    dictated = find_digits(words_of(text))
    if dictated is not None:
        found.add(float(dictated[0]))
    for piece in _PIECE.split(_PRONOUN_ONE.sub(" ", text)):
        numerals = numerals_in(words_in(piece))
        for numeral in numerals:
            if not numeral.readings[0][3]:
                found |= _whole_readings(numeral) | _with_cents(numeral.parts)
        found |= _plain_numbers(piece, [numeral.digits for numeral in numerals])
    return frozenset(found)


def _whole_readings(numeral: Numeral) -> set[float]:
    whole = (numeral.first, numeral.last)
    read = (digits for digits, first, last, _ in numeral.readings if (first, last) == whole)
    return {float(digits) for digits in read if digits.count(".") <= 1}


def _with_cents(parts: Sequence[str]) -> set[float]:
    """A number and two figures of cents after it: "two hundred eighty-nine ninety-five"."""
    *whole, cents = parts
    if not whole or len(cents) != 2 or not all(part.isdigit() for part in parts):
        return set()
    return {float(f"{''.join(whole)}.{cents}")}


def _plain_numbers(piece: str, runs: Sequence[str]) -> set[float]:
    """What only the English grammar of numbers reads: "a dozen", "two and a half", "fifty cents"."""
    found = find_numbers(words_of(piece))
    return {number.value for number in found if len(found) >= len(runs) and not _is_part(number.json, runs)}


def _is_part(value: float, runs: Sequence[str]) -> bool:
    """Whether a whole number is but a piece of a longer run of digits."""
    written = f"{value:g}"
    return any(written != run and written in run for run in runs)


@lru_cache(maxsize=4096)
def spelled(text: str) -> str:
    """The words run together as in an address or a code: letters, figures, "dot" as ".", "oh" as 0."""
    spoken = _SPELLED_AS.sub(r"\1", plain(_separated(text)))
    words, out = spoken.split(), ""
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word in REPEATS and (following in DIGIT_SOUNDS or len(following) == 1):
            out += _sound(following) * (REPEATS[word] - 1)
        elif word in ("am", "pm") and len(out) and out[-1].isalpha():
            out += word
        else:
            out += _sound(word) if word not in ("oh", "o") or _is_digit_near(words, at) else "o"
    return out


def _separated(text: str) -> str:
    """Written marks as words, so that both spellings come to the same."""
    for mark, name in (("@", " at "), ("_", " underscore "), ("-", " dash "), ("+", " plus ")):
        text = text.replace(mark, name)
    text = re.sub(r"(?<=\w)\.(?=\w)", " dot ", text)
    return re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", text.lower())


def _sound(word: str) -> str:
    if word in DIGIT_SOUNDS:
        return DIGIT_SOUNDS[word]
    if word in TENS or word in UNITS:
        return str(TENS.get(word, UNITS.get(word, "")))
    return _MARKS.get(word, word.replace(",", ""))


def _is_digit_near(words: Sequence[str], at: int) -> bool:
    near = [*words[max(0, at - 1) : at], *words[at + 1 : at + 2]]
    return any(word in DIGIT_SOUNDS or word.isdigit() or word in REPEATS for word in near)


def marks_of(text: str) -> frozenset[str]:
    """What a value consists of: its clock times as @h:mm, days, numbers and words, without little words."""
    return frozenset(mark for mark in _marks(text) if mark not in LITTLE_WORDS)


@lru_cache(maxsize=4096)
def marks_said(text: str) -> frozenset[str]:
    """What spoken words may be written down as: more than `marks_of`, lone hours as clock times too."""
    found = set(_marks(text))
    for value in numbers_said(text):
        if value != int(value):
            found.add(f"{value:g}")
            continue
        number = int(value)
        found.add(str(number))
        if 1 <= number <= 12:
            found.add(f"@{number}:00")
        if 100 <= number <= 1259 and number % 100 < 60:
            found.add(f"@{number // 100}:{number % 100:02d}")
    found |= {mark[1:-3] for mark in found if mark.startswith("@") and mark.endswith(":00")}
    found |= set(re.findall(r"[a-z]+|\d+", spelled(text))) if _spells(text) else set()
    return frozenset(found)


def _marks(text: str) -> list[str]:
    spoken = figured(text)
    clocks: list[str] = []
    for pattern, made in ((_CLOCK, _plain_clock), (_PAST, _past), (_HALF, _half), (_HOUR, _hour)):
        for match in pattern.finditer(spoken):
            clocks.append(made(match))
        spoken = pattern.sub(
            lambda match: " am " if "am" in match[0] else " pm " if "pm" in match[0] else " ", spoken
        )
    words = [_NAMED_HOURS.get(word, word) for word in plain(spoken).split()]
    return [*clocks, *(_singular_day(word) for word in words)]


def _plain_clock(match: re.Match[str]) -> str:
    return _at(int(match[1]), int(match[2]))


def _past(match: re.Match[str]) -> str:
    minutes = 30 if match[1] == "half" else 15 if match[1] == "quarter" else int(match[2])
    return _at(int(match[4]), minutes if match[3] in ("past", "after") else -minutes)


def _half(match: re.Match[str]) -> str:
    return _at(int(match[1]), 30)


def _hour(match: re.Match[str]) -> str:
    return _at(int(match[1]), 0)


def _at(hour: int, minutes: int) -> str:
    whole = (hour * 60 + minutes - 60) % 720 + 60
    return f"@{whole // 60}:{whole % 60:02d}"


def figured(text: str) -> str:
    """Plain words with number words as figures and ordinals as their number."""
    words = words_of(_ORDINAL_FIGURE.sub(r"\1", _TOO_LONG.sub(" ", text)))
    texts = [_ORDINAL_FIGURE.sub(r"\1", ORDINALS.get(word.text, word.text)) for word in words]
    for number in find_numbers(words):
        texts[number.first : number.last] = [f"{number.json}", *[""] * (number.last - number.first - 1)]
    spoken = " ".join(text for text in texts if text)
    return re.sub(r"\b(?:twenty|20) ([1-9])\b(?! (?:past|to|am|pm))", r"2\1", spoken)


def _singular_day(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in WEEKDAYS else word


def is_time(mark: str) -> bool:
    """Whether a mark is a clock time, a day, or a part of one."""
    return mark.startswith("@") or mark in _TIME_WORDS or mark in ("am", "pm")


def _spells(text: str) -> bool:
    return re.search(r"(?:\b[a-z]\b[\s,.-]*){3}", plain(text)) is not None
