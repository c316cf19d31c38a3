"""Packets that come early, late, twice or never, as one 20 ms frame per row and tick.

Knows sequence numbers, RTP timestamps and 160-byte frames of all rows at once.
Does not know sockets, codecs or what the frames say.

Each row owns 16 slots of one ring, found by sequence number modulo 16. Playing starts one tick after the
first packet; a frame that is not there yet is waited for (the delay grows by a frame) until two later ones
have come, then it counts as lost. A backlog of more than four frames is shortened by one a tick.
"""

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.g711 import ULAW_SILENCE, Bytes
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS

Rows = NDArray[np.intp]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SLOTS = 16
HOLD_TICKS = 1
"""Ticks between the first packet and the first frame played: absorbs the phase between both clocks."""
LOST_AFTER_LATER_PACKETS = 2
LONGEST_BACKLOG = 4
RESTART_JUMP = 100
"""A step this far either way is a new stream, not a reordered packet (RFC 3550 A.1, MAX_MISORDER)."""
_NOTHING = -1


class JitterRing:
    def __init__(self, capacity: int) -> None:
        self._frames = np.full((capacity * SLOTS, FRAME_SAMPLES), ULAW_SILENCE, np.uint8)
        self._sequence = np.full(capacity * SLOTS, _NOTHING, np.int32)
        self._first_slot = np.arange(capacity, dtype=np.int64) * SLOTS
        self._next = np.zeros(capacity, np.int32)
        self._highest = np.zeros(capacity, np.int32)
        self._hold = np.zeros(capacity, np.int8)
        self._ssrc = np.zeros(capacity, np.uint32)
        self.started = np.zeros(capacity, np.bool_)
        self.received, self.lost, self.late = (np.zeros(capacity, np.int64) for _ in range(3))
        self.duplicate, self.skipped = (np.zeros(capacity, np.int64) for _ in range(2))
        self._jitter = np.zeros(capacity, np.float64)
        self._last_transit = np.zeros(capacity, np.int64)

    def reset(self, row: int) -> None:
        """Forget everything about a row, sound included."""
        self._slots(row)[:] = _NOTHING
        self._frames[row * SLOTS : (row + 1) * SLOTS] = ULAW_SILENCE
        self._next[row] = self._highest[row] = self._hold[row] = self._ssrc[row] = 0
        self.started[row] = False
        self.received[row] = self.lost[row] = self.late[row] = self.duplicate[row] = self.skipped[row] = 0
        self._jitter[row] = self._last_transit[row] = 0

    def place(
        self, rows: Rows, sequence: Ints, timestamp: Ints, ssrc: Ints, frames: Bytes, tick: int
    ) -> None:
        """Store one packet of each row; a row may appear only once per call.

        `sequence` is the 16-bit number of the header; rows unwrap it against the highest they have seen.
        """
        reference = self._highest[rows].astype(np.int64)
        unwrapped = reference + ((sequence - reference + 32768) & 0xFFFF) - 32768
        jumped = abs(unwrapped - reference) >= RESTART_JUMP
        fresh = ~self.started[rows] | (self._ssrc[rows] != ssrc) | jumped
        if fresh.any():
            self._restart(rows[fresh], sequence[fresh], ssrc[fresh], tick * FRAME_SAMPLES - timestamp[fresh])
            unwrapped = np.where(fresh, sequence, unwrapped)
        self._measure_jitter(rows, tick * FRAME_SAMPLES - timestamp)
        late = unwrapped < self._next[rows]
        if late.any():
            self.late[rows[late]] += 1
            rows, unwrapped, frames = rows[~late], unwrapped[~late], frames[~late]
        beyond = unwrapped - self._next[rows] >= SLOTS
        if beyond.any():
            self._leap(rows[beyond], unwrapped[beyond])
        slot = self._first_slot[rows] + (unwrapped & (SLOTS - 1))
        again = self._sequence[slot] == unwrapped
        if again.any():
            self.duplicate[rows[again]] += 1
        self.received[rows] += ~again
        self._frames[slot] = frames
        self._sequence[slot] = unwrapped
        self._highest[rows] = np.maximum(self._highest[rows], unwrapped)

    def take(self, count: int, frames: Bytes) -> None:
        """Write the next frame of rows `0..count` into `frames [count, 160]`, silence where there is none."""
        due, started = self._next[:count], self.started[:count]
        slot = self._first_slot[:count] + (due & (SLOTS - 1))
        ready = started & (self._hold[:count] == 0)
        have = ready & (self._sequence[slot] == due)
        backlog = self._highest[:count] - due
        given_up = ready & ~have & (backlog >= LOST_AFTER_LATER_PACKETS)
        np.take(self._frames, slot, axis=0, out=frames, mode="clip")
        if not have.all():
            frames[~have] = ULAW_SILENCE
            held = started & ~ready
            self._hold[:count][held] -= 1
        self.lost[:count] += given_up
        due += have | given_up
        skip = ready & (self._highest[:count] - due > LONGEST_BACKLOG)
        if skip.any():
            self._skip_one(np.flatnonzero(skip))

    def jitter_ms(self, row: int) -> float:
        """Interarrival jitter, RFC 3550 §6.4.1."""
        return float(self._jitter[row]) / SAMPLES_PER_MS

    def _slots(self, row: int) -> NDArray[np.int32]:
        return self._sequence[row * SLOTS : (row + 1) * SLOTS]

    def _restart(self, rows: Rows, sequence: Ints, ssrc: Ints, transit: Ints) -> None:
        self._sequence.reshape(-1, SLOTS)[rows] = _NOTHING
        self._next[rows] = sequence
        self._highest[rows] = sequence
        self._hold[rows] = HOLD_TICKS
        self._ssrc[rows] = ssrc
        self._last_transit[rows] = transit
        self.started[rows] = True

    def _measure_jitter(self, rows: Rows, transit: Ints) -> None:
        """RFC 3550 A.8; the divisor 16 is the RFC's. Timestamps wrap at 2^32."""
        difference = ((transit - self._last_transit[rows] + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        self._last_transit[rows] = transit
        self._jitter[rows] += (abs(difference) - self._jitter[rows]) / 16

    def _leap(self, rows: Rows, sequence: Ints) -> None:
        """A packet beyond the ring: go on at two frames before it, and count what was left behind."""
        for row, number in zip(rows.tolist(), sequence.tolist(), strict=True):
            target, due = number - LOST_AFTER_LATER_PACKETS, int(self._next[row])
            slots = self._slots(row)
            waiting = int(((slots >= due) & (slots < target)).sum())
            self.skipped[row] += waiting
            self.lost[row] += target - due - waiting
            self._next[row] = target

    def _skip_one(self, rows: Rows) -> None:
        due = self._next[rows]
        present = self._sequence[self._first_slot[rows] + (due & (SLOTS - 1))] == due
        self.skipped[rows] += present
        self.lost[rows] += ~present
        self._next[rows] = due + 1
