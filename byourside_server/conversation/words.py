"""Text to words that remember where they stood, so that a value can show its exact quote.

Knows spelling only: lower case, straight apostrophes, "p.m." and "p m" as "pm".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

UNINTELLIGIBLE = "[unintelligible]"

_WORD = re.compile(
    r"\$?\d{1,3}(?:,\d{3})+(?:\.\d+)?|\$?\d+(?:[.:]\d+)?|[ap]\.\s?m\b\.?|[a-z]+(?:['’][a-z]+)*", re.IGNORECASE
)
_HALF_OF_DAY = {"a": "am", "p": "pm"}


@dataclass(frozen=True)
class Word:
    """One word in lower case, and its place in the text."""

    text: str
    start: int
    end: int


def words_of(text: str) -> tuple[Word, ...]:
    """The words of `text` in order; marks like "[unintelligible]" are none."""
    text = text.replace(UNINTELLIGIBLE, " " * len(UNINTELLIGIBLE))
    found = [_spelled(match) for match in _WORD.finditer(text)]
    return tuple(_with_halves_joined(found))


def _spelled(match: re.Match[str]) -> Word:
    raw = match[0].lower().replace("’", "'")
    if "." in raw and raw[0] in _HALF_OF_DAY:
        raw = _HALF_OF_DAY[raw[0]]
    return Word(raw, match.start(), match.end())


def _with_halves_joined(words: Sequence[Word]) -> Iterable[Word]:
    """ "seven p m" comes from speech as single letters."""
    at = 0
    while at < len(words):
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else None
        if word.text in _HALF_OF_DAY and following is not None and following.text == "m":
            yield Word(_HALF_OF_DAY[word.text], word.start, following.end)
            at += 2
        else:
            yield word
            at += 1


def word_set(listed: str) -> frozenset[str]:
    """A set of words written as one text."""
    return frozenset(listed.split())


FILLERS = word_set("uh um er erm ah oh well hm hmm so like and please")


def plain(text: str) -> str:
    """Lower-case words joined by single spaces: what phrases are searched in."""
    return " ".join(word.text for word in words_of(text))


def has_phrase(text_plain: str, phrase: str) -> bool:
    """Whether the plain text holds the phrase at word borders."""
    return f" {phrase} " in f" {text_plain} "


def has_any(text_plain: str, phrases: Iterable[str]) -> bool:
    return any(has_phrase(text_plain, phrase) for phrase in phrases)


def text_at(words: Sequence[Word], at: int) -> str:
    """The word at a place, "" beyond either end."""
    return words[at].text if 0 <= at < len(words) else ""


def quote(text: str, words: Sequence[Word]) -> str:
    """The exact stretch of `text` from the first to the last of `words`."""
    return text[words[0].start : words[-1].end]


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
