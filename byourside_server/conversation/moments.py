"""Days and times of day as people say them, kept in their own words with the figures tidied.

"seven p m on friday" is "7 PM on Friday", "half past three" is "half past 3". Pure; no calendar: which
date "tomorrow" is stays the reader's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from byourside_server.conversation.numbers import TENS, UNITS
from byourside_server.conversation.words import Word, text_at, word_set

WEEKDAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = word_set("january february march april may june july august september october november december")
DAY_WORDS = frozenset({"today", "tomorrow", "tonight"})
PARTS_OF_DAY = frozenset(
    {"morning", "afternoon", "evening", "night", "noon", "midnight", "midday", "lunchtime"}
)
SPANS = frozenset({"week", "weekend", "month"})
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_FIRST_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}
ORDINALS = {
    word: _FIRST_ORDINALS.get(day, f"{day}th") for day, word in enumerate(_ORDINAL_WORDS.split(), start=1)
} | {"thirtieth": "30th"}
# Words that may stand inside a time, but never begin or end it.
LINKS = frozenset(
    {"on", "at", "in", "the", "of", "around", "about", "after", "before", "or", "and", "by", "a"}
)
_FIGURES = re.compile(r"([01]?\d|2[0-3])(:[0-5]\d)?")


@dataclass(frozen=True)
class Moment:
    """A day, a time of day, or both: tidied text, the words it came from, and what it holds."""

    text: str
    first: int
    last: int
    has_day: bool
    has_clock: bool


@dataclass(frozen=True)
class _Piece:
    text: str
    length: int
    day: bool = False
    clock: bool = False
    firm: bool = True


def find_moments(words: Sequence[Word], *, bare_hours: bool = False) -> tuple[Moment, ...]:
    """Every day or time in the words. `bare_hours` takes a lone "three" as a time of day."""
    found = []
    at = 0
    while at < len(words):
        moment = _moment_at(words, at, bare_hours)
        if moment is None:
            at += 1
        else:
            found.append(moment)
            at = moment.last
    return tuple(found)


def _moment_at(words: Sequence[Word], at: int, bare_hours: bool) -> Moment | None:
    pieces: list[_Piece] = []
    links: list[_Piece] = []
    position, last = at, at
    while position < len(words):
        piece = _piece_at(words, position, bare_hours or bool(pieces))
        if piece is not None and not (_is_weekday(piece) and not links and any(map(_is_weekday, pieces))):
            pieces += [*links, piece]
            links = []
            position += piece.length
            last = position
        elif piece is None and pieces and words[position].text in LINKS and len(links) < 3:
            links.append(_Piece(words[position].text, 1))
            position += 1
        else:
            break
    if not any(piece.firm and (piece.day or piece.clock) for piece in pieces):
        return None
    return Moment(
        " ".join(piece.text for piece in pieces),
        at,
        last,
        any(piece.day for piece in pieces),
        any(piece.clock for piece in pieces),
    )


def _is_weekday(piece: _Piece) -> bool:
    return piece.text.lower() in WEEKDAYS


def _piece_at(words: Sequence[Word], at: int, bare_hours: bool) -> _Piece | None:
    word, following = words[at].text, text_at(words, at + 1)
    named = _day_at(words, at, word, following)
    if named is not None:
        return named
    if word in ("half", "quarter") and following in ("past", "to", "after", "of"):
        hour = _hour(words, at + 2)
        if hour is not None:
            return _Piece(f"{word} {following} {hour[0]}" + hour[2], 2 + hour[1], clock=True)
    hour = _hour(words, at)
    if hour is None:
        return None
    figure, length, half = hour
    exact = bool(half) or ":" in figure or text_at(words, at - 1) == "at" or bare_hours
    if not exact:
        return None
    return _Piece(figure + half, length, clock=True)


def _day_at(words: Sequence[Word], at: int, word: str, following: str) -> _Piece | None:
    if word == "day" and [text_at(words, at + n) for n in (1, 2)] == ["after", "tomorrow"]:
        return _Piece("day after tomorrow", 3, day=True)
    if word in ("next", "this") and following in (WEEKDAYS | SPANS | PARTS_OF_DAY | MONTHS):
        return _Piece(f"{word} {_capital(following)}", 2, day=True)
    if word == "may" and following not in ORDINALS and not following[:1].isdigit():
        return None  # "may I …"
    if word in WEEKDAYS or (word.endswith("s") and word[:-1] in WEEKDAYS) or word in MONTHS:
        return _Piece(word.capitalize(), 1, day=True)
    if word in DAY_WORDS:
        return _Piece(word, 1, day=True)
    if word in ("noon", "midnight", "midday"):
        return _Piece(word, 1, clock=True)
    if word in PARTS_OF_DAY and text_at(words, at - 1) != "good":
        return _Piece(word, 1, day=True)
    return _date_at(words, at, word, following)


def _date_at(words: Sequence[Word], at: int, word: str, following: str) -> _Piece | None:
    """Days of the month; "first" and "second" only beside a month or a "the"."""
    beside = text_at(words, at - 1) in MONTHS | WEEKDAYS | {"the"} or following == "of" or following in MONTHS
    if word in ("twenty", "thirty") and following in ORDINALS and int(ORDINALS[following][:-2]) < 10:
        tens = 20 if word == "twenty" else 30
        figure = ORDINALS[following]
        return _Piece(f"{tens + int(figure[:-2])}{figure[-2:]}", 2, day=True)
    if word in ORDINALS and beside:
        near_month = text_at(words, at - 1) in MONTHS or MONTHS & {following, text_at(words, at + 2)}
        return _Piece(
            ORDINALS[word], 1, day=True, firm=bool(near_month) or ORDINALS[word] not in ("1st", "2nd")
        )
    if text_at(words, at - 1) in MONTHS and word.isdigit() and 1 <= int(word) <= 31:
        return _Piece(word, 1, day=True)
    return None


def _hour(words: Sequence[Word], at: int) -> tuple[str, int, str] | None:
    """A time of day from `at`: (figures, words taken, " AM"/" PM"/" o'clock" or "")."""
    word = text_at(words, at)
    match = _FIGURES.fullmatch(word)
    if match is not None:
        figure, length = word, 1
    elif 1 <= UNITS.get(word, 0) <= 12:
        minutes, taken = _minutes(words, at + 1)
        figure, length = f"{UNITS[word]}{minutes}", 1 + taken
    else:
        return None
    after = text_at(words, at + length)
    if after in ("am", "pm"):
        return figure, length + 1, f" {after.upper()}"
    if after in ("o'clock", "oclock"):
        return figure, length + 1, " o'clock"
    return figure, length, ""


def _minutes(words: Sequence[Word], at: int) -> tuple[str, int]:
    """ "thirty" → (":30", 1); "forty five" → (":45", 2); "oh five" → (":05", 2)."""
    word, following = text_at(words, at), text_at(words, at + 1)
    unit = UNITS.get(following, 0)
    if word in TENS and TENS[word] < 60:
        return (f":{TENS[word] + unit}", 2) if 0 < unit < 10 else (f":{TENS[word]}", 1)
    if 10 <= UNITS.get(word, 0) <= 19:
        return f":{UNITS[word]}", 1
    if word in ("oh", "o") and 0 < unit < 10:
        return f":0{unit}", 2
    return "", 0


def _capital(word: str) -> str:
    return word.capitalize() if word in WEEKDAYS | MONTHS else word
