"""The last second of both sides of every row: what recordings and turns are cut from.

Knows frames by tick and row. Does not know files or events; what is older is overwritten.
"""

from dataclasses import dataclass

import numpy as np

from byourside_server.media.g711 import ULAW_SILENCE, Bytes
from byourside_server.media.recording import CHANNELS, interleave, wav_header
from byourside_server.media.rows import Row, RowBook
from byourside_server.media.rtp import FRAME_SAMPLES

HISTORY_TICKS = 64
"""1.28 s of both sides, as µ-law."""
BLOCK_TICKS = 50
"""A recording grows by one second at a time, each row at its own tick."""


@dataclass(frozen=True)
class RecordingBlock:
    """Bytes to be written to a line's file at `offset`, the header being rewritten with them."""

    line_id: str
    offset: int
    data: memoryview
    header: bytes


class Tape:
    def __init__(self, capacity: int) -> None:
        shape = (HISTORY_TICKS, capacity, FRAME_SAMPLES)
        self._heard, self._said = (np.full(shape, ULAW_SILENCE, np.uint8) for _ in range(2))

    def reset(self, row: int) -> None:
        self._heard[:, row] = self._said[:, row] = ULAW_SILENCE

    def heard(self, tick: int, count: int) -> Bytes:
        """The contacts' frames of rows `0..count` at `tick`, to be written or read."""
        return self._heard[tick % HISTORY_TICKS, :count]

    def say(self, tick: int, count: int, frames: Bytes) -> None:
        self._said[tick % HISTORY_TICKS, :count] = frames

    def heard_between(self, row: int, first: int, last: int) -> bytes:
        """What a contact said from tick `first` until before `last`."""
        frames: Bytes = self._heard[np.arange(first, last) % HISTORY_TICKS, row]
        return frames.tobytes()

    def blocks(self, rows: RowBook, count: int, tick: int) -> list[RecordingBlock]:
        """A second of every row whose turn it is in this tick."""
        found = []
        for number in range(tick % BLOCK_TICKS, count, BLOCK_TICKS):
            if rows.is_open(number) and (row := rows.at(number)).writes_file:
                found.append(self.block(row, tick))
        return found

    def block(self, row: Row, tick: int) -> RecordingBlock:
        """What is not in the row's file yet."""
        first, last = row.written_until, tick
        slots = np.arange(first, last) % HISTORY_TICKS
        stereo = np.empty(((last - first) * FRAME_SAMPLES, CHANNELS), np.uint8)
        data = interleave(self._heard[slots, row.number], self._said[slots, row.number], stereo)
        row.written_until = last
        start, end = ((tick - row.zero_tick) * FRAME_SAMPLES for tick in (first, last))
        return RecordingBlock(row.line_id, len(wav_header(0)) + start * CHANNELS, data, wav_header(end))
