"""Outgoing packets of all rows: headers as columns of one array, and the few telephone events.

Knows RTP headers and codecs. Does not know sockets or what the frames say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from byourside_server.media.dtmf import EventPacket
from byourside_server.media.g711 import ULAW_SILENCE, ULAW_TO_ALAW, Bytes
from byourside_server.media.rtp import (
    FRAME_SAMPLES,
    HEADER_BYTES,
    MARKER,
    PACKET_BYTES,
    PCMA,
    PCMU,
    VERSION_2,
    RtpPacket,
)


@dataclass(frozen=True)
class Outgoing:
    packets: Bytes
    """`[rows, 172]`: the frame of every row, whether connected or not."""
    instead: Mapping[int, bytes]
    """Telephone events that replace the frame of their row."""


class PacketWriter:
    def __init__(self, capacity: int, random: np.random.Generator) -> None:
        self._random = random
        self.packets: Bytes = np.zeros((capacity, PACKET_BYTES), np.uint8)
        self.packets[:, 0] = VERSION_2
        self.packets[:, HEADER_BYTES:] = ULAW_SILENCE
        self._sequence = np.zeros(capacity, np.uint16)
        self._timestamp = np.zeros(capacity, np.uint32)
        self._sequences = self.packets[:, 2:4].view(">u2")[:, 0]
        self._timestamps = self.packets[:, 4:8].view(">u4")[:, 0]
        """The headers' numbers, as they stand in the packets."""
        self._alaw = np.zeros(capacity, np.bool_)
        self._alaw_rows = np.flatnonzero(self._alaw)
        self._marked: list[int] = []
        """Rows whose last packet carries the marker."""
        self._paused_at: dict[int, int] = {}

    def reset(self, row: int) -> None:
        """Start a stream: random first sequence number, timestamp and source (RFC 3550 §5.1)."""
        self._sequence[row] = self._random.integers(0, 1 << 16)
        self._timestamp[row] = self._random.integers(0, 1 << 32)
        self.packets[row, 8:12] = self._random.integers(0, 256, 4, np.uint8)
        self.speak(row, alaw=False)
        self._paused_at.pop(row, None)

    def pause(self, row: int) -> None:
        """Packets made from now on are not sent: their numbers are used again."""
        self._paused_at[row] = int(self._sequence[row])

    def resume(self, row: int) -> None:
        sequence = self._paused_at.pop(row, None)
        if sequence is not None:
            self._sequence[row] = sequence

    def source(self, row: int) -> int:
        return int.from_bytes(self.packets[row, 8:12].tobytes(), "big")

    def timestamp(self, row: int) -> int:
        """Of the next packet."""
        return int(self._timestamp[row])

    def speak(self, row: int, *, alaw: bool) -> None:
        self._alaw[row] = alaw
        self._alaw_rows = np.flatnonzero(self._alaw)
        self.packets[row, 1] = PCMA if alaw else PCMU

    def write(self, count: int, ulaw: Bytes, talk_starts: Iterable[int]) -> None:
        """Fill the packets of rows `0..count`; `talk_starts` get the marker (RFC 3551 §4.1)."""
        packets = self.packets[:count]
        packets[:, HEADER_BYTES:] = ulaw
        if len(self._alaw_rows):
            alaw = self._alaw_rows[: np.searchsorted(self._alaw_rows, count)]
            packets[alaw, HEADER_BYTES:] = ULAW_TO_ALAW[ulaw[alaw]]
        for row in self._marked:
            packets[row, 1] &= 0xFF ^ MARKER
        self._marked = list(talk_starts)
        for row in self._marked:
            packets[row, 1] |= MARKER
        sequence, timestamp = self._sequence[:count], self._timestamp[:count]
        self._sequences[:count] = sequence
        self._timestamps[:count] = timestamp
        sequence += 1
        timestamp += FRAME_SAMPLES

    def event_packet(self, row: int, payload_type: int, packet: EventPacket) -> bytes:
        """The telephone event that takes the place of this tick's frame; call after `write`."""
        now = int.from_bytes(self.packets[row, 4:8].tobytes(), "big")
        start = (now - packet.ticks_since_key * FRAME_SAMPLES) & 0xFFFFFFFF
        sequence = int.from_bytes(self.packets[row, 2:4].tobytes(), "big")
        source = self.source(row)
        first = packet.ticks_since_key == 0
        return RtpPacket(payload_type, sequence, start, source, packet.event.to_bytes(), first).to_bytes()
