"""Blocks of rows that take turns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.media.shifts import BLOCK_ROWS, Shifts
from byourside_server.media.window import SHIFTS, SoundWindow


@given(st.integers(1, 12), st.integers(0, 700), st.integers(0, 1000))
def test_every_row_has_its_turn_once_in_so_many_ticks(every: int, count: int, tick: int) -> None:
    shifts = Shifts(every)
    turns = np.concatenate([shifts.rows(count, tick + later) for later in range(every)])
    assert sorted(turns.tolist()) == list(range(count))


def test_a_few_calls_are_done_together() -> None:
    shifts = Shifts(8)
    assert [len(shifts.rows(10, tick)) for tick in range(8)] == [10, 0, 0, 0, 0, 0, 0, 0]


def test_rows_that_come_and_go_are_followed() -> None:
    shifts = Shifts(2)
    assert len(shifts.rows(BLOCK_ROWS + 1, 1)) == 1
    assert len(shifts.rows(BLOCK_ROWS, 1)) == 0


def test_the_window_of_one_shift_is_that_of_its_rows() -> None:
    count = 5 * SHIFTS * BLOCK_ROWS // 2
    window, random = SoundWindow(count), np.random.default_rng(1)
    for _ in range(40):
        window.append(count, random.integers(0, 256, (count, 160), np.uint8))
    shifts = Shifts(SHIFTS)
    for shift in range(SHIFTS):
        rows = shifts.rows(count, shift)
        of_shift = window.shift_ending(shift, 32, 256, len(rows)).reshape(-1, 256)[: len(rows)]
        assert np.array_equal(of_shift, window.ending(32, 256)[rows])
