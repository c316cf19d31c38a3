"""One RTP packet, as RFC 3550 draws it.

Knows the twelve bytes of the header. Does not know rows, jitter buffers or sockets:
the bank reads thousands of headers at once as arrays and comes here only for the odd packet.
"""

import struct
from dataclasses import dataclass

HEADER_BYTES = 12
FRAME_SAMPLES = 160
"""20 ms at 8 kHz, one byte a sample in G.711."""
PACKET_BYTES = HEADER_BYTES + FRAME_SAMPLES
TICK_MS = 20
SAMPLES_PER_MS = 8

VERSION_2 = 0x80
MARKER = 0x80

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
"""RFC 3551 table 4."""
PCMU, PCMA = PAYLOAD_TYPES["PCMU"], PAYLOAD_TYPES["PCMA"]

_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True)
class RtpPacket:
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def to_bytes(self) -> bytes:
        second = self.payload_type | (MARKER if self.marker else 0)
        return _HEADER.pack(VERSION_2, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 §4: on a port shared by both, second bytes of 192 to 223 are reports."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse(data: bytes | bytearray | memoryview) -> RtpPacket | None:
    """The packet, or None where the bytes are not RTP version 2 (RFC 3550 §5.1 and appendix A.1).

    Contributing sources, header extension and padding are stepped over.
    RTCP sharing the port (RFC 5761: second byte 192..223) is not RTP.
    """
    data = bytes(data)
    if len(data) < HEADER_BYTES or data[0] >> 6 != 2 or is_rtcp(data):
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * struct.unpack_from("!H", data, start + 2)[0]
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & MARKER))
