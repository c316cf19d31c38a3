"""Counts and times as they come in, kept until somebody reads them.

Plain Python numbers: no lock, no library, no world. Noting something costs less than a microsecond, so rooms
may do it wherever work is done, in any thread: a series may be another's too, as a model's is that talks in
the thread of the lines at virtual time and reads transcripts in the house's. CPython changes threads at calls
and at the ends of loops, so nothing is called between reading a number and writing it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]

# Of one measure. Every label has a closed set of values or the operator's own names; this is the bolt behind
# that door, so that a mistake costs a coarse series and not the memory of whoever scrapes.
MOST_SERIES = 512
OVERFLOW = "other"


@dataclass(frozen=True, eq=False)
class Measure:
    """What is counted or timed: its public name, what it is, and its labels. Compared by identity."""

    name: str
    kind: Kind
    help: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    """Of a histogram: upper bounds, ascending, without the last, infinite one."""


@dataclass(eq=False)
class Tally:
    """One series of a histogram."""

    counts: list[int]
    """Per bucket, not added up; the last is what is above all bounds."""
    total: float = 0.0

    def add(self, place: int, value: float) -> None:
        self.counts[place] += 1
        self.total += value


@dataclass(eq=False)
class Book:
    """One server's notes."""

    _counts: dict[Measure, dict[Labels, float]] = field(default_factory=dict)
    _tallies: dict[Measure, dict[Labels, Tally]] = field(default_factory=dict)

    def count(self, measure: Measure, *labels: str, by: float = 1.0) -> None:
        """One more, or `by` more."""
        series = self._counts.get(measure)
        if series is None:
            series = self._counts.setdefault(measure, {})
        if labels not in series:
            labels = _bounded(labels, series)
            series.setdefault(labels, 0.0)
        series[labels] += by

    def observe(self, measure: Measure, value: float, *labels: str) -> None:
        """One more value of a histogram."""
        series = self._tallies.get(measure)
        if series is None:
            series = self._tallies.setdefault(measure, {})
        tally = series.get(labels)
        if tally is None:
            labels = _bounded(labels, series)
            tally = series.setdefault(labels, Tally([0] * (len(measure.buckets) + 1)))
        tally.add(bisect_left(measure.buckets, value), value)

    def counts(self, measure: Measure) -> dict[Labels, float]:
        """Every series of a counter as it is now."""
        return dict(self._counts.get(measure, {}))

    def tallies(self, measure: Measure) -> dict[Labels, Tally]:
        """Every series of a histogram as it is now."""
        series = dict(self._tallies.get(measure, {}))
        return {labels: Tally(list(tally.counts), tally.total) for labels, tally in series.items()}


def _bounded(labels: Labels, series: dict[Labels, float] | dict[Labels, Tally]) -> Labels:
    """The labels of a new series, or of the one that takes whatever is too much."""
    return labels if len(series) < MOST_SERIES else (OVERFLOW,) * len(labels)
