"""Numbers as people say them: "two hundred and forty nine dollars", "25", "$1,200.50", "a dozen".

Pure. A number is found with the words it came from; choosing among several is the reader's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from byourside_server.conversation.words import Word, text_at

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS = {word: value for value, word in enumerate(_UNIT_WORDS.split())}
TENS = {word: 10 * value for value, word in enumerate(_TENS_WORDS.split(), start=2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
ALONE = {"dozen": 12, "couple": 2}
DIGIT_SOUNDS = {**{word: str(value) for word, value in UNITS.items() if value < 10}, "oh": "0", "o": "0"}
REPEATS = {"double": 2, "triple": 3}

MONEY_WORDS = frozenset({"dollars", "dollar", "bucks", "pounds", "pound", "euros", "euro", "usd", "quid"})
CENT_WORDS = frozenset({"cents", "cent", "pence"})
# "one" is no number in these surroundings.
_ONE_AFTER = frozenset({"that", "this", "no", "any", "some", "every", "which", "the", "another"})
_ONE_BEFORE = frozenset(
    {"being", "more", "day", "time", "moment", "second", "sec", "minute", "of", "thing", "question"}
)
MIN_DICTATED_DIGITS = 3
MOST_FIGURES = 60  # more are no number


@dataclass(frozen=True)
class Number:
    """A value, the words it came from (first to last, exclusive), and whether money was named."""

    value: float
    first: int
    last: int
    money: bool = False

    @property
    def json(self) -> int | float:
        return int(self.value) if self.value == int(self.value) else round(self.value, 6)


def find_numbers(words: Sequence[Word]) -> tuple[Number, ...]:
    """Every number in the words, left to right."""
    found = []
    at = 0
    while at < len(words):
        number = _number_at(words, at)
        if number is None:
            at += 1
        else:
            found.append(number)
            at = number.last
    return tuple(found)


def _number_at(words: Sequence[Word], at: int) -> Number | None:
    cardinal = _figures(words, at) or _cardinal(words, at)
    if cardinal is None or _is_pronoun(words, at, cardinal.last):
        return None
    return _with_unit(words, cardinal)


def _figures(words: Sequence[Word], at: int) -> Number | None:
    raw = words[at].text
    digits = raw.removeprefix("$").replace(",", "")
    if not digits[:1].isdigit() or ":" in digits or len(digits) > MOST_FIGURES:
        return None
    value, last = float(digits), at + 1
    if last < len(words) and words[last].text in SCALES:
        value, last = value * SCALES[words[last].text], last + 1
    return Number(value, at, last, money=raw.startswith("$"))


def _cardinal(words: Sequence[Word], at: int) -> Number | None:
    """Number words from `at`: groups under a scale are added, "two forty nine" is 249."""
    total, group, last = 0, None, at
    position = at
    if text_at(words, at) == "a" and text_at(words, at + 1) in {*SCALES, *ALONE}:
        group, position = 1, at + 1
    while position < len(words):
        word = words[position].text
        if word in UNITS or word in TENS:
            value = UNITS.get(word, TENS.get(word, 0))
            joined = _joined(group, value)
            if joined is None:
                break
            group = joined
        elif word in SCALES and group is not None:
            if word == "hundred":
                group *= 100
            else:
                total, group = total + group * SCALES[word], 0
        elif word in ALONE and group is not None:
            group *= ALONE[word]
        elif word == "and" and _continues(words, position, group, total):
            position += 1
            continue
        else:
            break
        position += 1
        last = position
    if group is None or last == at:
        return None
    value_found, last = _with_fraction(words, float(min(total + group, 10**MOST_FIGURES)), last)
    return Number(value_found, at, last)


def _joined(group: int | None, value: int) -> int | None:
    """`value` said after `group`; None where a new number begins."""
    if group is None or group == 0:
        return value
    if group % 100 == 0:
        return group + value
    if group % 10 == 0 and group % 100 >= 20 and 0 < value < 10:
        return group + value
    if 0 < group < 100 and value >= 10:  # "two forty", "nineteen ninety"
        return group * 100 + value
    return None


def _continues(words: Sequence[Word], position: int, group: int | None, total: int) -> bool:
    """An "and" inside a number: after a hundred or a thousand, before more number words."""
    following = text_at(words, position + 1)
    inside = bool(group and group % 100 == 0) or bool(total and not group)
    return inside and (following in UNITS or following in TENS)


def _with_fraction(words: Sequence[Word], value: float, last: int) -> tuple[float, int]:
    if text_at(words, last) == "point":
        digits, position = "", last + 1
        while (word := text_at(words, position)) in DIGIT_SOUNDS:
            digits += DIGIT_SOUNDS[word]
            position += 1
        if digits:
            return float(f"{int(value)}.{digits}"), position
    if [text_at(words, last + offset) for offset in range(3)] == ["and", "a", "half"]:
        return value + 0.5, last + 3
    return value, last


def _with_unit(words: Sequence[Word], number: Number) -> Number:
    """Takes in "dollars" and "and fifty cents"."""
    last, money, value = number.last, number.money, number.value
    if text_at(words, last) in CENT_WORDS:
        return Number(value / 100, number.first, last + 1, money=True)
    if text_at(words, last) in MONEY_WORDS:
        last, money = last + 1, True
        cents_at = last + 1 if text_at(words, last) == "and" else last
        cents = _cardinal(words, cents_at) if cents_at < len(words) else None
        if cents is not None and (text_at(words, cents.last) in CENT_WORDS or cents_at == last):
            last = cents.last + (text_at(words, cents.last) in CENT_WORDS)
            value += cents.value / 100 if cents.value < 100 else 0
    return Number(value, number.first, last, money)


def _is_pronoun(words: Sequence[Word], at: int, last: int) -> bool:
    if last - at != 1 or words[at].text != "one":
        return False
    return (at > 0 and words[at - 1].text in _ONE_AFTER) or text_at(words, at + 1) in _ONE_BEFORE


def find_digits(words: Sequence[Word]) -> tuple[str, int, int] | None:
    """A number dictated digit by digit: (digits, first word, last word exclusive), the longest one."""
    best: tuple[str, int, int] | None = None
    at = 0
    while at < len(words):
        digits, last = _digits_from(words, at)
        if len(digits) >= MIN_DICTATED_DIGITS and (best is None or len(digits) > len(best[0])):
            best = (digits, at, last)
        at = max(last, at + 1)
    return best


def _digits_from(words: Sequence[Word], at: int) -> tuple[str, int]:
    digits, position = "", at
    while position < len(words):
        word, following = words[position].text, text_at(words, position + 1)
        if word in DIGIT_SOUNDS:
            digits += DIGIT_SOUNDS[word]
        elif word.isdigit():
            digits += word
        elif word in REPEATS and following in DIGIT_SOUNDS:
            digits += DIGIT_SOUNDS[following] * REPEATS[word]
            position += 1
        elif word in TENS:
            unit = UNITS.get(following, 0)
            digits += str(TENS[word] + (unit if 0 < unit < 10 else 0))
            position += 0 < unit < 10
        elif word in UNITS:
            digits += str(UNITS[word])
        elif not (digits and word in {"uh", "um", "and"}):
            break
        position += 1
    while position > at and words[position - 1].text in {"uh", "um", "and"}:
        position -= 1
    return digits, position
