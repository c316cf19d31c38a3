"""What must not come out: the background less what the agent is sent to say.

Pure. Makes, once a call, the tables that words about to be spoken are looked up in. Holds the caller's
background: never log any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.common_words import (
    ALSO_NAMES,
    COMMON,
    FUNCTION_STEMS,
    ORDINARY,
    stem,
    stems,
)
from byourside_server.conversation.delicate_words import SIGNS, matter_of
from byourside_server.conversation.folding import Words, fold, words_in
from byourside_server.conversation.months import AMBIGUOUS, BEFORE_MONTH, MONTHS
from byourside_server.conversation.numerals import Numeral, numerals_in, value_of
from byourside_server.conversation.plan import plan_of

RARE_FROM = 4  # letters
BEGINNING = 6  # letters two forms of a long word share: "bankrupt", "bankruptcy"
LONG_FROM = 7
QUOTED_WORDS = 5
AMOUNT_FROM = 20  # below, "about" says too little
PART_OF_NUMBER = 4  # digits in a row that give a longer number away
MONEY = stems(
    "dollar buck pound euro usd quid cent penny eur gbp peso franc libra dolar libras livre real rubl pence"
)
CLOCK = frozenset({"am", "pm", "o'clock", "uhr", "h", "a", "p", "heures", "oclock"})
SPANS = stems("second minute hour day week month year night time people person guest")
DELICATE_WITH = stems("miss missed late behind lost fail forgot lie lied sick refus complain")
PLAIN = ORDINARY | FUNCTION_STEMS
_ISO_DATE = re.compile(r"\b(?:\d{4}[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4})\b")


@dataclass(frozen=True)
class SecretNumber:
    """One number of the background: how it stands there, and the stems beside it."""

    digits: str
    sort: str  # "money", "percent", "clock", "day" or "plain"
    near: frozenset[str]
    evidence: str

    @property
    def value(self) -> float:
        return value_of(self.digits)


@dataclass
class Secrets:
    """The background of one call, ready to be looked up. Values are what the context says, as evidence."""

    words: dict[str, str] = field(default_factory=dict)  # stem
    names: dict[str, str] = field(default_factory=dict)  # stem, only where it has a capital
    beginnings: dict[str, str] = field(default_factory=dict)  # first six letters of long words
    matters: dict[str, str] = field(default_factory=dict)
    months: dict[int, str] = field(default_factory=dict)
    days: dict[tuple[int, str], str] = field(default_factory=dict)
    runs: dict[tuple[str, ...], str] = field(default_factory=dict)
    numbers: dict[str, SecretNumber] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)  # four digits and more out of long numbers
    shapes: dict[str, str] = field(default_factory=dict)  # folded telling words
    pieces: dict[str, str] = field(default_factory=dict)  # four letters in a row of those
    shifted: dict[bytes, str] = field(default_factory=dict)  # the steps between the letters
    starts: dict[str, str] = field(default_factory=dict)  # the first three letters of those
    free_names: tuple[str, ...] = ()
    free_words: frozenset[str] = frozenset()
    free_letters: str = ""
    free_numbers: frozenset[str] = frozenset()

    @property
    def amounts(self) -> tuple[SecretNumber, ...]:
        """Numbers that can be closed in on: sums, shares, ages; not codes."""
        sorts = ("money", "percent", "plain")
        return tuple(n for n in self.numbers.values() if n.sort in sorts and n.value >= AMOUNT_FROM)

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.numbers or self.runs or self.matters or self.months)


def secrets_of(brief: Brief) -> Secrets:
    """The secrets of a call; nothing where there is no context."""
    if not brief.context or not brief.context.strip():
        return Secrets()
    free = [words_in(text) for text in _told_to_say(brief)]
    found = Secrets(
        free_words=frozenset(stem(word) for words in free for word in words.folded),
        free_letters=" ".join(word for words in free for word in words.folded),
        free_names=words_in(f"{brief.on_behalf_of or ''} {' '.join(t.name for t in brief.transfers)}").folded,
        free_numbers=frozenset(
            reading[0] for words in free for numeral in numerals_in(words) for reading in numeral.readings
        ),
    )
    background = words_in(brief.context)
    free_matters = {matter for words in free for matter in map(matter_of, words.folded) if matter}
    _add_words(found, background, free_matters, _has_noun_capitals(brief.language, background))
    _add_runs(found, background, free)
    _add_numbers(found, background, free)
    _add_shapes(found)
    return found


def _told_to_say(brief: Brief) -> Iterator[str]:
    """All the caller gave the agent to say, and the objective as it is put to the contact."""
    plan = plan_of(replace(brief, fields=()))
    yield from (brief.objective, plan.purpose, brief.on_behalf_of or "", brief.voicemail.message or "")
    yield from (step.spoken for step in plan.steps)
    yield from (*brief.must_say, *brief.must_ask, *(target.name for target in brief.transfers))
    yield from (f"{each.name.replace('_', ' ')} {each.description or ''}" for each in brief.fields)


def _has_noun_capitals(language: str | None, words: Words) -> bool:
    """German writes every noun with a capital, so that a capital makes no name."""
    german = {"der", "die", "das", "und", "ist", "nicht", "ein", "eine", "hat", "er", "sie"}
    return (language or "").startswith("de") or len(german & set(words.folded)) >= 3


def _add_words(found: Secrets, background: Words, free_matters: set[str], noun_capitals: bool) -> None:
    for at, word in enumerate(background.folded):
        root, raw = stem(word), background.raw[at]
        matter = matter_of(word)
        if matter is not None and matter not in free_matters:
            found.matters[matter] = raw
        if root in found.free_words or word[0].isdigit():
            continue
        month = month_at(background, at)
        if month is not None:
            found.months[month] = raw
            continue
        has_capital = raw[0].isupper() and not background.begins_sentence(at) and not noun_capitals
        is_telling = matter is not None and matter not in free_matters
        if root in COMMON and not is_telling:
            if has_capital and root in ALSO_NAMES:
                found.names[root] = raw
        elif (
            len(word) >= RARE_FROM
            or not word.isascii()
            or (len(word) == 3 and (has_capital or raw.isupper()))
        ):
            found.words[root] = raw
            if len(word) >= LONG_FROM and matter is None:
                found.beginnings[word[:BEGINNING]] = raw
    signs = {SIGNS[sign]: sign for sign in SIGNS if sign in background.text}
    found.matters.update({matter: sign for matter, sign in signs.items() if matter not in free_matters})


def month_at(words: Words, at: int) -> int | None:
    """The month that word is, told apart from "may I" and "they march"."""
    word = words.folded[at]
    month = MONTHS.get(word)
    if month is None or word not in AMBIGUOUS:
        return month
    before = words.folded[at - 1] if at else ""
    after = words.folded[at + 1] if at + 1 < len(words.folded) else ""
    beside_day = after[:1].isdigit() or before[:1].isdigit() or before in ("st", "nd", "rd", "th")
    is_capital = words.raw[at][0].isupper() and not words.begins_sentence(at)
    return month if is_capital or before in BEFORE_MONTH or beside_day else None


def content_of(words: Words) -> tuple[tuple[str, ...], ...]:
    """The stems that carry meaning, in order, sentence by sentence."""
    sentences: list[tuple[str, ...]] = []
    begin = 0
    for at in range(1, len(words.folded) + 1):
        if at == len(words.folded) or words.begins_sentence(at):
            sentences.append(meaning(words.folded[begin:at]))
            begin = at
    return tuple(sentences)


def meaning(folded: Iterable[str]) -> tuple[str, ...]:
    """The stems of words that carry meaning."""
    return tuple(root for root in map(stem, folded) if root not in FUNCTION_STEMS and len(root) > 1)


def runs_of(words: Words) -> Iterator[tuple[str, ...]]:
    """What two texts share where one quotes the other: five words, three of meaning, or a telling pair."""
    yield from _windows(words.folded, QUOTED_WORDS)
    for sentence in content_of(words):
        yield from content_runs(sentence)
    roots = tuple(map(stem, words.folded))
    for at, pair in enumerate(_windows(roots, 2)):
        is_worded = all(len(root) > 2 and root.isalpha() for root in pair)
        if is_worded and PLAIN.isdisjoint(pair) and not words.begins_sentence(at + 1):
            yield pair


def content_runs(content: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Three words of meaning in a row, or two of which one is delicate company."""
    for run in _windows(content, 3):
        if not ORDINARY.issuperset(run):
            yield run
    for pair in _windows(content, 2):
        if not DELICATE_WITH.isdisjoint(pair):
            yield pair


