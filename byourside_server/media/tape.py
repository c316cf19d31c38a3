"""The last second of both sides of every row: what recordings and turns are cut from.

Knows frames by tick and row. Does not know files or events; what is older is overwritten.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import ULAW_SILENCE, Bytes
from byourside_server.media.recording import CHANNELS, HEADER_BYTES, interleave, wav_header
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

    def collect(self, rows: list[Row], numbers: NDArray[np.intp], first: int, last: int) -> None:
        """Add to the speech of those rows that lack just the ticks `first..last`."""
        slots = np.arange(first, last)[None, :] % HISTORY_TICKS
        sounds, length = self._heard[slots, numbers[:, None]].tobytes(), (last - first) * FRAME_SAMPLES
        for at, row in enumerate(rows):
            if row.speech_until == first:
                row.speech += sounds[at * length : (at + 1) * length]
                row.speech_until = last

    def blocks(self, rows: RowBook, count: int, tick: int) -> list[RecordingBlock]:
        """A second of every row whose turn it is in this tick."""
        numbers = range(tick % BLOCK_TICKS, count, BLOCK_TICKS)
        due = [
            row
            for number in numbers
            if rows.is_open(number) and (row := rows.at(number)).writes_file
        ]
        usual = [row for row in due if row.written_until == tick - BLOCK_TICKS]
        found = [self.block(row, tick) for row in due if row not in usual] if len(usual) < len(due) else []
        if usual:
            found += self._second_of(usual, tick)
        return found

    def _second_of(self, usual: list[Row], tick: int) -> list[RecordingBlock]:
        """The same of many rows together: rows in whose file nothing but the last second is missing."""
        slots = np.arange(tick - BLOCK_TICKS, tick)[None, :] % HISTORY_TICKS
        numbers = np.array([[row.number] for row in usual])
        stereo = interleave(self._heard[slots, numbers], self._said[slots, numbers])
        return [self._block(row, tick, data) for row, data in zip(usual, stereo, strict=True)]

    def block(self, row: Row, tick: int) -> RecordingBlock:
        """What is not in the row's file yet."""
        slots = np.arange(row.written_until, tick) % HISTORY_TICKS
        contact, agent = self._heard[slots, row.number], self._said[slots, row.number]
        return self._block(row, tick, interleave(contact, agent))

    @staticmethod
    def _block(row: Row, tick: int, stereo: Bytes) -> RecordingBlock:
        start, end = ((each - row.zero_tick) * FRAME_SAMPLES for each in (row.written_until, tick))
        row.written_until = tick
        offset = HEADER_BYTES + start * CHANNELS
        return RecordingBlock(row.line_id, offset, stereo.reshape(-1).data, wav_header(end))
