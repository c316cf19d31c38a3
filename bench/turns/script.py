"""What one caller does in a call: a list of steps, drawn from the corpus. Pure.

Turns, interruptions and interjections are mixed in one call; the cases of dictation are a call of their own.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

from bench.turns.corpus import Case, Line

T = TypeVar("T")
OVER_AT_S = (0.9, 2.6)
"""After the agent's first sound: where in its speech it is interrupted."""
INTERJECTED_AT_S = 1.2


@dataclass(frozen=True)
class Step:
    """Say something when the agent is silent or, with `over_s`, so long after its answer has begun.

    `kind` is `hello`, `turn`, `tell`, `barge`, `backchannel`, `noise`, `cue`, `paused` or `complete`.
    """

    kind: str
    saying: str
    over_s: float | None = None


def of_kind(lines: Sequence[Line], kind: str) -> list[str]:
    return [line.id for line in lines if line.kind == kind]


def talks(
    lines: Sequence[Line], callers: int, turns: int, barges: int, interjections: int
) -> list[list[Step]]:
    """For each caller its steps; so many of each kind over all callers together."""
    chance = random.Random(7)
    tells = cycle(of_kind(lines, "tell"))
    sounds = [("backchannel", each) for each in of_kind(lines, "backchannel")]
    sounds += [("noise", each) for each in of_kind(lines, "noise")[:2]]
    groups: list[list[Step]] = [[Step("turn", said)] for said in islice(cycle(of_kind(lines, "turn")), turns)]
    for said in islice(cycle(of_kind(lines, "barge")), barges):
        over = Step("barge", said, round(chance.uniform(*OVER_AT_S), 2))
        groups.append([Step("tell", next(tells)), over])
    for kind, said in islice(cycle(sounds), interjections):
        groups.append([Step("tell", next(tells)), Step(kind, said, INTERJECTED_AT_S)])
    chance.shuffle(groups)
    hello = [Step("hello", of_kind(lines, "hello")[0])]
    return [hello + [step for group in part for step in group] for part in dealt(groups, callers)]


def dictations(lines: Sequence[Line], cases: Sequence[Case], callers: int) -> list[list[Step]]:
    """For each caller its cases, each behind the cue that has the agent ask the fitting question."""
    cues = {line.text.split()[2]: line.id for line in lines if line.kind == "cue"}
    mixed = list(cases)
    random.Random(7).shuffle(mixed)
    hello = [Step("hello", of_kind(lines, "hello")[0])]
    return [
        hello
        + [step for case in part for step in (Step("cue", cues[case.question]), Step(case.kind, case.id))]
        for part in dealt(mixed, callers)
    ]


def thinned(all_of_it: Sequence[T], share: float) -> list[T]:
    """This share of it, spread evenly over the whole."""
    return [each for at, each in enumerate(all_of_it) if int((at + 1) * share) > int(at * share)]


def dealt(all_of_it: Iterable[T], hands: int) -> list[list[T]]:
    """One after the other to each hand in turn."""
    whole = list(all_of_it)
    return [whole[hand::hands] for hand in range(hands)]
