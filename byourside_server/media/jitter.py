"""Packets that come early, late, twice or never, as one 20 ms frame per row and tick.

Knows sequence numbers, RTP timestamps and 160-byte frames of all rows at once.
Does not know sockets, codecs or what the frames say.

Each row owns 16 slots of one ring, found by sequence number modulo 16. `_head` is the frame that a packet
without any delay would bring in this tick; the distance from there to the frame played is the buffer's delay,
and `delay` how long it should be (`Delays`). A frame that is not there when its time has come is lost; before
that it is waited for, which makes the delay longer. A delay that has become too long is shortened by leaving
out a quiet frame, or any where it is far too long.
"""

import numpy as np
from numpy.typing import NDArray

from byourside_server.media.delays import Delays
from byourside_server.media.g711 import ULAW_SILENCE, Bytes
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS

Rows = NDArray[np.intp]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Where = NDArray[np.intp] | slice
"""Rows, as a slice where they are one: views are cheaper than copies."""

SLOTS = 16
BEHIND_A_LEAP = 2
FAR_TOO_LONG = 4
"""Frames of delay above what it should be: shortened at once, speech or not."""
PATIENCE_TICKS = 100
QUIET_FROM = 0x60
"""µ-law bytes with the sign bit off are quieter the higher they are: from here on, peaks below -39 dBFS."""
RESTART_JUMP = 100
"""A step this far either way is a new stream, not a reordered packet (RFC 3550 A.1, MAX_MISORDER)."""
MOST_MISSING = 5
"""Longer gaps are not counted on, nor concealed."""
AFRESH_AFTER = 3
"""Frames in a row that were not there: what comes then is buffered as in the beginning."""
_NOTHING = -1


