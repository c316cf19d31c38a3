"""What a text gives away of a background, said openly or in disguise.

Pure. Each function looks for one sort of leak and gives (key, Leak): the key names the secret, so that what
the contact has said himself can be let off. What was said before is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from byourside_server.conversation.common_words import COMMON, FUNCTION_WORDS, stem
from byourside_server.conversation.delicate_words import SIGNS, matter_of
from byourside_server.conversation.disguises import decoded, of_numbers, spelled, undone
from byourside_server.conversation.folding import Words, words_in
from byourside_server.conversation.guesses import APPROXIMATE
from byourside_server.conversation.months import MONTHS
from byourside_server.conversation.numerals import Numeral, numerals_in, value_of
from byourside_server.conversation.secrets_of import (
    BEGINNING,
    LONG_FROM,
    SPANS,
    SecretNumber,
    Secrets,
    content_of,
    content_runs,
    month_at,
    near_of,
    runs_of,
    sort_of,
    steps,
)

SMALL = 13  # numbers below are in every call: they tell something only beside the same word
NEARLY = 0.15  # a number so near to a secret one, said with "about" or "more than", gives it away
ACROSTIC_FROM = 5
WATCHED_ACROSTIC_FROM = 4
MAX_PIECES = 5


@dataclass(frozen=True)
class Leak:
    """What would come out: the kind of leak, and the secret as the background has it. Never log it."""

    kind: str
    evidence: str


Found = Iterator[tuple[str, Leak]]


def telling_word(secrets: Secrets, word: str) -> tuple[str, str] | None:
    """(key, evidence) where a folded word is a secret, a form of one, or a word for its matter."""
    if word in FUNCTION_WORDS:
        return None
    root = stem(word)
    evidence = secrets.words.get(root)
    if evidence is not None:
        return root, evidence
    if root in secrets.free_words:
        return None
    matter = matter_of(word)
    if matter is not None and matter in secrets.matters:
        return f"matter:{matter}", secrets.matters[matter]
    if len(word) >= LONG_FROM and root not in COMMON:
        evidence = secrets.beginnings.get(word[:BEGINNING])
        if evidence is not None:
            return stem(evidence.lower()), evidence
    return None


def words_told(secrets: Secrets, words: Words) -> Found:
    """Names, rare words, months, and words of delicate matters."""
    for at, word in enumerate(words.folded):
        told = telling_word(secrets, word)
        if told is not None:
            yield told[0], Leak("word", told[1])
        elif word in MONTHS and (month := month_at(words, at)) in secrets.months:
            yield f"month:{month}", Leak("month", secrets.months[month or 0])
        elif secrets.names and words.raw[at][0].isupper() and not words.begins_sentence(at):
            name = secrets.names.get(stem(word))
            if name is not None:
                yield f"name:{stem(word)}", Leak("name", name)
    if not words.text.isascii():
        for sign, matter in SIGNS.items():
            if sign in words.text and matter in secrets.matters:
                yield f"matter:{matter}", Leak("word", secrets.matters[matter])


def runs_told(secrets: Secrets, words: Words, before: tuple[str, ...]) -> Found:
    """Quotations, also with fillers in between or continued from `before`."""
    for run in runs_of(words):
        if run in secrets.runs:
            yield f"run:{secrets.runs[run]}", Leak("quotation", secrets.runs[run])
    content = content_of(words)
    if before and content:
        for run in content_runs(before + content[0]):
            if run in secrets.runs:
                yield f"run:{secrets.runs[run]}", Leak("quotation", secrets.runs[run])


def numbers_told(secrets: Secrets, words: Words, numerals: Sequence[Numeral]) -> Found:
    """Secret numbers in whatever way they are read out, and long stretches of long ones."""
    for numeral in numerals:
        for digits, first, last, is_ordinal in numeral.readings:
            number = secrets.numbers.get(digits)
            if number is not None and _is_told(number, words, first, last, is_ordinal):
                yield f"number:{digits}", Leak("number", number.evidence)
            elif digits in secrets.parts and digits not in secrets.free_numbers:
                yield f"number:{digits}", Leak("part of a number", secrets.parts[digits])
            if secrets.days:
                yield from _day_told(secrets, words, digits, first, last)


def _day_told(secrets: Secrets, words: Words, digits: str, first: int, last: int) -> Found:
    for at in (first - 1, first - 2, last, last + 1, last + 2):
        if 0 <= at < len(words.folded):
            month = MONTHS.get(words.folded[at])
            if month is not None and (month, digits) in secrets.days:
                yield f"day:{month}-{digits}", Leak("date", secrets.days[month, digits])


def _is_told(number: SecretNumber, words: Words, first: int, last: int, is_ordinal: bool) -> bool:
    """Whether a number equal to a secret one is used as that number: forty dollars are not forty minutes."""
    use = "clock" if first and words.folded[first - 1] == "at" else sort_of(words, first, last)
    if number.sort == "clock" or use == "clock":
        return number.sort == use
    if number.value < SMALL:
        return use == number.sort != "plain" or bool(near_of(words, first, last) & number.near)
    if number.sort == "day":
        return is_ordinal or use == "day"
    following = stem(words.folded[last]) if last < len(words.folded) else ""
    return number.value >= 100 or following not in SPANS or following in number.near


def comparisons_told(
    secrets: Secrets, words: Words, numerals: Sequence[Numeral], folded: str, known: frozenset[str] | set[str]
) -> Found:
    """ "A bit more than thirty-nine": a number beside a secret amount."""
    if not numerals or not APPROXIMATE.search(folded):
        return
    for numeral in numerals:
        for digits, first, last, _ in numeral.readings:
            if digits in secrets.free_numbers or f"number:{digits}" in known:
                continue
            for amount in secrets.amounts:
                is_near = 0 < abs(value_of(digits) - amount.value) <= NEARLY * amount.value
                if is_near and _is_same_sort(amount, words, first, last):
                    yield f"number:{amount.digits}", Leak("comparison", amount.evidence)


def _is_same_sort(amount: SecretNumber, words: Words, first: int, last: int) -> bool:
    use = sort_of(words, first, last)
    following = stem(words.folded[last]) if last < len(words.folded) else ""
    if use in ("clock", "day") or following in SPANS:
        return False
    if amount.sort == "plain":
        return bool(near_of(words, first, last) & amount.near)
    return use in (amount.sort, "plain")


def letters_told(secrets: Secrets, words: Words) -> Found:
    """Words spelled in letters, letter names or a spelling alphabet, also from the end."""
    for letters in spelled(words):
        for run in (letters, letters[::-1]):
            evidence = spelled_secret(secrets, run)
            if evidence is not None:
                yield f"letters:{run}", Leak("spelled", evidence)


def spelled_secret(secrets: Secrets, run: str) -> str | None:
    """The secret of which a run of letters shows four in a row, or the first three."""
    if len(run) < 3 or run in secrets.free_letters:
        return None
    for start in range(len(run) - 3):
        evidence = secrets.pieces.get(run[start : start + 4])
        if evidence is not None:
            return evidence
    return secrets.starts.get(run) or secrets.shapes.get(run)


def pieces_told(secrets: Secrets, folded: Sequence[str]) -> Found:
    """A word said in pieces: "dia be tes". At least one piece is no word of its own."""
    for at in range(len(folded) - 1):
        joined = folded[at]
        for piece in folded[at + 1 : at + MAX_PIECES]:
            joined += piece
            evidence = secrets.shapes.get(joined)
            if evidence is not None and any(
                stem(part) not in COMMON for part in folded[at : at + MAX_PIECES]
            ):
                yield f"letters:{joined}", Leak("in pieces", evidence)


def initials_told(secrets: Secrets, words: Words, *, is_watched: bool) -> Found:
    """The first letters of the words of a sentence make a secret word."""
    row = "".join(word[0] for word in words.folded)
    least = WATCHED_ACROSTIC_FROM if is_watched else ACROSTIC_FROM
    for at in range(len(row) - least + 1):
        if not (is_watched or words.begins_sentence(at)):
            continue
        for until in range(at + least, min(len(row), at + 14) + 1):
            evidence = secrets.shapes.get(row[at:until])
            if evidence is not None:
                yield f"letters:{row[at:until]}", Leak("first letters", evidence)


def tricks_told(secrets: Secrets, words: Words) -> Found:
    """Single words turned round, shifted or scrambled by rule."""
    for word in words.folded:
        if len(word) < 4 or not word.isascii() or word in FUNCTION_WORDS:
            continue
        root = stem(word)
        if root in COMMON or root in secrets.free_words:
            continue
        for kind, plain in undone(word):
            told = telling_word(secrets, plain)
            if told is not None:
                yield told[0], Leak(kind, told[1])
        evidence = secrets.shifted.get(steps(word)) if len(word) >= ACROSTIC_FROM and word.isalpha() else None
        if evidence is not None and word not in secrets.shapes:
            yield f"letters:{word}", Leak("shifted alphabet", evidence)


def codes_told(secrets: Secrets, words: Words, numerals: Sequence[Numeral]) -> Found:
    """Base64, hexadecimal, character codes, the numbered alphabet, Morse and leetspeak."""
    hidden = list(decoded(words.text))
    for numeral in numerals:
        if len(numeral.parts) >= 4:
            hidden += of_numbers([int(float(part)) for part in numeral.parts])
    for kind, text in hidden:
        plain = words_in(text)
        found = [*words_told(secrets, plain), *numbers_told(secrets, plain, numerals_in(plain))]
        found += letters_told(secrets, plain)
        for key, leak in found:
            yield key, Leak(kind, leak.evidence)
