"""The bank with its hands: commands in, packets and recording files around it, events out.

Knows nothing of clocks or of how packets travel: someone calls `tick` 50 times a second, and `PacketRows`
moves the bytes. The same room runs in the engine's process and in virtual time.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from byourside_server.media.bank import AudioBank
from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.messages import (
    BargeIn,
    Clear,
    Close,
    Closed,
    Command,
    Connect,
    LineEvent,
    ListenAlong,
    Open,
    Opened,
    OpenFailed,
    Play,
    SendDtmf,
    StartRecording,
)
from byourside_server.media.recording import wav_header
from byourside_server.media.reports import ReportBook, Sent
from byourside_server.media.rows import BankFull
from byourside_server.media.srtp import SrtpRows
from byourside_server.media.tape import RecordingBlock


class PacketRows(Protocol):
    """How the packets of numbered rows travel."""

    def open(self, row: int) -> int:
        """Listen for the row; returns the local port."""

    def aim(self, row: int, host: str, port: int, rtcp_port: int) -> None:
        """Send the row's packets there; whoever answers first is believed from then on (NAT).

        `rtcp_port` is where its reports go; 0: nowhere.
        """

    def mute(self, row: int, silent: bool) -> None:
        """Send nothing of the row but reports, or all again."""

    def close(self, row: int) -> None: ...

    def send(self, packets: Bytes, instead: Mapping[int, bytes]) -> None: ...

    def receive(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        """What has arrived: in each round one packet per row, as `(rows, packets, lengths)`."""

    def send_report(self, row: int, data: bytes) -> None: ...

    def receive_reports(self) -> list[tuple[int, bytes, float | None]]:
        """RTCP that has arrived beside the sound, with its moment (epoch seconds) where that is known."""


@dataclass(frozen=True)
class Traffic:
    """Packets of all lines, open or closed, since the start."""

    received: int = 0
    sent: int = 0
    lost: int = 0
    late: int = 0


class MediaRoom:
    def __init__(
        self,
        capacity: int,
        packets: PacketRows,
        random: np.random.Generator,
        cpu_clock: Callable[[], float],
        clock: Callable[[], float],
        *,
        in_step: bool = False,
    ) -> None:
        """`clock` tells epoch seconds, for reports; `in_step` as in `AudioBank`."""
        self.bank = AudioBank(capacity, random, cpu_clock, in_step=in_step)
        self._clock = clock
        self._srtp = SrtpRows(capacity)
        self._reports = ReportBook(random)
        self._packets = packets
        self._files: dict[str, int] = {}
        self._told: list[LineEvent] = []
        self._closed = Traffic()

    def traffic(self) -> Traffic:
        """A closed row's counts are nought again, so the whole arrays are those of the open ones."""
        jitter, tick, closed = self.bank.jitter, self.bank.tick, self._closed
        return Traffic(
            closed.received + int(jitter.received.sum()),
            closed.sent + sum(row.sent(tick) for row in self.bank.rows),
            closed.lost + int(jitter.lost.sum()),
            closed.late + int(jitter.late.sum()),
        )

    def handle(self, command: Command) -> None:
        """Carry out one command; those for a line that is not open do nothing."""
        if isinstance(command, Open):
            self._open(command.line_id)
            return
        line_id = getattr(command, "line_id", "")
        if self.bank.rows.find(line_id) is None:
            return
        match command:
            case Connect():
                self._connect(command)
            case StartRecording(_, path):
                self._start_recording(line_id, path)
            case Play(_, clip_id, ulaw, last):
                self.bank.play(line_id, clip_id, ulaw, last=last)
            case Clear():
                self.bank.clear(line_id)
            case BargeIn(_, enabled, after_ms, hold_after_ms):
                self.bank.barge_in(line_id, enabled, after_ms, hold_after_ms)
            case ListenAlong(_, enabled):
                self.bank.listen_along(line_id, enabled)
            case SendDtmf(_, digits):
                self.bank.send_dtmf(line_id, digits)
            case Close():
                self._close(line_id)

    def tick(self) -> None:
        """One tick of 20 ms."""
        self.send()
        self.listen()

    def send(self) -> None:
        """The first half of a tick, which the far side notices when it is late."""
        self.bank.spent("commands")
        outgoing = self.bank.packets_to_send()
        instead = outgoing.instead
        if self._srtp:
            instead = dict(instead)
            self._srtp.protect(outgoing.packets, instead)
        self._packets.send(outgoing.packets, instead)
        self.bank.spent("send")

    def listen(self) -> None:
        """The second half of a tick: receive, judge, record."""
        for arrived in self._packets.receive():
            self.bank.receive(*(self._srtp.unprotect(*arrived) if self._srtp else arrived))
        self._exchange_reports()
        self.bank.spent("receive")
        for block in self.bank.listen():
            self._write(block)
        self.bank.spent("record")

    def events(self) -> list[LineEvent]:
        """What happened since the last call, in order."""
        while (event := self.bank.next_event()) is not None:
            self._told.append(event)
        told, self._told = self._told, []
        return told

    def close_all(self) -> None:
        for row in self.bank.rows:
            self._close(row.line_id)

    def _open(self, line_id: str) -> None:
        try:
            number = self.bank.open(line_id)
        except (BankFull, ValueError) as error:
            self._told.append(OpenFailed(line_id, str(error)))
            return
        try:
            port = self._packets.open(number)
        except OSError as error:
            self.bank.close(line_id)
            self._told.append(OpenFailed(line_id, str(error)))
            return
        self._told.append(Opened(line_id, port))

    def _connect(self, wish: Connect) -> None:
        number = self._number(wish.line_id)
        self._packets.aim(number, wish.host, wish.port, wish.rtcp_port)
        self._packets.mute(number, not wish.sends)
        self._srtp.set_keys(number, wish.srtp)
        self.bank.connect(wish.line_id, wish.codec, wish.dtmf_payload_type, sends=wish.sends)
        if wish.rtcp_port:
            self._reports.begin(number, self._clock())

    def _exchange_reports(self) -> None:
        for row, data, at in self._packets.receive_reports():
            plain = self._srtp.unprotect_report(row, data)
            if plain is not None:
                self._reports.receive(row, plain, self._sent(row), self._clock() if at is None else at)
        while self.bank.reports:
            row, data = self.bank.reports.popleft()
            self._reports.receive(row, data, self._sent(row), self._clock())
        for row in self._reports.due(self._clock()):
            self._send_report(row)

    def _send_report(self, number: int, *, bye: bool = False) -> None:
        now = self._clock()
        report = self._reports.make(number, self._sent(number), self.bank.jitter, now, bye=bye)
        self._packets.send_report(number, self._srtp.protect_report(number, report))

    def _sent(self, number: int) -> Sent:
        sender, sent = self.bank.sender, self.bank.rows.at(number).sent(self.bank.tick)
        return Sent(sender.source(number), sender.timestamp(number), sent)

    def _start_recording(self, line_id: str, path: str) -> None:
        """A disk that refuses costs the recording, not the call."""
        if line_id in self._files or not path:
            self.bank.start_recording(line_id, to_file=line_id in self._files)
            return
        try:
            self._files[line_id] = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            os.pwrite(self._files[line_id], wav_header(0), 0)
        except OSError:
            self._drop_file(line_id)
        self.bank.start_recording(line_id, to_file=line_id in self._files)

    def _write(self, block: RecordingBlock) -> None:
        file = self._files.get(block.line_id)
        if file is None:
            return
        try:
            os.pwrite(file, block.data, block.offset)
            os.pwrite(file, block.header, 0)
        except OSError:
            self._drop_file(block.line_id)

    def _close(self, line_id: str) -> None:
        number = self._number(line_id)
        if self._reports.is_open(number):
            self._send_report(number, bye=True)
        self._packets.close(number)
        suite, rejected = self._srtp.suite(number), int(self._srtp.rejected[number])
        view = self._reports.their_view(number)
        self._srtp.forget(number)
        self._reports.forget(number)
        stats, rest = self.bank.close(line_id)
        closed = self._closed
        self._closed = Traffic(
            closed.received + stats.packets_received,
            closed.sent + stats.packets_sent,
            closed.lost + stats.packets_lost,
            closed.late + stats.packets_late,
        )
        stats = replace(
            stats,
            srtp=suite,
            packets_rejected=rejected,
            round_trip_ms=view.round_trip_ms,
            their_loss_percent=view.loss_percent,
            their_jitter_ms=view.jitter_ms,
        )
        for block in rest:
            self._write(block)
        self._drop_file(line_id)
        while (event := self.bank.next_event()) is not None:
            self._told.append(event)
        self._told.append(Closed(line_id, stats))

    def _drop_file(self, line_id: str) -> None:
        file = self._files.pop(line_id, None)
        if file is not None:
            os.close(file)

    def _number(self, line_id: str) -> int:
        row = self.bank.rows.find(line_id)
        assert row is not None
        return row.number
