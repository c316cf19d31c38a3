"""All calls of one process as rows of arrays, advanced together every 20 ms.

One tick is: `packets_to_send()`, then `receive(...)` as often as there are packets, then `listen()`.
Sending comes first because the far side notices its lateness; hearing can wait a few milliseconds.
Sans-IO: packets, commands and the tick come in; packets, recording blocks and events go out.
Knows no socket, file, clock or task. Nothing is made per packet; Python objects exist per call and per event.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np

from byourside_server.media.concealment import Concealment
from byourside_server.media.dtmf import key_tones, parse_event
from byourside_server.media.edges import NO_CHANGES, Changes
from byourside_server.media.g711 import ALAW_TO_ULAW, ULAW_SILENCE, Bytes
from byourside_server.media.jitter import Ints, JitterRing, Mask, Rows
from byourside_server.media.messages import (
    ClipEnded,
    ClipStarted,
    DigitHeard,
    FirstPacket,
    LineEvent,
    RowStats,
    SpeechPaused,
    SpeechPiece,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    StageCpu,
    ToneHeard,
)
from byourside_server.media.playout import Clip, Playout
from byourside_server.media.reframe import Reframer
from byourside_server.media.row_stats import stats_of
from byourside_server.media.rows import Row, RowBook
from byourside_server.media.rtp import (
    FRAME_SAMPLES,
    HEADER_BYTES,
    MARKER,
    PACKET_BYTES,
    PCMA,
    PCMU,
    SAMPLES_PER_MS,
    TICK_MS,
    VERSION_2,
    RtpPacket,
    is_rtcp,
    parse,
)
from byourside_server.media.sender import Outgoing, PacketWriter
from byourside_server.media.shifts import Shifts
from byourside_server.media.speech import SpeechWatch
from byourside_server.media.tape import HISTORY_TICKS, RecordingBlock, Tape
from byourside_server.media.tones import Tone, ToneWatch
from byourside_server.media.window import SoundWindow

LARGEST_PACKET_BYTES = 1500
PRE_ROLL_SAMPLES = 200 * SAMPLES_PER_MS
LONGEST_TURN_TICKS = 30 * 1000 // TICK_MS
PIECE_TICKS = 5
"""Those who listen along are told speech in pieces of 100 ms, a fifth of the rows in each tick."""
_KIND_MASK = 0xFFFF ^ MARKER
_ULAW_KIND, _ALAW_KIND = VERSION_2 << 8 | PCMU, VERSION_2 << 8 | PCMA
"""Of the usual packets, the first two bytes without the marker."""
SILENT_FRAME: Bytes = np.full(FRAME_SAMPLES, ULAW_SILENCE, np.uint8)
SILENT_CLIP = -1
"""Clip number of sounds nobody asked to hear about (keypad tones)."""


class AudioBank:
    def __init__(
        self,
        capacity: int,
        random: np.random.Generator,
        cpu_clock: Callable[[], float] = lambda: 0.0,
        in_step: bool = False,
    ) -> None:
        """Rows take turns with what is not due in every tick; `in_step`, none depends on its number."""
        self.capacity = capacity
        self.rows = RowBook(capacity)
        self.tick = 0
        """The tick that runs, or runs next."""
        self.sender = PacketWriter(capacity, random)
        self._playout = Playout(capacity)
        self.jitter = JitterRing(capacity)
        self._window = SoundWindow(capacity)
        self._speech = SpeechWatch(capacity, in_step=in_step)
        self._tones = ToneWatch(capacity, in_step=in_step)
        self._listened_to = np.zeros(capacity, np.bool_)
        self._listening_along = Shifts(PIECE_TICKS, in_step=in_step)
        self._tape = Tape(capacity)
        self._concealment = Concealment(capacity)
        self.reports: deque[tuple[int, bytes]] = deque()
        """RTCP that came on the rows' own ports (RFC 5761)."""
        self._keys_pressed: set[int] = set()
        self._events: deque[LineEvent] = deque()
        self._cpu_clock = cpu_clock
        self._cpu_s = dict.fromkeys((field.name for field in fields(StageCpu)), 0.0)
        self._stage_at = cpu_clock()

    # --- commands ---------------------------------------------------------------------------------

    def open(self, line_id: str) -> int:
        """Give the line a free row; raises `BankFull`."""
        row = self.rows.open(line_id, self.tick)
        self.sender.reset(row.number)
        return row.number

    def connect(self, line_id: str, codec: str, dtmf_payload_type: int | None, *, sends: bool = True) -> None:
        """Send from the next tick on, in this codec; the first time also starts the row's early clock."""
        row = self._row(line_id)
        row.alaw, row.dtmf_payload_type = codec == "PCMA", dtmf_payload_type
        self.sender.speak(row.number, alaw=row.alaw)
        if sends != row.sends:
            self._hold(row, sends)
        if not row.connected:
            row.connected = True
            if not row.recording:
                row.zero_tick = self.tick
            self._playout.begin(row.number)

    def _hold(self, row: Row, sends: bool) -> None:
        """Begin or cease to send: numbers go on where they stood, time goes on as it does."""
        if sends:
            row.sending_since = self.tick
            self.sender.resume(row.number)
        else:
            row.sent_before = row.sent(self.tick)
            self.sender.pause(row.number)
        row.sends = sends

    def start_recording(self, line_id: str, *, to_file: bool = True) -> None:
        """The next tick is millisecond 0 of the row."""
        row = self._row(line_id)
        row.recording, row.writes_file = True, to_file
        row.zero_tick = row.written_until = self.tick

    def play(self, line_id: str, clip_id: int, ulaw: bytes, *, last: bool = True) -> None:
        row = self._row(line_id)
        ended = self._playout.play(row.number, clip_id, ulaw, last=last)
        if ended is not None:
            self._clip_ended(row, ended, complete=True)

    def clear(self, line_id: str) -> None:
        self._stop_clips(self._row(line_id))

    def barge_in(self, line_id: str, enabled: bool, after_ms: int, hold_after_ms: int = 0) -> None:
        self._speech.allow_interruption(self._row(line_id).number, enabled, after_ms, hold_after_ms)

    def listen_along(self, line_id: str, enabled: bool) -> None:
        """Tell speech as it goes from now on; of speech under way, all of it so far."""
        row = self._row(line_id)
        self._listened_to[row.number] = enabled
        row.speech_told = 0

    def send_dtmf(self, line_id: str, digits: str) -> None:
        row = self._row(line_id)
        if row.dtmf_payload_type is None:
            self._speech.allow_interruption(row.number, False, 0)  # cut in two, a tone is two keys
            self._playout.play(row.number, SILENT_CLIP, key_tones(digits), last=True)
            return
        row.keys.press(digits)
        self._keys_pressed.add(row.number)

    def close(self, line_id: str) -> tuple[RowStats, list[RecordingBlock]]:
        """Free the row; returns what became of it and the rest of its recording."""
        row = self._row(line_id)
        self._stop_clips(row)
        if self._speech.speaking[row.number]:
            self._speech.speaking[row.number] = False
            self._turn_ended(row)
        rest = [self._tape.block(row, self.tick)] if row.writes_file else []
        stats = stats_of(row, self.tick, self.jitter, int(self._concealment.frames[row.number]))
        self._forget(row.number)
        self.rows.close(row)
        return stats, rest

    def next_event(self) -> LineEvent | None:
        return self._events.popleft() if self._events else None

    def cpu_by_stage(self) -> StageCpu:
        return StageCpu(**self._cpu_s)

    def spent(self, stage: str) -> None:
        """Charge the CPU time since the last call to a stage; owners use it for what they do themselves."""
        now = self._cpu_clock()
        self._cpu_s[stage] += now - self._stage_at
        self._stage_at = now

    # --- the tick ---------------------------------------------------------------------------------

    def packets_to_send(self) -> Outgoing:
        """This tick's packet of every row in use."""
        count = self.rows.used_prefix
        starting = self._playout.starting()
        for clip in starting:
            if clip.clip_id != SILENT_CLIP:
                row = self.rows.at(clip.row)
                self._events.append(
                    ClipStarted(row.line_id, clip.clip_id, self._ms(row, self._now()), not row.recording)
                )
        frames = self._playout.frames(count)
        self._tape.say(self.tick, count, frames)
        self.sender.write(count, frames, [clip.row for clip in starting])
        instead = self._telephone_events() if self._keys_pressed else {}
        for clip in self._playout.advance(count):
            self._clip_ended(self.rows.at(clip.row), clip, complete=True)
        self.spent("encode")
        return Outgoing(self.sender.packets[:count], instead)

    def receive(self, rows: Rows, packets: Bytes, lengths: Ints) -> None:
        """Take one packet of each of `rows`, a row at most once a call.

        `packets` is `[n, width]`, of which the first `lengths` bytes count.
        """
        # Three 32-bit numbers a packet, the first being version, marker, payload type and sequence.
        header = np.ascontiguousarray(packets[:, :HEADER_BYTES]).view(">u4").astype(np.int64)
        kind = (header[:, 0] >> 16) & _KIND_MASK
        alaw = kind == _ALAW_KIND
        usual = ((kind == _ULAW_KIND) | alaw) & (lengths == PACKET_BYTES)
        if np.count_nonzero(usual) < len(rows):
            for index in np.flatnonzero(~usual).tolist():
                self._receive_unusual(int(rows[index]), packets[index, : lengths[index]].tobytes())
            rows, packets, header, alaw = rows[usual], packets[usual], header[usual], alaw[usual]
        if len(rows):
            self._place(rows, packets, header, alaw)
        self.spent("receive")

    def listen(self) -> list[RecordingBlock]:
        """Play the frames now due into the ears: decode, judge, decide, record. Ends the tick."""
        count = self.rows.used_prefix
        heard = self._tape.heard(self.tick, count)
        gaps = self.jitter.take(count, heard)
        if len(gaps):
            self._concealment.mend(gaps, self.jitter.missing, heard, self._window)
        self.spent("jitter")
        self._window.append(count, heard)
        self.spent("decode")
        judged = self._speech.judge(count, self.tick, self._window)
        self.spent("vad")
        playing, held = self._playout.is_talking(judged), self._playout.is_held(judged)
        changes = self._speech.turns(judged, playing, held)
        self.tick += 1
        for number in changes.started.tolist():
            self._turn_started(self.rows.at(number))
        for number in changes.interrupting.tolist():
            self._stop_clips(self.rows.at(number))
        if changes.edges is not NO_CHANGES:
            self._follow_edges(changes.edges)
        for number in changes.stopped.tolist():
            self._turn_ended(self.rows.at(number))
        self._collect_speech(count)
        self._tell_pieces(count)
        self.spent("turn")
        for tone in self._tones.listen(count, self.tick - 1, self._window, self._speech.probability):
            self._tone_heard(self.rows.at(tone.row), tone)
        self.spent("tones")
        return self._tape.blocks(self.rows, count, self.tick)

    # --- sending ----------------------------------------------------------------------------------

    def _telephone_events(self) -> dict[int, bytes]:
        instead = {}
        for number in list(self._keys_pressed):
            row = self.rows.at(number)
            packet = row.keys.next_tick()
            if packet is not None and row.dtmf_payload_type is not None:
                instead[number] = self.sender.event_packet(number, row.dtmf_payload_type, packet)
            if not row.keys.is_busy():
                self._keys_pressed.discard(number)
        return instead

    def _stop_clips(self, row: Row) -> None:
        for clip in self._playout.clear(row.number):
            self._clip_ended(row, clip, complete=False)

    def _clip_ended(self, row: Row, clip: Clip, *, complete: bool) -> None:
        if clip.clip_id == SILENT_CLIP:
            return
        played = clip.samples_before(self._playout.tick)
        end = min(clip.end_sample(), self._playout.tick * FRAME_SAMPLES) if clip.pieces else self._now()
        at_ms, played_ms = self._ms(row, end), played // SAMPLES_PER_MS
        self._events.append(
            ClipEnded(row.line_id, clip.clip_id, at_ms, played_ms, complete, not row.recording)
        )

    # --- receiving --------------------------------------------------------------------------------

    def _place(self, rows: Rows, packets: Bytes, header: Ints, alaw: Mask) -> None:
        frames = packets[:, HEADER_BYTES:PACKET_BYTES]
        if np.count_nonzero(alaw):
            frames = np.where(alaw[:, None], ALAW_TO_ULAW[frames], frames)
        sequence, timestamp, ssrc = header[:, 0] & 0xFFFF, header[:, 1], header[:, 2]
        started = self.jitter.started[rows]
        fresh = () if np.count_nonzero(started) == len(rows) else rows[~started].tolist()
        self.jitter.place(rows, sequence, timestamp, ssrc, frames, self.tick)
        for number in fresh:
            self._note_first_packet(self.rows.at(number))

    def _receive_unusual(self, number: int, data: bytes) -> None:
        """A telephone event, another packet time, a header with extras; anything else is not for us."""
        if is_rtcp(data):
            self.reports.append((number, data))
            return
        packet = parse(data)
        if packet is None or not packet.payload or not self.rows.is_open(number):
            return
        row = self.rows.at(number)
        if packet.payload_type == row.dtmf_payload_type:
            self._receive_key(row, packet.timestamp, packet.payload)
            if self.jitter.started[number]:
                # The event took a frame's place in the sequence: nothing is missing there. Its timestamp
                # is that of the key (RFC 4733 §2.1) and says nothing of when it was sent.
                timestamp = self.jitter.expected_timestamp(number, self.tick) & 0xFFFFFFFF
                self._place_one(row, replace(packet, timestamp=timestamp), packet.sequence, 0, SILENT_FRAME)
            return
        if packet.payload_type not in (PCMU, PCMA):
            return
        payload = np.frombuffer(packet.payload, np.uint8)
        ulaw = ALAW_TO_ULAW[payload] if packet.payload_type == PCMA else payload
        if len(ulaw) == FRAME_SAMPLES and row.reframer is None:
            self._place_one(row, packet, packet.sequence, 0, ulaw)
            return
        row.reframer = row.reframer or Reframer()
        for index, (sequence, frame) in enumerate(row.reframer.receive(packet.sequence, ulaw.tobytes())):
            self._place_one(row, packet, sequence, index, np.frombuffer(frame, np.uint8))

    def _place_one(self, row: Row, packet: RtpPacket, sequence: int, index: int, ulaw: Bytes) -> None:
        """Store frame `index` of a packet under a sequence number that may be the reframer's."""
        first = not self.jitter.started[row.number]
        timestamp = np.array([packet.timestamp + index * FRAME_SAMPLES])
        one_row, ssrc = np.array([row.number]), np.array([packet.ssrc])
        self.jitter.place(one_row, np.array([sequence]), timestamp, ssrc, ulaw[None], self.tick)
        if first:
            self._note_first_packet(row)

    def _receive_key(self, row: Row, timestamp: int, payload: bytes) -> None:
        """RFC 4733 §2.5.1.4: packets with the same timestamp are the same press of the key."""
        event = parse_event(payload)
        if event is None or timestamp == row.key_timestamp:
            return
        row.key_timestamp = timestamp
        at_ms = self._ms(row, self._now())
        self._events.append(DigitHeard(row.line_id, event.key, at_ms, not row.recording))

    def _note_first_packet(self, row: Row) -> None:
        if not row.heard_first_packet:
            row.heard_first_packet = True
            self._events.append(FirstPacket(row.line_id, self._ms(row, self._now()), not row.recording))

    # --- turns ------------------------------------------------------------------------------------

    def _turn_started(self, row: Row) -> None:
        row.speech_onset = int(self._speech.onset[row.number])
        wanted = (row.speech_onset - PRE_ROLL_SAMPLES) // FRAME_SAMPLES
        row.speech_from = max(wanted, row.opened_tick, self.tick - HISTORY_TICKS + 1)
        row.speech_until, row.speech_told = row.speech_from, 0
        row.speech.clear()
        at_ms = self._ms(row, row.speech_onset)
        self._events.append(SpeechStarted(row.line_id, at_ms, not row.recording))
        self._tell_piece(row)

    def _follow_edges(self, edges: Changes) -> None:
        self._playout.hold(edges.held)
        self._playout.release(edges.released)
        for row in map(self.rows.at, edges.paused[self._listened_to[edges.paused]].tolist()):
            self._tell_piece(row)
            at_ms = self._ms(row, int(self._speech.edges.voiced_end[row.number]))
            self._events.append(SpeechPaused(row.line_id, at_ms, not row.recording))
        for row in map(self.rows.at, edges.resumed[self._listened_to[edges.resumed]].tolist()):
            self._events.append(SpeechResumed(row.line_id, self._ms(row, self._now()), not row.recording))

    def _turn_ended(self, row: Row) -> None:
        self._tell_piece(row)
        end = int(self._speech.speech_end[row.number])
        start_ms, end_ms = self._ms(row, row.speech_onset), self._ms(row, end)
        audio_at_ms = self._ms(row, row.speech_from * FRAME_SAMPLES)
        self._events.append(
            SpeechStopped(row.line_id, start_ms, end_ms, audio_at_ms, bytes(row.speech), not row.recording)
        )
        row.speech.clear()

    def _collect_speech(self, count: int) -> None:
        """Save what speakers said from the history before it is overwritten; cut endless turns."""
        if self.tick % 8:
            return
        for number in np.flatnonzero(self._speech.speaking[:count]).tolist():
            row = self.rows.at(number)
            if self.tick - row.speech_until >= HISTORY_TICKS - 16:
                self._append_speech(row)
            if self.tick - row.speech_from >= LONGEST_TURN_TICKS:
                self._speech.end_turn(number)
                self._turn_ended(row)

    def _tell_pieces(self, count: int) -> None:
        mine = self._listening_along.rows(count, self.tick)
        mine = mine[self._speech.speaking[mine] & self._listened_to[mine]]
        if not len(mine):
            return
        told = list(map(self.rows.at, mine.tolist()))
        self._tape.collect(told, mine, self.tick - PIECE_TICKS, self.tick)
        for row in told:
            self._tell_piece(row)

    def _tell_piece(self, row: Row) -> None:
        self._append_speech(row)
        told, until = row.speech_told, len(row.speech)
        if told < until and self._listened_to[row.number]:
            at_ms = self._ms(row, row.speech_from * FRAME_SAMPLES + told)
            piece = bytes(memoryview(row.speech)[told:])
            self._events.append(SpeechPiece(row.line_id, at_ms, piece, not row.recording))
            row.speech_told = until

    def _append_speech(self, row: Row) -> None:
        if row.speech_until < self.tick:
            row.speech += self._tape.heard_between(row.number, row.speech_until, self.tick)
            row.speech_until = self.tick

    def _tone_heard(self, row: Row, tone: Tone) -> None:
        at_ms, early = self._ms(row, tone.first_tick * FRAME_SAMPLES), not row.recording
        heard = ToneHeard(row.line_id, tone.kind, tone.frequency_hz, at_ms, tone.duration_ms, early)
        self._events.append(heard)

    # --- the rest ---------------------------------------------------------------------------------

    def _row(self, line_id: str) -> Row:
        row = self.rows.find(line_id)
        if row is None:
            raise KeyError(line_id)
        return row

    def _forget(self, number: int) -> None:
        """Leave nothing for the row's next line."""
        self._keys_pressed.discard(number)
        self._listened_to[number] = False
        for part in (self._playout, self.jitter, self._window, self._speech, self._tones):
            part.reset(number)
        self._tape.reset(number)
        self._concealment.reset(number)

    def _now(self) -> int:
        return self.tick * FRAME_SAMPLES

    def _ms(self, row: Row, sample: int) -> int:
        return (sample - row.zero_tick * FRAME_SAMPLES) // SAMPLES_PER_MS
