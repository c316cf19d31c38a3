"""Numbers in figures and words of seven languages, in every way they may be read out.

"four hundred forty", "four forty", "four four zero", "vierhundertvierzig" and "$440" are all 440. Pure; what
a number means is not known here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from byourside_server.conversation.folding import Words
from byourside_server.conversation.numbers import MOST_FIGURES
from byourside_server.conversation.words import word_set

# Ones, tens and the like by language; single words only. Words that mean something else in English ("once",
# "due", "sei") are left out.
_ONES = {
    "en": (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen"
    ),
    "de": (
        "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn "
        "sechzehn siebzehn achtzehn neunzehn"
    ),
    "es": (
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez _ doce trece catorce quince dieciseis "
        "diecisiete dieciocho diecinueve"
    ),
    "fr": (
        "zero _ deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize _ _ _"
    ),
    "it": (
        "zero uno _ tre quattro cinque _ sette otto nove dieci undici dodici tredici quattordici quindici "
        "sedici diciassette diciotto diciannove"
    ),
    "pt": (
        "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis "
        "dezessete dezoito dezenove"
    ),
    "ru": (
        "nol odin dva tri chetyre piat shest sem vosem deviat desiat odinnadtsat dvenadtsat trinadtsat _ _ _ "
        "_ _ _"
    ),
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt trente quarante cinquante soixante septante octante nonante",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "ru": "dvadtsat tridtsat sorok piatdesiat shestdesiat semdesiat vosemdesiat devianosto",
}
_HUNDREDS = {
    "es": (
        "cien|ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
        "novecientos"
    ),
    "pt": "cem|cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
    "ru": "sto dvesti trista chetyresta piatsot shestsot semsot vosemsot deviatsot",
}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_SCALES = {
    **dict.fromkeys(("hundred", "hundreds", "hundert", "cent", "cento"), 100),
    **dict.fromkeys(
        ("thousand", "tausend", "mil", "mille", "mila", "tysiach", "tysiachi", "k", "grand"), 1000
    ),
    **dict.fromkeys(("million", "millionen", "millones", "milioni", "milhoes"), 1_000_000),
}
_LINKS = frozenset({"and", "y", "e", "et", "und", "a", "point", "komma", "coma"})
_POINTS = frozenset({"point", "komma", "coma"})
_FILLERS = word_set("um uh er erm like well hmm you know i mean so then basically maybe dash")
_REPEATS = {"double": 2, "triple": 3, "doppel": 2}
_MAX_SEGMENTS = 12
_HAN = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000}


def _plain_words() -> dict[str, int]:
    table: dict[str, int] = {}
    for language, ones in _ONES.items():
        tens = _TENS[language].split()
        table.update({word: value for value, word in enumerate(ones.split()) if word != "_"})
        table.update({word: 10 * ten for ten, word in enumerate(tens, start=2)})
    for hundreds in _HUNDREDS.values():
        for value, words in enumerate(hundreds.split(), start=1):
            table.update(dict.fromkeys(words.split("|"), 100 * value))
    spanish = _ONES["es"].split()[:10]
    table.update({f"veinti{word}": 20 + value for value, word in enumerate(spanish) if value})
    return table


def _joined_words() -> dict[str, int]:
    """German and Italian write a number below a thousand as one word."""
    table: dict[str, int] = {}
    below = dict(enumerate(_ONES["de"].split()))
    german = ["", "ein", *_ONES["de"].split()[2:10]]
    for ten, word in enumerate(_TENS["de"].split(), start=2):
        below[10 * ten] = word
        below.update({10 * ten + one: f"{german[one]}und{word}" for one in range(1, 10)})
    _with_hundreds(table, below, [f"{one}hundert" for one in german])
    below = dict(enumerate(["_", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"]))
    italian = list(below.values())
    below |= {10 + n: word for n, word in enumerate(_ONES["it"].split()[10:])}
    for ten, word in enumerate(_TENS["it"].split(), start=2):
        below[10 * ten] = word
        below.update({10 * ten + n: (word[:-1] if n in (1, 8) else word) + italian[n] for n in range(1, 10)})
    _with_hundreds(table, below, ["", "cento", *(f"{one}cento" for one in italian[2:])])
    return {word: value for word, value in table.items() if len(word) > 6}


def _with_hundreds(table: dict[str, int], below: dict[int, str], hundreds: Sequence[str]) -> None:
    for value, word in below.items():
        if value > 19:
            table[word] = value
    for hundred in range(1, 10):
        table[hundreds[hundred]] = 100 * hundred
        table.update({hundreds[hundred] + w: 100 * hundred + v for v, w in below.items() if v and w != "_"})


_VALUES = _plain_words()
_JOINED = _joined_words()
_ORDINAL_VALUES = {word: value for value, word in enumerate(_ORDINALS.split(), start=1)} | {
    "twentieth": 20,
    "thirtieth": 30,
}


@dataclass(frozen=True)
class Numeral:
    """One run of numerals: every way to read it with the words it takes, its digits in a row, its parts.

    A reading is (digits, first word, last word exclusive, is an ordinal); digits are canonical: "1250",
    "40.5", and "0137" where they were read out one by one.
    """

    readings: tuple[tuple[str, int, int, bool], ...]
    digits: str
    first: int
    last: int
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    value: float
    is_figure: bool
    at: int
    is_ordinal: bool = False
    written: str = ""


def value_of(digits: str) -> float:
    """What the digits of a reading stand for; those of several numbers in a row ("99.9 0.09") for none: NaN,
    which is near nothing."""
    return float(digits) if digits.count(".") <= 1 else math.nan


def numerals_in(words: Words) -> tuple[Numeral, ...]:
    """Every run of numerals, left to right."""
    found, at, folded = [], 0, words.folded
    while at < len(folded):
        word = folded[at]
        if not (word[0].isdigit() or word in _BEGINNERS or _is_long(word)):
            at += 1
            continue
        parts, last = _run(folded, at)
        if parts:
            found.append(_numeral(parts, at, last))
        at = max(last, at + 1)
    return (*found, *_han(words))


_ALONE = word_set("hundred cento cent mil mille tausend")
_BEGINNERS = frozenset({*_VALUES, *_JOINED, *_ORDINAL_VALUES, *_REPEATS, *_ALONE, "oh"})


def _is_long(word: str) -> bool:
    return word.endswith(("tausend", "mila")) and len(word) > 6 and _thousands(word) is not None


def _thousands(word: str) -> int | None:
    head = word.removesuffix("tausend").removesuffix("mila")
    value = _JOINED.get(head, _VALUES.get(head))
    return None if value is None else 1000 * value


_FIGURES = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")


def _run(folded: Sequence[str], at: int) -> tuple[list[_Part], int]:
    """The parts of the run from `at`, and the word after it."""
    parts: list[_Part] = []
    position, last = at, at
    while position < len(folded):
        part, taken = _part(folded, position)
        if part is not None:
            is_decimal = bool(parts) and folded[position - 1] in _POINTS
            parts[-1:] = [_with_decimal(parts[-1], part[0])] if is_decimal else [*parts[-1:], *part]
            position += taken
            last = position
            if parts[-1].is_ordinal:
                break
        else:
            position = _over_links(folded, position)
            if position < 0:
                break
    return parts, last


def _with_decimal(part: _Part, decimal: _Part) -> _Part:
    written = f"{_canonical(part.value)}.{_canonical(decimal.value)}"
    return _Part(float(written), True, part.at, written=written) if written.count(".") == 1 else part


def _over_links(folded: Sequence[str], position: int) -> int:
    """The next numeral behind at most three links and fillers ("and", "um", "like", a stutter), or -1."""
    for ahead in range(position, min(position + 4, len(folded) - 1)):
        word = folded[ahead]
        is_stutter = len(word) == 1 and folded[ahead + 1].startswith(word)
        if not (is_stutter or word in _LINKS or word in _FILLERS):
            return -1
        if _part(folded, ahead + 1)[0] is not None:
            return ahead + 1
    return -1


def _part(folded: Sequence[str], at: int) -> tuple[list[_Part] | None, int]:
    word = folded[at]
    following = folded[at + 1] if at + 1 < len(folded) else ""
    if _is_figures(word):
        return _figures(word, following, at)
    value = _VALUES.get(word, _JOINED.get(word))
    if value is None and _is_long(word):
        value = _thousands(word)
    if value is not None:
        return [_Part(value, False, at)], 1
    if word in _SCALES and (at or word in _ALONE):
        return [_Part(_SCALES[word], False, at, written="x")], 1
    if word in _ORDINAL_VALUES:
        return [_Part(_ORDINAL_VALUES[word], False, at, is_ordinal=True)], 1
    if word in ("oh", "o") and (following in _VALUES or (at and folded[at - 1] in _VALUES)):
        return [_Part(0, False, at)], 1
    if word in _REPEATS and (following in _VALUES or (following.isdigit() and _is_figures(following))):
        one = _VALUES.get(following, int(following) if following.isdigit() else 0)
        return [_Part(one, True, at, written=str(one) * _REPEATS[word])], 2
    return None, 0


def _is_figures(word: str) -> bool:
    """Not "½", and not so many that they are no number."""
    return len(word) <= MOST_FIGURES and _FIGURES.fullmatch(word) is not None


def _figures(word: str, following: str, at: int) -> tuple[list[_Part] | None, int]:
    if ":" in word:
        return None, 0
    is_ordinal = following in ("st", "nd", "rd", "th")
    whole, _, rest = word.replace(",", ".").rpartition(".")
    if whole and len(rest) == 3:  # a mark before three figures parts thousands
        written = word.replace(",", "").replace(".", "")
    elif whole:
        written = f"{whole.replace('.', '')}.{rest}".rstrip("0").rstrip(".")
    else:
        written = word
    return [_Part(float(written), True, at, is_ordinal, written)], 1 + is_ordinal


def _numeral(parts: Sequence[_Part], first: int, last: int) -> Numeral:
    segments = list(_segments(parts))[:_MAX_SEGMENTS]
    readings = []
    for begin in range(len(segments)):
        digits = ""
        for end in range(begin, len(segments)):
            digits += segments[end][0]
            until = segments[end + 1][1] if end + 1 < len(segments) else last
            readings.append((digits, segments[begin][1], until, segments[end][2]))
    written = tuple(segment[0] for segment in segments)
    return Numeral(tuple(readings), "".join(written), first, last, written)


def _segments(parts: Sequence[_Part]) -> Iterator[tuple[str, int, bool]]:
    """Parts joined into values as far as grammar allows: "four hundred forty" is one, "four forty" two."""
    at = 0
    while at < len(parts):
        begin, total, group = at, 0.0, -1.0
        while at < len(parts):
            part = parts[at]
            if part.written == "x":
                if part.value == 100 and group < 0 and begin == at:
                    group = 100
                elif part.value == 100 and 0 < group < 100:
                    group *= 100
                elif part.value > 100 and (group > 0 or begin == at):
                    total, group = total + max(group, 1) * part.value, 0
                else:
                    break
            elif part.is_figure:
                if group >= 0:
                    break
                group = part.value
            elif group < 0 or (total and group == 0 and part.value):
                group = part.value
            elif _fits(group, part.value):
                group = 80 if (group, part.value) == (4, 20) else group + part.value
            else:
                break
            at += 1
            if part.is_figure and not (at < len(parts) and parts[at].written == "x"):
                break
        if at == begin:
            at += 1
        only = parts[begin]
        is_figure = at - begin == 1 and only.is_figure
        digits = only.written if is_figure else _canonical(total + max(group, 0))
        yield digits, only.at, parts[at - 1].is_ordinal


def _fits(group: float, value: float) -> bool:
    if value == 0 or group == 0:
        return False
    if group % 100 == 0:
        return value < 100
    if group % 10 == 0 and group % 100 >= 20 and value < 10:
        return True
    return (group % 100 in (60, 80) and 10 <= value <= 16) or (group, value) == (4, 20)


def _canonical(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}".rstrip("0")


def _han(words: Words) -> list[Numeral]:
    """Chinese numerals: 四百四十 is 440."""
    if words.text.isascii():
        return []
    found = []
    for at, word in enumerate(words.folded):
        total, one, seen = 0, 0, False
        for mark in word:
            if mark in _HAN:
                one, seen = 10 * one + _HAN[mark], True
            elif mark in _HAN_SCALES and (seen or mark == "十"):
                total, one, seen = total + (one or 1) * _HAN_SCALES[mark], 0, True
            elif seen:
                break
        if seen:
            digits = str(total + one)
            found.append(Numeral(((digits, at, at + 1, False),), digits, at, at + 1, (digits,)))
    return found
