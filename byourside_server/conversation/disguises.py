"""The ways a word is hidden in speech, undone: spelled, backwards, shifted, in code, letter by letter.

Pure. Gives what a text may be hiding; whether that is a secret is not known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from byourside_server.conversation.folding import Words
from byourside_server.conversation.words import word_set

_NATO = (
    "alpha|alfa bravo charlie delta echo foxtrot golf hotel india juliet|juliett kilo lima mike november "
    "oscar papa quebec romeo sierra tango uniform victor whiskey|whisky xray yankee zulu"
)
_NAMES = (
    "ay|eh bee|be see|cee|sea dee ee eff gee aitch|haitch eye|i jay kay el|ell em en oh|o pee|pea "
    "cue|queue|kew are|ar ess tee|tea you|yu|u vee _ ex|eks why|wye zee|zed"
)


def _letters(table: str) -> dict[str, str]:
    return {
        word: chr(ord("a") + at)
        for at, words in enumerate(table.split())
        for word in words.split("|")
        if word != "_"
    }


NATO = _letters(_NATO)
LETTER_NAMES = {**NATO, **_letters(_NAMES)}
# May stand between letters that belong together.
_BETWEEN = word_set("and then dot dash space next comma stop um uh er hyphen is")
_AS_IN = frozenset({"as", "for", "like", "wie", "de", "comme", "como", "come"})
MIN_NAMED_LETTERS = 4

_LEET = str.maketrans("013457@$!|€+", "oieastasilet")
_LEET_WORD = re.compile(r"(?<![\w$@])(?=[\w@$!|€+]*[A-Za-z])(?=[\w@$!|€+]*[0-9@$!|€+])[\w@$!|€+]{4,}")
_CODE_WORD = re.compile(r"[A-Za-z0-9+/]{6,}={0,2}")
_HEX = re.compile(r"\b(?:[0-9a-fA-F]{2}[\s,:-]?){4,}(?![0-9a-zA-Z])")
_NUMBER_LIST = re.compile(r"\b\d{1,3}(?:\W+\d{1,3}){3,}\b")
_MORSE = re.compile(r"[.\-–—·•]{1,6}(?:[ /]+[.\-–—·•]{1,6}){2,}")
_SPOKEN_MORSE = re.compile(r"\b(?:(?:dot|dit|dash|dah)\b[\s,;]*){5,}", re.IGNORECASE)
_MORSE_CODE = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- "
    "-. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_OF_MORSE = {code: chr(ord("a") + at) for at, code in enumerate(_MORSE_CODE.split())}
_ATBASH = str.maketrans("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_PIG = re.compile(r"^([a-z]+?)(?:way|yay|ay)$")


def spelled(words: Words) -> Iterator[str]:
    """Every run of two or more letters said one by one, in plain or in a spelling alphabet."""
    yield from _runs(words.folded, NATO, 2)
    yield from _runs(words.folded, LETTER_NAMES, MIN_NAMED_LETTERS)


def single_letters(words: Words, *, is_asked: bool) -> str:
    """The letters said as letters, also a lone one; where letters were asked for, "I" and "a" are two."""
    found = []
    for at, word in enumerate(words.folded):
        is_last = at == len(words.folded) - 1
        is_word = word in ("a", "i", "o", "y", "e") and not (
            words.raw[at].isupper() and (word != "i" or is_asked or is_last)
        )
        if (len(word) == 1 and word.isalpha() and not is_word) or word in NATO:
            found.append(NATO.get(word, word))
    return "".join(found)


def _runs(folded: Sequence[str], alphabet: dict[str, str], at_least: int) -> Iterator[str]:
    letters, at = "", 0
    while at <= len(folded):
        word = folded[at] if at < len(folded) else ""
        letter = word if len(word) == 1 and word.isalpha() else alphabet.get(word)
        following = folded[at + 1] if at + 1 < len(folded) else ""
        if word in ("double", "doble", "doppel") and len(following) == 1:
            letters += following
        elif letter is not None:
            letters += letter
            if following in _AS_IN and at + 2 < len(folded):  # "m as in mike"
                at += 3 if folded[at + 2] == "in" else 2
        elif not (letters and word in _BETWEEN):
            if len(letters) >= at_least:
                yield letters
            letters = ""
        at += 1


def initials(folded: Sequence[str]) -> str:
    """The first letters of the words."""
    return "".join(word[0] for word in folded)


def undone(word: str) -> Iterator[tuple[str, str]]:
    """(disguise, plain word) for each way a single folded word may be turned."""
    yield "reversed", word[::-1]
    yield "ROT13", word.translate(_ROT13)
    yield "mirrored alphabet", word.translate(_ATBASH)
    pig = _PIG.match(word)
    if pig is not None and len(pig[1]) >= 3:
        for moved in range(4):
            yield "pig latin", pig[1][len(pig[1]) - moved :] + pig[1][: len(pig[1]) - moved]


def decoded(text: str) -> Iterator[tuple[str, str]]:
    """(disguise, plain text) for every stretch of code in the text."""
    for match in _LEET_WORD.finditer(text):
        yield "leetspeak", match[0].lower().translate(_LEET)
    yield from _base64_in(text)
    for match in _HEX.finditer(text):
        yield from _readable("hexadecimal", _unhex(re.sub(r"[^0-9a-fA-F]", "", match[0])))
    for match in _NUMBER_LIST.finditer(text):
        yield from _of_codes([int(code) for code in re.findall(r"\d+", match[0])])
    if any(mark in text for mark in (". ", "- ", "dot", "dash", "dit")):
        yield from _morse_in(text)


def of_numbers(values: Sequence[int]) -> Iterator[tuple[str, str]]:
    """The same for numbers said as words."""
    if len(values) >= MIN_NAMED_LETTERS:
        yield from _of_codes(values)


def _of_codes(codes: Sequence[int]) -> Iterator[tuple[str, str]]:
    if all(1 <= code <= 26 for code in codes):
        yield "numbered alphabet", "".join(chr(96 + code) for code in codes)
    elif all(32 <= code < 127 for code in codes):
        yield "character codes", "".join(map(chr, codes))


def _base64_in(text: str) -> Iterator[tuple[str, str]]:
    for match in _CODE_WORD.finditer(text):
        word = match[0]
        if word.isdigit() or (word.isalpha() and (word.islower() or word.istitle() or word.isupper())):
            continue
        bare = word.rstrip("=")
        try:
            yield from _readable("base64", base64.b64decode(bare + "=" * (-len(bare) % 4)))
        except (binascii.Error, ValueError):
            continue


def _unhex(digits: str) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _readable(kind: str, data: bytes) -> Iterator[tuple[str, str]]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if text.isprintable():
        yield kind, text


def _morse_in(text: str) -> Iterator[tuple[str, str]]:
    for match in _MORSE.finditer(text):
        yield "morse", _of_morse(re.split(r"[ /]+", re.sub("[–—]", "-", re.sub("[·•]", ".", match[0]))))
    for match in _SPOKEN_MORSE.finditer(text):
        groups = re.split(r"[,;]\s*", match[0].strip(" ,;"))
        marks = [re.sub(r"dit|dot", ".", re.sub(r"dash|dah", "-", group.lower())) for group in groups]
        yield "morse", _of_morse([mark.replace(" ", "") for mark in marks])


def _of_morse(codes: Sequence[str]) -> str:
    return "".join(_OF_MORSE.get(code, "") for code in codes)
