"""The bank with its hands: commands in, packets and recording files around it, events out.

Knows nothing of clocks or of how packets travel: someone calls `tick` 50 times a second, and `PacketRows`
moves the bytes. The same room runs in the engine's process and in virtual time.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np

from byourside_server.media.bank import AudioBank, RecordingBlock
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
from byourside_server.media.rows import BankFull


class PacketRows(Protocol):
    """How the packets of numbered rows travel."""

    def open(self, row: int) -> int:
        """Listen for the row; returns the local port."""

    def aim(self, row: int, host: str, port: int) -> None:
        """Send the row's packets there; whoever answers first is believed from then on (NAT)."""

    def close(self, row: int) -> None: ...

    def send(self, packets: Bytes, instead: Mapping[int, bytes]) -> None: ...

    def receive(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        """What has arrived: in each round one packet per row, as `(rows, packets, lengths)`."""


class MediaRoom:
    def __init__(
        self,
        capacity: int,
        packets: PacketRows,
        random: np.random.Generator,
        cpu_clock: Callable[[], float],
    ) -> None:
        self.bank = AudioBank(capacity, random, cpu_clock)
        self._packets = packets
        self._files: dict[str, int] = {}
        self._told: list[LineEvent] = []

    def handle(self, command: Command) -> None:
        """Carry out one command; those for a line that is not open do nothing."""
        if isinstance(command, Open):
            self._open(command.line_id)
            return
        line_id = getattr(command, "line_id", "")
        if self.bank.rows.find(line_id) is None:
            return
        match command:
            case Connect(_, host, port, codec, dtmf_payload_type):
                self._packets.aim(self._number(line_id), host, port)
                self.bank.connect(line_id, codec, dtmf_payload_type)
            case StartRecording(_, path):
                self._start_recording(line_id, path)
            case Play(_, clip_id, ulaw, last):
                self.bank.play(line_id, clip_id, ulaw, last=last)
            case Clear():
                self.bank.clear(line_id)
            case BargeIn(_, enabled, after_ms):
                self.bank.barge_in(line_id, enabled, after_ms)
            case ListenAlong(_, enabled):
                self.bank.listen_along(line_id, enabled)
            case SendDtmf(_, digits):
                self.bank.send_dtmf(line_id, digits)
            case Close():
                self._close(line_id)

    def tick(self) -> None:
        """One tick of 20 ms: send, receive, listen, record."""
        self.bank.spent("commands")
        outgoing = self.bank.packets_to_send()
        self._packets.send(outgoing.packets, outgoing.instead)
        self.bank.spent("send")
        for rows, packets, lengths in self._packets.receive():
            self.bank.receive(rows, packets, lengths)
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
        self._packets.close(self._number(line_id))
        stats, rest = self.bank.close(line_id)
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
