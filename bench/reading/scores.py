"""How right is a reader? Its readings against the labels, with intervals.

What counts as the same value is decided here alone: booleans and numbers by type and value, texts by their
content words (figures for number words, no order, no case, no function words), addresses and dictated
digits by their letters and digits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.reading.corpus import Labelled
from byourside_server.calls.call import FieldValue
from byourside_server.conversation.moments import ORDINALS
from byourside_server.conversation.numbers import find_numbers
from byourside_server.conversation.words import word_set, words_of

FUNCTION_WORDS = word_set(
    "a an the at on in of for to by from and with it it's is that's my i i'm they please o'clock around about"
)
_COMPACT = re.compile(r"\S*@\S*|[\d\s()+-]+|[A-Z0-9 -]*\d[A-Z0-9 -]*")


@dataclass(frozen=True)
class Reading:
    """What a reader made of one call."""

    values: Mapping[str, FieldValue]
    met: str
    outcome: str | None


@dataclass(frozen=True)
class Rate:
    """A share with its Wilson interval of 95 %."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        return self.hits / self.of if self.of else None

    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.96, self.of, self.hits / self.of
        middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        scale = 1 + z * z / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def as_json(self) -> dict[str, object]:
        low, high = self.interval()
        share = None if self.share is None else round(self.share, 4)
        return {
            "hits": self.hits,
            "of": self.of,
            "share": share,
            "low": round(low, 4),
            "high": round(high, 4),
        }


def scores(calls: Sequence[Labelled], readings: Mapping[str, Reading]) -> dict[str, Rate]:
    """Every measure by its name."""
    pairs = [(call, readings[call.id]) for call in calls]
    values = [(call, name, reading.values.get(name)) for call, reading in pairs for name in call.values]
    told = [(call, name, value) for call, name, value in values if value is not None]
    right = sum(is_right(call, name, value) for call, name, value in told)
    known = [(call, name, value) for call, name, value in values if _must_be_found(call, name)]
    not_true = [
        value
        for call, name, value in values
        if _is_boolean(call, name) and True not in (call.values[name], *call.accepted.get(name, ()))
    ]
    not_met = [reading.met for call, reading in pairs if "yes" not in call.met]
    return {
        "precision": Rate(right, len(told)),
        "recall": Rate(sum(v is not None and is_right(c, n, v) for c, n, v in known), len(known)),
        "wrong": Rate(len(told) - right, len(values)),
        "false_true": Rate(sum(value is True for value in not_true), len(not_true)),
        "false_met": Rate(sum(met == "yes" for met in not_met), len(not_met)),
        "met": Rate(sum(reading.met in call.met for call, reading in pairs), len(pairs)),
        "outcome": Rate(sum(reading.outcome in call.outcomes for call, reading in pairs), len(pairs)),
    }


def by_kind(calls: Sequence[Labelled], readings: Mapping[str, Reading]) -> dict[str, dict[str, Rate]]:
    """The same for the calls of each kind."""
    kinds = sorted({kind for call in calls for kind in call.kinds})
    return {kind: scores([call for call in calls if kind in call.kinds], readings) for kind in kinds}


def _must_be_found(call: Labelled, name: str) -> bool:
    return call.values[name] is not None and None not in call.accepted.get(name, ())


def _is_boolean(call: Labelled, name: str) -> bool:
    return next(each.type for each in call.brief.fields if each.name == name) == "boolean"


def is_right(call: Labelled, name: str, value: FieldValue) -> bool:
    """Whether a careful listener may have written `value`."""
    truths = (call.values[name], *call.accepted.get(name, ()))
    return any(same(truth, value, freely=name in call.freely) for truth in truths)


def same(truth: FieldValue, value: FieldValue, *, freely: bool = False) -> bool:
    """Whether two values say the same. `freely`: the value may say more than the truth's words."""
    if truth is None or value is None:
        return truth is value
    if isinstance(truth, bool) or isinstance(value, bool):
        return truth is value
    if isinstance(truth, str) and isinstance(value, str):
        if _COMPACT.fullmatch(truth) and not freely:
            return _compact(truth) == _compact(value)
        left, right = content(truth), content(value)
        return not left - right if freely else left == right
    return not isinstance(truth, str) and not isinstance(value, str) and truth == value


def _compact(text: str) -> str:
    return re.sub(r"[^a-z0-9@._-]", "", text.lower()).strip(".").replace("-", "" if "@" not in text else "-")


def content(text: str) -> Counter[str]:
    """The words that say something, number words as figures, ordinals as their number."""
    words = words_of(re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", text))
    texts = [ORDINALS.get(word.text, word.text) for word in words]
    for number in find_numbers(words):
        texts[number.first : number.last] = [str(number.json), *[""] * (number.last - number.first - 1)]
    return Counter(_bare(text) for text in texts if text and text not in FUNCTION_WORDS)


def _bare(text: str) -> str:
    text = re.sub(r"^(\d+)(?:st|nd|rd|th)$", r"\1", text)
    return re.sub(r"^(\d\d?):00$", r"\1", text)


def as_json(rates: Mapping[str, Rate]) -> dict[str, object]:
    return {name: rate.as_json() for name, rate in rates.items()}


def misses(calls: Iterable[Labelled], readings: Mapping[str, Reading]) -> list[str]:
    """One line for whatever is not as labelled."""
    lines = []
    for call in calls:
        reading = readings[call.id]
        for name, truth in call.values.items():
            value = reading.values.get(name)
            if not is_right(call, name, value):
                lines.append(f"{call.id} {call.kinds[0]} {name}: {value!r}, labelled {truth!r}")
        if reading.met not in call.met:
            lines.append(
                f"{call.id} {call.kinds[0]} objectiveMet: {reading.met}, labelled {sorted(call.met)}"
            )
        if reading.outcome not in call.outcomes:
            labelled = sorted(map(str, call.outcomes))
            lines.append(f"{call.id} {call.kinds[0]} outcome: {reading.outcome}, labelled {labelled}")
    return lines
