"""How long a row's sound must be held back so that few of its packets come too late.

Knows how much later each packet was than the quickest of the last seconds. Does not know frames or rings.
Delays are counted in ticks, since packets are looked for once a tick: a histogram a row, of which the
older half weighs less every five seconds. The delay wanted is what all but one packet in fifty kept to.
"""

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.rtp import FRAME_SAMPLES
from byourside_server.media.shifts import Shifts

LONGEST_TICKS = 13
"""A quarter of a second, and less than the ring holds."""
SHORTEST_TICKS = 1
"""One tick between a packet and its playing: absorbs the phase between both clocks."""
LATE_SHARE = 0.02
LOOK_EVERY_TICKS = 8
FORGET_EVERY_TICKS = 256
_BINS = 16
_FAR = 1 << 30


class Delays:
    def __init__(self, capacity: int) -> None:
        self.wanted = np.full(capacity, SHORTEST_TICKS, np.int64)
        self._counts = np.zeros((capacity, _BINS), np.float32)
        self._every_bin = self._counts.reshape(-1)
        self._numbers = np.arange(capacity)
        self._bin = np.arange(capacity, dtype=np.int64) * _BINS
        self._shifts = Shifts(LOOK_EVERY_TICKS)
        self._transit = np.zeros(capacity, np.int64)
        """Of the last packet, relative to the first of its stream."""
        self._quickest = np.full(capacity, _FAR, np.int64)
        self._quickest_before = np.full(capacity, _FAR, np.int64)
        """Smallest transit of this span of five seconds, and of the one before."""

    def reset(self, row: int) -> None:
        self.wanted[row] = SHORTEST_TICKS
        self._counts[row] = 0
        self.restart(np.array([row]))

    def restart(self, rows: NDArray[np.intp]) -> None:
        """Another stream, another clock; what is known of the network stays."""
        self._transit[rows] = 0
        self._quickest[rows] = self._quickest_before[rows] = _FAR

    def note(self, rows: NDArray[np.intp] | slice, change: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take in one packet of each row by how its transit changed (timestamp units); its delay in ticks.

        A packet far behind all others is no measure of the network: the far side's clock has made a step.
        """
        transit = self._transit[rows] + change
        self._transit[rows] = transit
        quickest = np.minimum(self._quickest[rows], transit)
        self._quickest[rows] = quickest
        late: NDArray[np.int64] = transit - np.minimum(quickest, self._quickest_before[rows])
        late //= FRAME_SAMPLES
        far = late >= _BINS
        if np.count_nonzero(far):
            stepped = self._numbers[rows][far]
            self._quickest[stepped] = self._quickest_before[stepped] = transit[far]
            late[far] = 0
        self._every_bin[self._bin[rows] + late] += 1
        return late

    def look(self, count: int, tick: int) -> None:
        """Once a tick: an eighth of the rows `0..count` think again about what they want."""
        mine = self._shifts.rows(count, tick)
        if not len(mine):
            return
        counts = self._counts[mine]
        up_to = np.cumsum(counts, axis=1)
        enough = up_to >= (1 - LATE_SHARE) * up_to[:, -1:]
        self.wanted[mine] = np.clip(enough.argmax(axis=1), SHORTEST_TICKS, LONGEST_TICKS)
        if tick % FORGET_EVERY_TICKS < LOOK_EVERY_TICKS:
            self._counts[mine] = counts * 0.5
            self._quickest_before[mine] = self._quickest[mine]
            self._quickest[mine] = _FAR