class JitterRing:
    def __init__(self, capacity: int) -> None:
        self._frames = np.full((capacity * SLOTS, FRAME_SAMPLES), ULAW_SILENCE, np.uint8)
        self._sequence = np.full(capacity * SLOTS, _NOTHING, np.int64)
        self._numbers = np.arange(capacity)
        self._first_slot = np.arange(capacity, dtype=np.int64) * SLOTS
        self._next = np.zeros(capacity, np.int64)
        self._highest = np.zeros(capacity, np.int64)
        self._head = np.zeros(capacity, np.int64)
        self._afresh = np.zeros(capacity, np.bool_)
        """Rows whose next frame waits until the delay is what it should be."""
        self._ssrc = np.zeros(capacity, np.int64)
        self.started = np.zeros(capacity, np.bool_)
        self.delays = Delays(capacity)
        self.received, self.lost, self.late = (np.zeros(capacity, np.int64) for _ in range(3))
        self.duplicate, self.skipped = (np.zeros(capacity, np.int64) for _ in range(2))
        self._jitter = np.zeros(capacity, np.float64)
        self._last_transit = np.zeros(capacity, np.int64)
        self._first = np.zeros(capacity, np.int32)
        self._before_stream = np.zeros(capacity, np.int64)
        """Packets that came in before the present stream began."""
        self.missing = np.zeros(capacity, np.int16)
        """Frames in a row that were not there to be played."""
        self._patience = np.zeros(capacity, np.int16)
        """Ticks that a row's delay has been too long."""
        self._tick = 0

    def reset(self, row: int) -> None:
        """Forget everything about a row, sound included."""
        self._slots(row)[:] = _NOTHING
        self._frames[row * SLOTS : (row + 1) * SLOTS] = ULAW_SILENCE
        self._next[row] = self._highest[row] = self._head[row] = self._ssrc[row] = self._first[row] = 0
        self.started[row] = self._afresh[row] = False
        self.received[row] = self.lost[row] = self.late[row] = self.duplicate[row] = self.skipped[row] = 0
        self._jitter[row] = self._last_transit[row] = self._before_stream[row] = 0
        self.missing[row] = self._patience[row] = 0
        self.delays.reset(row)

    def place(
        self, rows: Rows, sequence: Ints, timestamp: Ints, ssrc: Ints, frames: Bytes, tick: int
    ) -> None:
        """Store one packet of each row; a row may appear only once per call.

        `sequence` is the 16-bit number of the header; rows unwrap it against the highest they have seen.
        """
        # What holds for all or none is counted: `any` and `all` take six times as long where rows are few.
        whole = not np.count_nonzero(rows != self._numbers[: len(rows)])
        where: Where = slice(0, len(rows)) if whole else rows
        reference = self._highest[where]
        step = ((sequence - reference + 32768) & 0xFFFF) - 32768
        unwrapped = reference + step
        fresh = (abs(step) >= RESTART_JUMP) | (self._ssrc[where] != ssrc) | ~self.started[where]
        transit = tick * FRAME_SAMPLES - timestamp
        if np.count_nonzero(fresh):
            self._restart(rows[fresh], sequence[fresh], ssrc[fresh], transit[fresh])
            unwrapped = np.where(fresh, sequence, unwrapped)
        self._head[where] = unwrapped + self.delays.note(where, self._measure_jitter(where, transit))
        ahead = unwrapped - self._next[where]
        # As numbers without a sign, those behind are far ahead too.
        if np.count_nonzero(ahead.view(np.uint64) >= SLOTS):
            late = ahead < 0
            self.late[rows[late]] += 1
            rows, unwrapped, frames, ahead = rows[~late], unwrapped[~late], frames[~late], ahead[~late]
            where = rows
            beyond = ahead >= SLOTS
            if np.count_nonzero(beyond):
                self._leap(rows[beyond], unwrapped[beyond])
        slot = self._first_slot[where] + (unwrapped & (SLOTS - 1))
        again = self._sequence[slot] == unwrapped
        if np.count_nonzero(again):
            self.duplicate[rows[again]] += 1
            self.received[rows[~again]] += 1
        else:
            self.received[where] += 1
        self._frames[slot] = frames
        self._sequence[slot] = unwrapped
        self._highest[where] = np.maximum(self._highest[where], unwrapped)

    def take(self, count: int, frames: Bytes) -> Rows:
        """Write the next frame of rows `0..count` into `frames [count, 160]`, silence where there is none.

        Returns the rows that have a gap to be concealed, or have just come out of one.
        """
        due, missing = self._next[:count], self.missing[:count]
        slot = self._first_slot[:count] + (due & (SLOTS - 1))
        delay = self._head[:count] - due
        wanted = self.delays.wanted[:count]
        ready = self.started[:count] & (~self._afresh[:count] | (delay >= wanted))
        have = ready & (self._sequence[slot] == due)
        np.take(self._frames, slot, axis=0, out=frames, mode="clip")
        self._head[:count] += 1
        self.delays.look(count, self._tick)
        self._tick += 1
        concerned = _NOBODY
        if np.count_nonzero(have) == count:
            due += 1
            if np.count_nonzero(missing):
                concerned = np.flatnonzero(missing)
                missing[:] = 0
        else:
            concerned = self._fill_gaps(count, frames, ready, have, delay >= wanted)
        too_long = have & (delay > wanted)
        if np.count_nonzero(too_long):
            self._shorten(np.flatnonzero(too_long), (delay - wanted)[too_long])
        return concerned

    def jitter_ms(self, row: int) -> float:
        """Interarrival jitter, RFC 3550 §6.4.1."""
        return float(self._jitter[row]) / SAMPLES_PER_MS

    def expected_timestamp(self, row: int, tick: int) -> int:
        """The timestamp of a packet that came in this tick without jitter."""
        return int(tick * FRAME_SAMPLES - self._last_transit[row])

    def source(self, row: int) -> int:
        return int(self._ssrc[row])

    def extended_highest(self, row: int) -> int:
        return int(self._highest[row]) & 0xFFFFFFFF

    def expected_and_received(self, row: int) -> tuple[int, int]:
        """Packets of the present stream, late and duplicate ones included (RFC 3550 A.3)."""
        came = int(self.received[row] + self.late[row] + self.duplicate[row] - self._before_stream[row])
        return int(self._highest[row] - self._first[row]) + 1, came

    def _slots(self, row: int) -> Ints:
        return self._sequence[row * SLOTS : (row + 1) * SLOTS]

    def _restart(self, rows: Rows, sequence: Ints, ssrc: Ints, transit: Ints) -> None:
        self._sequence.reshape(-1, SLOTS)[rows] = _NOTHING
        self._next[rows] = self._highest[rows] = self._first[rows] = sequence
        self._afresh[rows] = True
        self._ssrc[rows] = ssrc
        self._last_transit[rows] = transit
        self._before_stream[rows] = self.received[rows] + self.late[rows] + self.duplicate[rows]
        self.started[rows] = True
        self.delays.restart(rows)

    def _measure_jitter(self, rows: Where, transit: Ints) -> Ints:
        """RFC 3550 A.8, with its divisor 16; timestamps wrap at 2^32. Returns how the transit changed."""
        difference = ((transit - self._last_transit[rows] + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        self._last_transit[rows] = transit
        jitter = self._jitter[rows]
        self._jitter[rows] = jitter + (abs(difference) - jitter) / 16
        return difference

    def _fill_gaps(self, count: int, frames: Bytes, ready: Mask, have: Mask, in_time: Mask) -> Rows:
        """A frame not there is given up once its time and a later frame have come; until then waited for."""
        due, missing = self._next[:count], self.missing[:count]
        frames[~have] = ULAW_SILENCE
        gap = ready & ~have
        given_up = gap & in_time & (self._highest[:count] >= due)
        self.lost[:count] += given_up
        due += have | given_up
        self._afresh[:count] &= ~ready
        gone_quiet = gap & (missing >= AFRESH_AFTER) & (self._highest[:count] < due)
        self._afresh[:count] |= gone_quiet
        back = have & (missing > 0)
        missing[have] = 0
        missing += gap
        np.minimum(missing, MOST_MISSING, out=missing)
        concerned: Rows = np.flatnonzero(back | (gap & (missing < MOST_MISSING)))
        return concerned

    def _leap(self, rows: Rows, sequence: Ints) -> None:
        """A packet beyond the ring: go on at two frames before it, and count what was left behind."""
        for row, number in zip(rows.tolist(), sequence.tolist(), strict=True):
            target, due = number - BEHIND_A_LEAP, int(self._next[row])
            slots = self._slots(row)
            waiting = int(((slots >= due) & (slots < target)).sum())
            self.skipped[row] += waiting
            self.lost[row] += target - due - waiting
            self._next[row] = target

    def _shorten(self, rows: Rows, excess: Ints) -> None:
        """Leave out the next frame where it is quiet, or the delay far too long or too long for 2 s."""
        self._patience[rows] += 1
        due = self._next[rows]
        slot = self._first_slot[rows] + (due & (SLOTS - 1))
        present = self._sequence[slot] == due
        quiet = (self._frames[slot] & 0x7F).min(axis=1) >= QUIET_FROM
        at_once = (excess > FAR_TOO_LONG) | (self._patience[rows] > PATIENCE_TICKS)
        skip = (self._highest[rows] > due) & (at_once | (present & quiet))
        rows, present = rows[skip], present[skip]
        self._patience[rows] = 0
        self.skipped[rows] += present
        self.lost[rows] += ~present
        self._next[rows] += 1


_NOBODY: Rows = np.zeros(0, np.intp)