def _windows(items: tuple[str, ...], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(items[start:] for start in range(length)), strict=False)


def _add_runs(found: Secrets, background: Words, free: Iterable[Words]) -> None:
    said = {run for words in free for run in runs_of(words)}
    for run in runs_of(background):
        if run not in said and not PLAIN.issuperset(map(stem, run)):
            found.runs[run] = " ".join(run)


def _add_numbers(found: Secrets, background: Words, free: Iterable[Words]) -> None:
    for numeral in numerals_in(background):
        for digits, first, last in _spoken_as_one(numeral):
            if digits in found.free_numbers:
                continue
            evidence = background.text[background.spans[first][0] : background.spans[last - 1][1]]
            sort, near = sort_of(background, first, last), near_of(background, first, last)
            number = SecretNumber(digits, sort, near, evidence)
            found.numbers[digits] = number
            if "." in digits and number.value >= 10:
                whole = digits.partition(".")[0]
                found.numbers.setdefault(whole, replace(number, digits=whole))
            for length in range(PART_OF_NUMBER, len(digits)):
                for start in range(len(digits) - length + 1):
                    found.parts[digits[start : start + length]] = evidence
            month = _month_beside(background, first, last)
            if month is not None:
                found.days[month, digits] = evidence
    for match in _ISO_DATE.finditer(background.text):
        one, two = (int(part) for part in match.groups() if part is not None)
        for month, day in {(one, two), (two, one)}:
            if 1 <= month <= 12:
                found.days[month, str(day)] = match[0]


