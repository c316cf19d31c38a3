"""A bank and one or more far sides that speak RTP to it, without sockets or time."""

from pathlib import Path
from typing import TypeVar

import numpy as np

from byourside_server.media.bank import AudioBank
from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.messages import LineEvent
from byourside_server.media.rtp import FRAME_SAMPLES, RtpPacket, parse
from byourside_server.media.tape import RecordingBlock

EventT = TypeVar("EventT")
ASSETS = Path(__file__).parent / "assets"
SILENT_FRAME = b"\xff" * FRAME_SAMPLES


def speech() -> bytes:
    """"Hello, this is Maria speaking. Yes, that works for me." Voice rms of flite, 300-3400 Hz, -24 dBFS."""
    return (ASSETS / "two_sentences.ul").read_bytes()


def tone(seconds: float, *frequencies_hz: float, amplitude: float = 0.15) -> bytes:
    time = np.arange(round(seconds * 8000)) / 8000
    wave = sum(np.sin(2 * np.pi * hz * time) for hz in frequencies_hz) * amplitude * 32767
    return encode_ulaw(np.asarray(wave).astype(np.int16)).tobytes()


def silence(seconds: float) -> bytes:
    return b"\xff" * round(seconds * 8000)


def frames_of(ulaw: bytes) -> list[bytes]:
    starts = range(0, len(ulaw), FRAME_SAMPLES)
    return [ulaw[start : start + FRAME_SAMPLES].ljust(FRAME_SAMPLES, b"\xff") for start in starts]


class Exchange:
    """Runs the ticks of a bank and keeps what every line sent, heard of and recorded."""

    def __init__(self, capacity: int = 8, seed: int = 1, *, in_step: bool = False) -> None:
        self.bank = AudioBank(capacity, np.random.default_rng(seed), in_step=in_step)
        self.sent: dict[str, list[RtpPacket]] = {}
        self.events: list[LineEvent] = []
        self.files: dict[str, bytearray] = {}
        self._inbox: dict[str, list[bytes]] = {}
        self._sequence: dict[str, int] = {}

    def open(self, line_id: str, codec: str = "PCMU", dtmf: int | None = None) -> int:
        number = self.bank.open(line_id)
        self.bank.connect(line_id, codec, dtmf)
        self.sent[line_id] = []
        return number

    def close(self, line_id: str) -> object:
        stats, blocks = self.bank.close(line_id)
        self._keep(blocks)
        self._drain()
        return stats

    def deliver(self, line_id: str, *packets: bytes) -> None:
        """Let these datagrams arrive before the next tick listens."""
        self._inbox.setdefault(line_id, []).extend(packets)

    def tick(self) -> None:
        outgoing = self.bank.packets_to_send()
        for row in self.bank.rows:
            data = outgoing.instead.get(row.number) or outgoing.packets[row.number].tobytes()
            packet = parse(data)
            assert packet is not None
            self.sent[row.line_id].append(packet)
        while waiting := [line_id for line_id, packets in self._inbox.items() if packets]:
            data_in = [self._inbox[line_id].pop(0) for line_id in waiting]
            packets = np.zeros((len(waiting), 1500), np.uint8)
            for index, data in enumerate(data_in):
                packets[index, : len(data)] = np.frombuffer(data, np.uint8)
            numbers = np.array([self._number(line_id) for line_id in waiting])
            self.bank.receive(numbers, packets, np.array([len(data) for data in data_in]))
        self._keep(self.bank.listen())
        self._drain()

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.tick()

    def say(self, line_id: str, ulaw: bytes, payload_type: int = 0) -> None:
        """The far side of one line says this, a packet a tick."""
        self.say_together({line_id: ulaw}, payload_type)

    def say_together(self, sounds: dict[str, bytes], payload_type: int = 0) -> None:
        queues = {line_id: frames_of(ulaw) for line_id, ulaw in sounds.items()}
        for index in range(max(len(frames) for frames in queues.values())):
            for line_id, frames in queues.items():
                if index < len(frames):
                    sequence = self._sequence.get(line_id, 65_500)
                    self._sequence[line_id] = sequence + 1
                    packet = RtpPacket(
                        payload_type, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, 7, frames[index]
                    )
                    self.deliver(line_id, packet.to_bytes())
            self.tick()

    def of_kind(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]

    def recorded(self, line_id: str) -> tuple[bytes, bytes]:
        """Contact's and agent's side of the file, without its header."""
        data = bytes(self.files[line_id][58:])
        return data[0::2], data[1::2]

    def _number(self, line_id: str) -> int:
        row = self.bank.rows.find(line_id)
        assert row is not None
        return row.number

    def _keep(self, blocks: list[RecordingBlock]) -> None:
        for block in blocks:
            file = self.files.setdefault(block.line_id, bytearray())
            file[: len(block.header)] = block.header
            file[block.offset : block.offset + block.data.nbytes] = block.data.tobytes()

    def _drain(self) -> None:
        while (event := self.bank.next_event()) is not None:
            self.events.append(event)
