"""Sound of any rate that comes in pieces, to 8 kHz, as if it had come whole.

The filter's memory goes from piece to piece: there is no click at a border. Knows samples only.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from byourside_server.providers.telephone_band import LINE_RATE_HZ, Samples, block_filter


class StreamResampler:
    """`telephone_band.resample` in pieces: what `push` and `finish` return, joined, is what it returns.

    The filter looks 24 samples of the slower rate ahead: 3 ms at 8 kHz.
    """

    def __init__(self, from_hz: int, to_hz: int = LINE_RATE_HZ) -> None:
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self._block = block_filter(self._up, self._down)
        self._ahead = (len(self._block) - self._down) // 2
        self._waiting = np.zeros(self._ahead, np.float32)
        self._received = 0
        self._returned = 0

    def push(self, samples: Samples) -> Samples:
        """As much of the result as these samples complete."""
        self._received += len(samples)
        if self._up == self._down:
            return samples.astype(np.float32)
        return self._filter(np.concatenate([self._waiting, samples.astype(np.float32)]))

    def finish(self) -> Samples:
        """The rest: the last samples, followed by silence."""
        if self._up == self._down:
            return np.zeros(0, np.float32)
        missing = -(-self._received * self._up // self._down) - self._returned
        silence = np.zeros(self._ahead + self._down, np.float32)
        return self._filter(np.concatenate([self._waiting, silence]))[:missing]

    def _filter(self, samples: Samples) -> Samples:
        blocks = max(0, (len(samples) - len(self._block)) // self._down + 1)
        self._waiting = samples[blocks * self._down :]
        if blocks == 0:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(samples, len(self._block))
        result = (windows[:: self._down][:blocks] @ self._block).reshape(-1)
        self._returned += len(result)
        return np.asarray(result, np.float32)
