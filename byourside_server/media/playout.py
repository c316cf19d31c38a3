"""What every row will say, and when: a calendar of frames.

`calendar[tick % length]` holds the frames of all rows for one tick, so sending reads one contiguous slice
and silencing a row is one assignment. Clips longer than the calendar wait beside it as bytes and are
written in as it advances. Knows clips and ticks; does not know packets or why a clip is stopped.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from byourside_server.media.g711 import ULAW_SILENCE, Bytes
from byourside_server.media.jitter import Mask, Rows
from byourside_server.media.rtp import FRAME_SAMPLES

CALENDAR_TICKS = 128
"""2.56 s, 20 KB a row."""
REFILL_EVERY_TICKS = 16


@dataclass
class Clip:
    row: int
    clip_id: int
    last: bool
    waiting: bytearray = field(default_factory=bytearray)
    pieces: list[tuple[int, int]] = field(default_factory=list)
    """(first tick, samples) of what stands in the calendar."""
    end_noted: bool = False
    over: bool = False

    def end_sample(self) -> int:
        """Position just behind the last sample in the calendar."""
        tick, samples = self.pieces[-1]
        return tick * FRAME_SAMPLES + samples

    def samples_before(self, tick: int) -> int:
        return sum(min(samples, max(0, (tick - start) * FRAME_SAMPLES)) for start, samples in self.pieces)

    def is_scheduled(self) -> bool:
        return self.last and not self.waiting


class Playout:
    def __init__(self, capacity: int) -> None:
        self.tick = 0
        """The next tick to be sent."""
        self._calendar = np.full((CALENDAR_TICKS, capacity, FRAME_SAMPLES), ULAW_SILENCE, np.uint8)
        self.busy_until = np.zeros(capacity, np.int64)
        """First tick with nothing to say."""
        self._unfinished = np.zeros(capacity, np.bool_)
        """Rows whose newest clip waits for further pieces."""
        self._cut: dict[int, int] = {}
        """Row → clip that was cut unfinished: its pieces still under way are not wanted."""
        self._sending = np.zeros(capacity, np.bool_)
        self._held = np.zeros(capacity, np.bool_)
        self._clips: list[deque[Clip]] = [deque() for _ in range(capacity)]
        self._backlog: set[int] = set()
        self._starts: dict[int, list[Clip]] = {}
        self._ends: dict[int, list[Clip]] = {}

    def reset(self, row: int) -> None:
        self.clear(row)
        self._sending[row] = False
        self._cut.pop(row, None)

    def is_talking(self, rows: Rows) -> Mask:
        """Which of `rows` have a clip under way, also one that has run dry and waits for its next piece."""
        return (self.busy_until[rows] > self.tick) | self._unfinished[rows] | self._held[rows]

    def is_held(self, rows: Rows) -> Mask:
        """Which of `rows` have fallen silent in mid-clip and may go on."""
        return self._held[rows]

    def begin(self, row: int) -> None:
        """From now on the row's time runs: what was queued before starts at the next tick."""
        self._sending[row] = True
        self._fill(row)

    def play(self, row: int, clip_id: int, ulaw: bytes, *, last: bool) -> Clip | None:
        """Queue a clip, or the next piece of the clip queued last; returns it where it is over already.

        That happens when the closing piece is empty and everything before it has been sent. Pieces of a
        clip that was cleared away are dropped: they were sent before the owner knew.
        """
        if self._cut.get(row) == clip_id:
            return None
        self._cut.pop(row, None)
        self._unfinished[row] = not last
        clips = self._clips[row]
        clip = clips[-1] if clips else None
        if clip is None or clip.clip_id != clip_id or clip.last:
            if clip is not None and not clip.last:
                self._seal(clip)
            clip = Clip(row, clip_id, last)
            clips.append(clip)
        clip.waiting += ulaw
        clip.last = last
        self._fill(row)
        if not clip.is_scheduled():
            return None
        if not clip.pieces or clip.end_sample() <= self.tick * FRAME_SAMPLES:
            self._finish(clip)
            return clip
        self._note_end(clip)
        return None

    def clear(self, row: int) -> list[Clip]:
        """Silence a row at once; returns the clips that did not end."""
        stopped = list(self._clips[row])
        for clip in stopped:
            clip.over = True
            if not clip.last:
                self._cut[row] = clip.clip_id
        self._clips[row].clear()
        self._unfinished[row] = self._held[row] = False
        self._backlog.discard(row)
        self._calendar[:, row] = ULAW_SILENCE
        self.busy_until[row] = self.tick
        return stopped

    def hold(self, rows: Rows) -> None:
        """Silence these at once, and keep what was still to be said for `release`."""
        for row in rows.tolist():
            self._held[row] = True
            for clip in self._clips[row]:
                self._take_back(clip)
            self._calendar[:, row] = ULAW_SILENCE
            self.busy_until[row] = self.tick

    def release(self, rows: Rows) -> None:
        """Go on where `hold` stopped, to the sample."""
        for row in rows.tolist():
            self._held[row] = False
            self._fill(row)

    def _take_back(self, clip: Clip) -> None:
        """What of the clip stands in the calendar and has not been sent waits again."""
        unsent, sent = bytearray(), []
        for start, samples in clip.pieces:
            done = min(samples, max(0, self.tick - start) * FRAME_SAMPLES)
            slots = np.arange(start + done // FRAME_SAMPLES, start - -samples // FRAME_SAMPLES)
            unsent += self._calendar[slots % CALENDAR_TICKS, clip.row].tobytes()[: samples - done]
            if done:
                sent.append((start, done))
        if not unsent:
            return
        if not sent:
            self._starts[clip.pieces[0][0]].remove(clip)
        clip.waiting[:0] = unsent
        clip.pieces, clip.end_noted = sent, False
        for ending in self._ends.values():
            if clip in ending:
                ending.remove(clip)

    def frames(self, count: int) -> Bytes:
        """The frames of the next tick for rows `0..count`: a view, valid until `advance`."""
        return self._calendar[self.tick % CALENDAR_TICKS, :count]

    def starting(self) -> list[Clip]:
        """Clips whose first frame is in the next tick."""
        return [clip for clip in self._starts.get(self.tick, ()) if not clip.over]

    def advance(self, count: int) -> list[Clip]:
        """The frames are sent: go to the next tick and return the clips that ended with them."""
        self.frames(count)[:] = ULAW_SILENCE
        self._starts.pop(self.tick, None)
        ended = [clip for clip in self._ends.pop(self.tick, ()) if not clip.over]
        self.tick += 1
        for clip in ended:
            self._finish(clip)
        if self._backlog and self.tick % REFILL_EVERY_TICKS == 0:
            for row in list(self._backlog):
                self._fill(row)
        return ended

    def _finish(self, clip: Clip) -> None:
        clip.over = True
        clips = self._clips[clip.row]
        if clip in clips:
            clips.remove(clip)

    def _seal(self, clip: Clip) -> None:
        """Another clip follows: this one gets no more pieces."""
        clip.last = True
        if not clip.waiting:
            self._note_end(clip)

    def _note_end(self, clip: Clip) -> None:
        if clip.end_noted:
            return
        clip.end_noted = True
        last_frame = (clip.end_sample() - 1) // FRAME_SAMPLES if clip.pieces else self.tick
        self._ends.setdefault(max(last_frame, self.tick), []).append(clip)

    def _fill(self, row: int) -> None:
        """Move waiting sound into the calendar as far as it reaches."""
        if not self._sending[row] or self._held[row]:
            return
        for clip in self._unscheduled(row):
            self._schedule(clip)
            if clip.waiting or not clip.last:
                break
        if any(clip.waiting for clip in self._clips[row]):
            self._backlog.add(row)
        else:
            self._backlog.discard(row)

    def _unscheduled(self, row: int) -> Iterable[Clip]:
        return [clip for clip in self._clips[row] if clip.waiting or not clip.last]

    def _schedule(self, clip: Clip) -> None:
        row = clip.row
        start = max(int(self.busy_until[row]), self.tick)
        room = (self.tick + CALENDAR_TICKS - start) * FRAME_SAMPLES
        # A part of a frame is held back until the clip's next piece completes it.
        usable = len(clip.waiting) if clip.last else len(clip.waiting) // FRAME_SAMPLES * FRAME_SAMPLES
        samples = min(room, usable)
        if samples <= 0:
            return
        sound = clip.waiting[:samples]
        del clip.waiting[:samples]
        sound += bytes([ULAW_SILENCE]) * (-samples % FRAME_SAMPLES)
        frames = np.frombuffer(bytes(sound), np.uint8).reshape(-1, FRAME_SAMPLES)
        slot, split = start % CALENDAR_TICKS, CALENDAR_TICKS - start % CALENDAR_TICKS
        self._calendar[slot : slot + len(frames), row] = frames[:split]
        if len(frames) > split:
            self._calendar[: len(frames) - split, row] = frames[split:]
        if not clip.pieces:
            self._starts.setdefault(start, []).append(clip)
        clip.pieces.append((start, samples))
        self.busy_until[row] = start + len(frames)
        if clip.is_scheduled():
            self._note_end(clip)
