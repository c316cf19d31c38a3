"""Secrets let out bit by bit: a letter, a digit, a syllable or a word at a time, over several utterances.

Pure. Remembers the last bits the agent said in this call and looks at the next ones together with them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from byourside_server.conversation.common_words import COMMON, stem
from byourside_server.conversation.disguises import single_letters
from byourside_server.conversation.folding import Words, fold
from byourside_server.conversation.guesses import LETTER_CUE, OWN_PART, Guess
from byourside_server.conversation.numerals import Numeral, numerals_in
from byourside_server.conversation.secrets_of import PART_OF_NUMBER, SecretNumber, Secrets, meaning
from byourside_server.conversation.telling import (
    ACROSTIC_FROM,
    WATCHED_ACROSTIC_FROM,
    Found,
    Leak,
    spelled_secret,
)

SHORT = 6  # words: what is said in such bits is looked at together with the bits before
WATCHED_LETTERS = 3  # of one word in a row, where letters were asked for
PARTED_DIGITS = 3  # a number of so many digits can be let out in parts
KEPT_LETTERS = 24
KEPT_DIGITS = 16
KEPT_PIECES = 4
KEPT_CONTENT = 2
_LINE_END = re.compile(r"[.!?\n]+\s*")


@dataclass(frozen=True)
class Bits:
    """What was said in bits so far: letters, digits, pieces of words, first letters of lines, stems."""

    letters: str = ""
    digits: str = ""
    pieces: tuple[str, ...] = ()
    lines: str = ""
    content: tuple[str, ...] = ()

    def and_said(self, words: Words, guess: Guess) -> Bits:
        """The bits with these words added."""
        is_short = len(words.folded) <= SHORT
        letters = digits = ""
        if is_short or guess.asks_letters:
            letters = single_letters(words, is_asked=guess.asks_letters)
        if is_short or guess.asks_digits:
            digits = "".join(numeral.digits for numeral in numerals_in(words))
        return Bits(
            letters=(self.letters + letters)[-KEPT_LETTERS:],
            digits=(self.digits + digits)[-KEPT_DIGITS:],
            pieces=(self.pieces + words.folded)[-KEPT_PIECES:] if is_short else (),
            lines=(self.lines + line_initials(words.text))[-KEPT_LETTERS:],
            content=(self.content + meaning(words.folded))[-KEPT_CONTENT:] if is_short else (),
        )


def line_initials(text: str) -> str:
    """The first letter of every sentence or line."""
    lines = (line.strip() for line in _LINE_END.split(text))
    return "".join(fold(line[0]) for line in lines if line and line[0].isalpha())


def bits_told(
    secrets: Secrets, bits: Bits, guess: Guess, words: Words, numerals: Sequence[Numeral], folded: str
) -> Found:
    """What gives a secret away only together with what was said or asked before."""
    is_asked = guess.asks_letters or LETTER_CUE.search(folded) is not None
    if is_asked or len(words.folded) <= SHORT:
        yield from _letters_told(secrets, bits, words, is_asked=is_asked)
    if is_asked:
        yield from _syllables_told(secrets, words)
    if numerals:
        is_asked = guess.asks_digits or OWN_PART.search(folded) is not None
        for digits in {*(each.digits for each in numerals), "".join(each.digits for each in numerals)}:
            yield from _digits_told(secrets, bits.digits + digits, digits, is_asked=is_asked)
    yield from _lines_told(secrets, bits.lines + line_initials(words.text), is_watched=guess.asks_poem)


def _letters_told(secrets: Secrets, bits: Bits, words: Words, *, is_asked: bool) -> Found:
    letters = single_letters(words, is_asked=is_asked)
    if not letters:
        return
    row = bits.letters + letters
    evidence = spelled_secret(secrets, row[-max(len(letters) + 3, 4) :])
    if evidence is None and is_asked and not any(name.startswith(letters) for name in secrets.free_names):
        last = row[-WATCHED_LETTERS:]
        is_run = len(last) == WATCHED_LETTERS
        shapes = secrets.shapes.items()
        evidence = next((raw for s, raw in shapes if s.startswith(letters) or (is_run and last in s)), None)
    if evidence is not None:
        yield f"letters:{row}", Leak("letter by letter", evidence)


def _syllables_told(secrets: Secrets, words: Words) -> Found:
    """ "It begins with ser": the beginning of a word that is no word itself."""
    for word in words.folded:
        if 2 <= len(word) <= SHORT and stem(word) not in COMMON and stem(word) not in secrets.free_words:
            evidence = next((raw for s, raw in secrets.shapes.items() if s.startswith(word)), None)
            if evidence is not None:
                yield f"letters:{word}", Leak("in pieces", evidence)


def _digits_told(secrets: Secrets, row: str, digits: str, *, is_asked: bool) -> Found:
    for number in secrets.numbers.values():
        is_long = len(number.digits) >= PARTED_DIGITS and number.sort != "clock"
        if is_long and digits != number.digits and _is_let_out(number, row, digits, is_asked=is_asked):
            yield f"number:{digits}", Leak("part of a number", number.evidence)


def _is_let_out(number: SecretNumber, row: str, digits: str, *, is_asked: bool) -> bool:
    if is_asked and (number.digits.startswith(digits) or number.digits.endswith(digits)):
        return True
    last = row[-PART_OF_NUMBER:]
    is_joined = len(digits) < len(row) and len(last) == PART_OF_NUMBER and last in number.digits
    return is_joined or row.endswith(number.digits)


def _lines_told(secrets: Secrets, lines: str, *, is_watched: bool) -> Found:
    least = WATCHED_ACROSTIC_FROM if is_watched else ACROSTIC_FROM
    for length in range(least, len(lines) + 1):
        evidence = secrets.shapes.get(lines[-length:])
        if evidence is not None:
            yield f"letters:{lines[-length:]}", Leak("first letters", evidence)
    if is_watched and lines[-least:] in secrets.pieces:
        yield f"letters:{lines}", Leak("first letters", secrets.pieces[lines[-least:]])
