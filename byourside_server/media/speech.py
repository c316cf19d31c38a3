"""Who is speaking, on which row, since when: gate, network and turns as arrays.

Knows chunks of 32 ms and sample positions. Does not know packets, clips' contents or events.

A chunk below -50 dBFS is not speech and costs nothing (the gate is absolute: relative ones go deaf in
noise). Three chunks over the threshold begin a turn, six below it end one. The network's state is zeroed
after two seconds without speech: it misses 4-5 % of speech instead of 10-21 % (measured on clean to 5 dB
material; false alarms rise from 1 to 3-6 %, hence the threshold at the upper end).
"""

from dataclasses import dataclass

import numpy as np

from byourside_server.media.edges import NO_CHANGES, Changes, VoiceEdges
from byourside_server.media.g711 import Floats
from byourside_server.media.jitter import Ints, Mask, Rows
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS
from byourside_server.media.shifts import Shifts
from byourside_server.media.vad import CHUNK_SAMPLES, INPUT_SAMPLES, STATE, SpeechModel
from byourside_server.media.window import SHIFTS, SoundWindow

THRESHOLD = 0.5
STAY_THRESHOLD = 0.35
"""A turn under way goes on at less: silero's own rule, threshold - 0.15."""
CHUNK_MS = CHUNK_SAMPLES // SAMPLES_PER_MS
START_CHUNKS = 3
STOP_CHUNKS = 6
"""192 ms: the nearest whole number of chunks to 200 ms."""
FORGET_CHUNKS = 62
"""Two seconds."""
GATE_MEAN_SQUARE = 10 ** (-50 / 10)
GATE_HANG_CHUNKS = 4
"""Inside a turn the network also hears the first quiet chunks, so that a turn ends by its judgement."""

_PHASE_SAMPLES = CHUNK_SAMPLES // SHIFTS
_LARGEST_BATCH = 512


@dataclass(frozen=True)
class Heard:
    """Rows whose turn state changed in this tick."""

    started: Rows
    stopped: Rows
    interrupting: Rows
    edges: Changes


_NO_ROWS: Rows = np.zeros(0, np.intp)
_NOBODY = Heard(_NO_ROWS, _NO_ROWS, _NO_ROWS, NO_CHANGES)


