"""Numbers become shapes: where bars stand in an SVG of 1000 by 200 units. Knows no colours and no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000.0, 200.0
GAP = 0.25
LATENCY_STEP_MS, LATENCY_STEPS = 250, 12


@dataclass(frozen=True)
class Block:
    """One rectangle; `kind` says which of the stacked values it is."""

    x: float
    y: float
    width: float
    height: float
    kind: int


@dataclass(frozen=True)
class Plot:
    """Blocks, and the value at the top of the plot."""

    blocks: tuple[Block, ...]
    top: int


def stacked_bars(stacks: Sequence[Sequence[int]]) -> Plot:
    """One bar per stack, left to right, its values upon each other."""
    top = _round_up(max((sum(stack) for stack in stacks), default=0))
    step = WIDTH / max(len(stacks), 1)
    blocks = []
    for place, stack in enumerate(stacks):
        level = HEIGHT
        for kind, value in enumerate(stack):
            height = HEIGHT * value / top
            level -= height
            if value:
                blocks.append(
                    Block(_r(step * (place + GAP / 2)), _r(level), _r(step * (1 - GAP)), _r(height), kind)
                )
    return Plot(tuple(blocks), top)


def histogram(times_ms: Sequence[int]) -> Plot:
    """How many times fall in each quarter of a second; the last bar holds all that are longer."""
    counts = [0] * LATENCY_STEPS
    for time_ms in times_ms:
        counts[min(max(time_ms, 0) // LATENCY_STEP_MS, LATENCY_STEPS - 1)] += 1
    return stacked_bars([(count,) for count in counts])


def _round_up(value: int) -> int:
    """The next of 1, 2, 4, 5, 10, 20, 40, 50 …, so that half of it is a fair label."""
    scale = 1
    while True:
        for step in (1, 2, 4, 5):
            if step * scale >= value:
                return step * scale
        scale *= 10


def _r(value: float) -> float:
    return round(value, 2)
