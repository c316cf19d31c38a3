"""Work that not every row needs in every tick: blocks of 32 rows take turns.

Blocks, so that a few calls are done together, in few ticks and few steps, and many calls still evenly.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 32


class Shifts:
    """Every row has its turn once in `every` ticks."""

    def __init__(self, every: int, *, in_step: bool = False) -> None:
        """`in_step`: all in the same tick."""
        self.every = every
        self._in_step = in_step
        self._count = -1
        self._rows: list[NDArray[np.intp]] = []

    def rows(self, count: int, tick: int) -> NDArray[np.intp]:
        """Those of rows `0..count` whose turn it is, in order."""
        if count != self._count:
            every_row = np.arange(count)
            turn = every_row // (count + 1 if self._in_step else BLOCK_ROWS) % self.every
            self._rows = [np.flatnonzero(turn == each) for each in range(self.every)]
            self._count = count
        return self._rows[tick % self.every]