class SpeechWatch:
    def __init__(self, capacity: int, *, in_step: bool = False) -> None:
        self._in_step = in_step
        self._model = SpeechModel(min(capacity, _LARGEST_BATCH))
        self._hidden = np.zeros((capacity, STATE), np.float32)
        self._cell = np.zeros((capacity, STATE), np.float32)
        self.probability = np.zeros(capacity, np.float32)
        self._run = np.zeros(capacity, np.int32)
        """Chunks of speech in a row."""
        self._quiet = np.zeros(capacity, np.int32)
        """Chunks without speech in a row."""
        self._overlap = np.zeros(capacity, np.int32)
        """Chunks of speech in this turn while a clip was playing."""
        self.speaking = np.zeros(capacity, np.bool_)
        self.onset = np.zeros(capacity, np.int64)
        """Sample position where the turn, or what may become one, began."""
        self.speech_end = np.zeros(capacity, np.int64)
        """Sample position behind the last chunk of speech."""
        self.interrupt_after = np.zeros(capacity, np.int32)
        """Chunks of speech that stop a clip; 0: never."""
        self.edges = VoiceEdges(capacity)
        self._chunks = np.zeros((capacity, INPUT_SAMPLES), np.float32)
        self._phases = Shifts(SHIFTS, in_step=in_step)

    def reset(self, row: int) -> None:
        for array in (self.probability, self._run, self._quiet, self._overlap, self.speaking, self.onset):
            array[row] = 0
        self.speech_end[row] = self.interrupt_after[row] = 0
        self._hidden[row] = self._cell[row] = 0
        self.edges.reset(row)

    def allow_interruption(self, row: int, enabled: bool, after_ms: int, hold_after_ms: int = 0) -> None:
        self.interrupt_after[row] = max(1, -(-after_ms // CHUNK_MS)) if enabled else 0
        self.edges.hold_after[row] = -(-hold_after_ms // CHUNK_MS) if enabled else 0

    def end_turn(self, row: int) -> None:
        """Cut a turn that grew too long; if the speaker goes on, the next one begins at once."""
        self.speaking[row] = False
        self._run[row] = 0

    def judge(self, count: int, tick: int, window: SoundWindow) -> Rows:
        """Run the network on the rows whose chunk ends within this tick's frame; returns those rows.

        Blocks of 32 rows share a phase: batches stay large with few calls and even with many. In step, all
        rows do: where a turn is cut does not depend on the row it is heard on.
        """
        rows, ends, energy, heard = self._gather(count, tick, window)
        if not len(rows):
            return rows
        self.probability[rows] = 0
        for start in range(0, len(heard), self._model.batch):
            self._ask(heard[start : start + self._model.batch], start)
        speech = self._count(rows, ends)
        self.edges.note(rows, ends, energy, speech, self.speaking[rows])
        return rows

    def turns(self, rows: Rows, playing: Mask, held: Mask) -> Heard:
        """Turn changes of the rows just judged; `playing` says which of them have a clip running, `held`
        which of those clips stand still."""
        if not len(rows):
            return _NOBODY
        speaking, run, quiet = self.speaking[rows], self._run[rows], self._quiet[rows]
        starts = ~speaking & (run >= START_CHUNKS)
        stops = speaking & (quiet >= STOP_CHUNKS)
        self.speaking[rows[starts]] = True
        self.speaking[rows[stops]] = False
        overlap = self._overlap[rows]
        overlap[playing & (run > 0)] += 1
        overlap[~playing | (~self.speaking[rows] & (run == 0))] = 0
        self._overlap[rows] = overlap
        needed = self.interrupt_after[rows]
        interrupts = self.speaking[rows] & (needed > 0) & (overlap >= needed)
        self.edges.begin_turn(rows[starts], self.speech_end[rows[starts]])
        self.edges.believe(rows[interrupts])
        edges = self.edges.changes(rows, speaking & ~stops, run, playing & ~interrupts, held & ~interrupts)
        if edges is NO_CHANGES and not (starts.any() or stops.any() or interrupts.any()):
            return _NOBODY
        return Heard(rows[starts], rows[stops], rows[interrupts], edges)

    def _gather(self, count: int, tick: int, window: SoundWindow) -> tuple[Rows, Ints, Floats, Rows]:
        """Rows whose chunk ends in this tick, position behind and energy of each; of them, those to be heard.

        The chunks of the latter are copied into scratch space, in their order.
        """
        position = (tick + 1) * FRAME_SAMPLES
        parts: list[Rows] = []
        ends: list[Ints] = []
        energies: list[Floats] = []
        heard: list[Rows] = []
        filled = 0
        for phase in range(SHIFTS):
            beyond = (position + _PHASE_SAMPLES * phase) % CHUNK_SAMPLES
            rows = self._phases.rows(count, phase)
            if beyond >= FRAME_SAMPLES or not len(rows):
                continue
            if self._in_step:
                new = window.ending(beyond, CHUNK_SAMPLES)[None, :count]
            else:
                new = window.shift_ending(phase, beyond, CHUNK_SAMPLES, len(rows))
            energy = np.einsum("ijk,ijk->ij", new, new).reshape(-1)[: len(rows)] / CHUNK_SAMPLES
            loud = energy > GATE_MEAN_SQUARE
            loud |= self.speaking[rows] & (self._quiet[rows] < GATE_HANG_CHUNKS)
            picked = rows[loud]
            self._chunks[filled : filled + len(picked)] = window.ending(beyond, INPUT_SAMPLES)[picked]
            filled += len(picked)
            parts.append(rows)
            ends.append(np.full(len(rows), position - beyond, np.int64))
            energies.append(energy)
            heard.append(picked)
        if len(parts) == 1:
            return parts[0], ends[0], energies[0], heard[0]
        if not parts:
            return _NO_ROWS, np.zeros(0, np.int64), np.zeros(0, np.float32), _NO_ROWS
        return np.concatenate(parts), np.concatenate(ends), np.concatenate(energies), np.concatenate(heard)

    def _ask(self, listening: Rows, start: int) -> None:
        """Judge those rows; their chunks lie in the scratch space from `start` on."""
        chunks = self._chunks[start : start + len(listening)]
        hidden, cell = self._hidden[listening], self._cell[listening]
        self.probability[listening] = self._model.probabilities(chunks, hidden, cell)
        self._hidden[listening], self._cell[listening] = hidden, cell

    def _count(self, rows: Rows, ends: Ints) -> Mask:
        """Which of the chunks are speech."""
        needed = np.where(self.speaking[rows], STAY_THRESHOLD, THRESHOLD)
        speech = self.probability[rows] >= needed
        run, quiet = self._run[rows], self._quiet[rows]
        fresh = speech & (run == 0) & ~self.speaking[rows]
        self.onset[rows[fresh]] = ends[fresh] - CHUNK_SAMPLES
        self.speech_end[rows[speech]] = ends[speech]
        run += 1
        run[~speech] = 0
        quiet += 1
        quiet[speech] = 0
        self._run[rows], self._quiet[rows] = run, quiet
        forget = rows[(quiet > 0) & (quiet % FORGET_CHUNKS == 0)]
        if len(forget):
            self._hidden[forget] = self._cell[forget] = 0
        return speech