def _spoken_as_one(numeral: Numeral) -> Iterator[tuple[str, int, int]]:
    """The number as a whole, and its parts where they stand for themselves."""
    for digits, first, last, _ in numeral.readings:
        is_whole = (first, last) == (numeral.first, numeral.last)
        if is_whole or len(digits) >= PART_OF_NUMBER:
            yield digits, first, last


def _month_beside(words: Words, first: int, last: int) -> int | None:
    for at in (first - 1, first - 2, last, last + 1):
        if 0 <= at < len(words.folded) and (month := MONTHS.get(words.folded[at])) is not None:
            return month
    return None


def sort_of(words: Words, first: int, last: int) -> str:
    """What sort of number stands at those words: money, percent, a time of day, a day, or plain."""
    before = words.text[: words.spans[first][0]].rstrip()[-1:]
    after = words.text[words.spans[last - 1][1] :].lstrip()[:1]
    following = stem(words.folded[last]) if last < len(words.folded) else ""
    if (before and before in "$€£") or (after and after in "$€£") or following in MONEY:
        return "money"
    if after == "%" or following in ("percent", "prozent", "percento"):
        return "percent"
    if following in CLOCK or ":" in words.folded[first]:
        return "clock"
    if words.folded[last - 1] in ("st", "nd", "rd", "th") or _month_beside(words, first, last) is not None:
        return "day"
    return "plain"


def near_of(words: Words, first: int, last: int) -> frozenset[str]:
    """The stems of up to two words on either side."""
    beside = [*words.folded[max(0, first - 2) : first], *words.folded[last : last + 2]]
    return frozenset(stem(word) for word in beside) - FUNCTION_STEMS


def _add_shapes(found: Secrets) -> None:
    for raw in {*found.words.values(), *found.names.values(), *found.months.values()}:
        shape = fold(raw).replace("'", "").removesuffix("s" if "'" in raw or "’" in raw else "\0")
        found.shapes[shape] = raw
        found.starts.setdefault(shape[:3], raw)
        for start in range(len(shape) - 3):
            found.pieces.setdefault(shape[start : start + 4], raw)
        if len(shape) >= 5 and shape.isascii():
            found.shifted[steps(shape)] = raw


def steps(word: str) -> bytes:
    """The distances from letter to letter: the same whatever number of places a cipher shifts by."""
    letters = word.encode()
    return bytes((after - before) % 26 for before, after in pairwise(letters))
