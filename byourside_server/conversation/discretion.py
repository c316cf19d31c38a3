"""Keeps the caller's background from the contact: looks at words before they are spoken.

Pure and deterministic, for every mind alike. Knows the brief and what both sides said in this call; has no
thesaurus, so a paraphrase in innocent words passes (docs/discretion.md).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from byourside_server.conversation.bits import SHORT, Bits, bits_told
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.common_words import stem
from byourside_server.conversation.delicate_words import matter_of
from byourside_server.conversation.folding import Words, fold, words_in
from byourside_server.conversation.guesses import (
    DIGIT_CUE,
    LETTER_CUE,
    META,
    POEM_CUE,
    Guess,
    affirms,
    compares,
    goes_on,
    is_question,
    narrows,
    refuses,
    signals_in,
    urges,
)
from byourside_server.conversation.numerals import Numeral, numerals_in, value_of
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.secrets_of import SPANS, month_at, secrets_of
from byourside_server.conversation.telling import (
    Found,
    Leak,
    codes_told,
    comparisons_told,
    initials_told,
    letters_told,
    numbers_told,
    pieces_told,
    runs_told,
    tricks_told,
    words_told,
)
from byourside_server.conversation.tongues import tongue_of

__all__ = ["Cleared", "Discretion", "Leak"]

NEAR_FACTOR = 3  # how far off a guess at a number may be and still close in on it
_SENTENCE_END = re.compile(r"[.!;\n]+|(?<=\?)")


@dataclass(frozen=True)
class Cleared:
    """What may be spoken: the text itself, or a refusal in its language where it leaks."""

    text: str
    leaks: tuple[Leak, ...] = ()


class Discretion:
    """Watches over the background of one call; without a context it lets everything pass."""

    def __init__(self, brief: Brief) -> None:
        self._secrets = secrets_of(brief)
        self._language = brief.language
        self._known: set[str] = set()  # what the contact said himself: no secret any more
        self._guess = Guess()
        self._bits = Bits()

    def on_trial(self) -> Discretion:
        """The same, to be told what may never be said; the secrets are shared."""
        trial = copy.copy(self)
        trial._known = set(self._known)
        return trial

    def heard(self, text: str) -> None:
        """The contact's latest words: what he states himself is no secret, what he asks stays one."""
        if self._secrets.is_empty:
            return
        before, folded = self._guess, _flat(text)
        goes_on_asking = goes_on(folded)
        keys = frozenset(key for sentence in _SENTENCE_END.split(text) for key in self._asked(sentence))
        still_stands = before.keys - self._known if urges(folded) else frozenset()
        self._guess = Guess(
            keys=keys | still_stands,
            is_narrowing=self._is_narrowing(text, folded, was_narrowing=before.is_narrowing),
            signals=signals_in(folded),
            asks_letters=bool(LETTER_CUE.search(folded)) or (before.asks_letters and goes_on_asking),
            asks_digits=bool(DIGIT_CUE.search(folded)) or (before.asks_digits and goes_on_asking),
            asks_poem=bool(POEM_CUE.search(folded)) or (before.asks_poem and goes_on_asking),
        )

    def cleared(self, text: str) -> Cleared:
        """`text` for speaking, one sentence or several; what passes is remembered as said."""
        leaks = self.leaks_in(text)
        if leaks:
            return Cleared(phrases_for(tongue_of(text) or self._language).refusal, leaks)
        self.remember(text)
        return Cleared(text)

    def leaks_in(self, text: str) -> tuple[Leak, ...]:
        """What `text` would give away if it were said now; nothing is remembered."""
        if self._secrets.is_empty or not text.strip():
            return ()
        words, folded = words_in(text), _flat(text)
        is_let_off = self._known | self._guess.keys if refuses(folded) else self._known
        found = (leak for key, leak in self._told(words, folded) if key not in is_let_off)
        return tuple(dict.fromkeys(found))

    def remember(self, text: str) -> None:
        """These words were said: bits that follow are looked at together with them."""
        if not self._secrets.is_empty:
            self._bits = self._bits.and_said(words_in(text), self._guess)

    # what the agent would say

    def _told(self, words: Words, folded: str) -> Found:
        secrets, numerals = self._secrets, numerals_in(words)
        yield from codes_told(secrets, words, numerals)
        if not words.folded:
            return
        yield from words_told(secrets, words)
        yield from runs_told(secrets, words, self._bits.content)
        yield from numbers_told(secrets, words, numerals)
        yield from comparisons_told(secrets, words, numerals, folded, self._known)
        yield from letters_told(secrets, words)
        yield from pieces_told(secrets, self._bits.pieces + words.folded)
        yield from initials_told(secrets, words, is_watched=self._guess.asks_poem)
        yield from tricks_told(secrets, words)
        yield from bits_told(secrets, self._bits, self._guess, words, numerals, folded)
        yield from self._admitted(folded, numerals)

    def _admitted(self, folded: str, numerals: Sequence[Numeral]) -> Found:
        """Guesses confirmed, numbers closed in on, and talk about the instructions themselves."""
        guess = self._guess
        if guess.is_narrowing and not refuses(folded) and self._names_number(numerals):
            yield "confirmed", Leak("narrowing", "a number")
        for sentence in _SENTENCE_END.split(folded):
            if guess.is_a_yes_a_leak and affirms(sentence, guess):
                yield "confirmed", Leak("confirmation", ", ".join(sorted(guess.keys)))
            if guess.is_narrowing and narrows(sentence):
                yield "confirmed", Leak("narrowing", "a number")
            if META.search(sentence) and not refuses(sentence):
                yield "meta", Leak("instructions", "the background")

    def _names_number(self, numerals: Sequence[Numeral]) -> bool:
        """Whether a number is said that neither the objective nor the contact has named."""
        said = {numeral.digits for numeral in numerals} - self._secrets.free_numbers
        return any(f"number:{digits}" not in self._known for digits in said)

    # what the contact says

    def _asked(self, sentence: str) -> Iterator[str]:
        """The secrets a question names; what a statement names is no secret any more."""
        words = words_in(sentence)
        if is_question(_flat(sentence)):
            yield from (key for key in self._named(words) if key not in self._known)
        else:
            self._known.update(_all_keys(words))
            self._known.update(self._named(words))
            matters = {key for key in map(matter_of, words.folded) if key}
            if matters:  # who speaks of his debts has said that he owes
                told = self._secrets.words.items()
                self._known.update(root for root, raw in told if matter_of(fold(raw)) in matters)

    def _named(self, words: Words) -> Iterator[str]:
        secrets = self._secrets
        for found in (
            words_told(secrets, words),
            numbers_told(secrets, words, numerals_in(words)),
            runs_told(secrets, words, ()),
        ):
            yield from (key for key, _ in found)

    def _is_narrowing(self, text: str, folded: str, *, was_narrowing: bool) -> bool:
        """Whether the contact closes in on a secret amount: "more than fifty?"."""
        amounts = [amount.value for amount in self._secrets.amounts]
        words = words_in(text)
        numerals = numerals_in(words)
        if not amounts or not numerals:
            return was_narrowing and goes_on(folded)
        is_closing_in = compares(folded) and is_question(folded)
        if not is_closing_in and not (was_narrowing and len(words.folded) <= SHORT):
            return False
        guesses = [
            value_of(digits) for each in numerals if _is_amount(words, each) for digits, *_ in each.readings
        ]
        is_near = any(a / NEAR_FACTOR <= guess <= a * NEAR_FACTOR for a in amounts for guess in guesses)
        return is_near or was_narrowing


def _is_amount(words: Words, numeral: Numeral) -> bool:
    """Not minutes, not people, not a time of day."""
    following = stem(words.folded[numeral.last]) if numeral.last < len(words.folded) else ""
    return following not in SPANS and following not in ("am", "pm")


def _all_keys(words: Words) -> Iterator[str]:
    """Every key under which these words could be a secret."""
    for at, word in enumerate(words.folded):
        yield stem(word)
        yield f"name:{stem(word)}"
        matter, month = matter_of(word), month_at(words, at)
        if matter is not None:
            yield f"matter:{matter}"
        if month is not None:
            yield f"month:{month}"
    for numeral in numerals_in(words):
        for digits, *_ in numeral.readings:
            yield f"number:{digits}"


def _flat(text: str) -> str:
    """Folded text with straight apostrophes, without hyphens and commas, for phrase patterns."""
    return fold(text).replace("’", "'").replace("-", " ").replace(",", "").strip()
