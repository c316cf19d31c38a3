"""The last third of a second of every row as floats: one sliding window shared by all.

Knows samples and positions. Does not know what listens to them.
"""

import numpy as np

from byourside_server.media.g711 import Bytes, Floats, decode_into
from byourside_server.media.rtp import FRAME_SAMPLES
from byourside_server.media.shifts import BLOCK_ROWS

KEPT_SAMPLES = 1024
"""What stays when the window is moved back: the longest look-back anyone asks for."""
SHIFTS = 8
_ROUND_ROWS = SHIFTS * BLOCK_ROWS
_ROOM = 16 * FRAME_SAMPLES
"""The window moves back once in 16 ticks, so that the copying is paid rarely."""


class SoundWindow:
    def __init__(self, capacity: int) -> None:
        # Whole rounds of blocks, so that the rows of one shift are a view; what nobody uses takes no memory.
        rounds = -(-capacity // _ROUND_ROWS)
        self._sound = np.zeros((rounds * _ROUND_ROWS, KEPT_SAMPLES + _ROOM), np.float32)
        self.frame = np.zeros((capacity, FRAME_SAMPLES), np.float32)
        """The newest frame alone, contiguous."""
        self._end = KEPT_SAMPLES

    def reset(self, row: int) -> None:
        self._sound[row] = 0
        self.frame[row] = 0

    def append(self, count: int, ulaw: Bytes) -> None:
        """Decode and append one frame of rows `0..count`."""
        if self._end + FRAME_SAMPLES > self._sound.shape[1]:
            self._move_back(count)
        newest = self.frame[:count]
        decode_into(ulaw, newest)
        self._sound[:count, self._end : self._end + FRAME_SAMPLES] = newest
        self._end += FRAME_SAMPLES

    def _move_back(self, count: int) -> None:
        """Block by block: numpy copies aside what it moves within an array. Rows not in use are silent."""
        for row in range(0, count, BLOCK_ROWS):
            block = self._sound[row : row + BLOCK_ROWS]
            block[:, :KEPT_SAMPLES] = block[:, self._end - KEPT_SAMPLES : self._end]
        self._end = KEPT_SAMPLES

    def shift_ending(self, shift: int, samples_ago: int, length: int, rows: int) -> Floats:
        """As `ending`, of the first `rows` rows of one shift of `SHIFTS`: view `[rounds, 32, length]`."""
        rounds = -(-rows // BLOCK_ROWS)
        view = self.ending(samples_ago, length).reshape(-1, SHIFTS, BLOCK_ROWS, length)
        return view[:rounds, shift]

    def ending(self, samples_ago: int, length: int) -> Floats:
        """View of all rows: `length` samples that end `samples_ago` before the newest."""
        end = self._end - samples_ago
        return self._sound[:, end - length : end]
