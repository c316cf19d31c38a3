"""Recordings of many rows at once."""

import numpy as np

from byourside_server.media.recording import HEADER_BYTES
from byourside_server.media.rows import RowBook
from byourside_server.media.rtp import FRAME_SAMPLES
from byourside_server.media.tape import BLOCK_TICKS, Tape


def test_rows_written_in_one_tick_get_each_their_own_second() -> None:
    """Of three rows whose turn is the same tick one began late; every file is whole, whoever is beside it."""
    count, ticks = 2 * BLOCK_TICKS + 1, 4 * BLOCK_TICKS
    rows, tape = RowBook(count), Tape(count)
    began = {0: 0, BLOCK_TICKS: 0, 2 * BLOCK_TICKS: 30}
    for number in range(count):
        row = rows.open(f"row-{number}", 0)
        if number in began:
            row.recording = row.writes_file = True
            row.zero_tick = row.written_until = began[number]
    random = np.random.default_rng(1)
    heard, said = random.integers(0, 256, (2, ticks, count, FRAME_SAMPLES), np.uint8)
    files = {f"row-{number}": bytearray(HEADER_BYTES) for number in began}
    for tick in range(ticks):
        tape.heard(tick, count)[:] = heard[tick]
        tape.say(tick, count, said[tick])
        for block in tape.blocks(rows, count, tick + 1):
            file = files[block.line_id]
            assert block.offset == len(file)
            file += block.data
    for number, first in began.items():
        pairs = np.frombuffer(files[f"row-{number}"][HEADER_BYTES:], np.uint8).reshape(-1, 2)
        last = first + len(pairs) // FRAME_SAMPLES
        assert last > ticks - BLOCK_TICKS
        assert np.array_equal(pairs[:, 0], heard[first:last, number].reshape(-1))
        assert np.array_equal(pairs[:, 1], said[first:last, number].reshape(-1))
