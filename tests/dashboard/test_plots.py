"""Bars stand where their numbers say."""

from __future__ import annotations

from byourside_server.dashboard.overview import quantile
from byourside_server.dashboard.plots import HEIGHT, histogram, stacked_bars


def test_bars_are_stacked_from_the_ground_and_scaled_to_a_round_top() -> None:
    plot = stacked_bars([(3, 1), (0, 0)])
    assert plot.top == 4
    [lower, upper] = plot.blocks
    assert (lower.y, lower.height, lower.kind) == (50, 150, 0)
    assert (upper.y, upper.height, upper.kind) == (0, 50, 1)
    assert lower.x + lower.width < 500


def test_the_top_is_the_next_round_number() -> None:
    tops = [stacked_bars([(value,)]).top for value in (0, 1, 3, 6, 11, 21, 41, 99)]
    assert tops == [1, 1, 4, 10, 20, 40, 50, 100]


def test_times_fall_in_quarters_of_a_second_and_long_ones_in_the_last() -> None:
    plot = histogram([0, 249, 250, 99_999])
    assert [block.height for block in plot.blocks] == [HEIGHT, HEIGHT / 2, HEIGHT / 2]
    assert plot.blocks[-1].x > 900


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([100, 200, 300, 400], q) for q in (0.0, 0.5, 0.99)] == [100, 300, 400]
    assert quantile([], 0.5) is None
