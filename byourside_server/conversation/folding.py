"""Text to bare words for comparison: lower case, no accents, Latin letters; the raw spelling kept beside it.

Knows writing only. Cyrillic is written in Latin letters, digits of any script as 0 to 9.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof", "st", "hr", "fr", "sr", "sra", "mme"})
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = {
    ord(cyrillic): latin
    for cyrillic, latin in zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch _ y _ e iu ia".replace("_", "").split(
            " "
        ),
        strict=True,
    )
} | {ord("ß"): "ss", ord("æ"): "ae", ord("ø"): "o", ord("ł"): "l", ord("’"): "'", ord("œ"): "oe"}


@dataclass(frozen=True)
class Words:
    """The words of a text: folded, as written, and where each begins and ends."""

    text: str
    folded: tuple[str, ...]
    raw: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def between(self, at: int) -> str:
        """What stands between word `at` and the next."""
        return self.text[self.spans[at][1] : self.spans[at + 1][0]]

    def begins_sentence(self, at: int) -> bool:
        """Whether a word is the first of a sentence; the dot of "Dr." ends none."""
        if at == 0:
            return True
        between = self.between(at - 1)
        is_title = self.folded[at - 1] in _TITLES and between.strip() == "."
        return not is_title and any(mark in ".!?:\n" for mark in between)


def fold(text: str) -> str:
    """Lower case, without accents, in Latin letters where that is possible."""
    text = text.lower()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text)
    marked = (mark for mark in text if not unicodedata.combining(mark))
    return "".join(_digit(mark) for mark in marked).translate(_LATIN)


def words_in(text: str) -> Words:
    """Every word and figure of `text`."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    found = list(_TOKEN.finditer(text))
    raw = tuple(match[0] for match in found)
    folded = fold("\0".join(raw)).split("\0") if raw else []
    return Words(text, tuple(folded), raw, tuple(match.span() for match in found))


def _digit(mark: str) -> str:
    value = unicodedata.decimal(mark, None)
    return mark if value is None else str(value)
