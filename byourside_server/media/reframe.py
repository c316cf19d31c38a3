"""Packets that are not 20 ms long, cut and joined into frames of 20 ms.

Some phones send 10, 30, 40 or 60 ms. Their packets come here and leave as 160-byte frames with
sequence numbers of our own; rows with the usual 20 ms never do.
"""

from byourside_server.media.g711 import ULAW_SILENCE
from byourside_server.media.rtp import FRAME_SAMPLES

LONGEST_GAP_PACKETS = 10
"""A larger step in the sequence is a new stream: nothing is filled in."""


class Reframer:
    """One row's unusual stream; expects packets in order and drops those behind."""

    def __init__(self) -> None:
        self._samples = bytearray()
        self._last_sequence: int | None = None
        self._next_frame = 0

    def receive(self, sequence: int, ulaw: bytes) -> list[tuple[int, bytes]]:
        """Frames completed by this packet, each with its own 16-bit sequence number."""
        step = 1 if self._last_sequence is None else (sequence - self._last_sequence) & 0xFFFF
        if step == 0 or step >= 0x8000:
            return []
        self._last_sequence = sequence
        if 1 < step <= LONGEST_GAP_PACKETS:
            self._samples += bytes([ULAW_SILENCE]) * (len(ulaw) * (step - 1))
        self._samples += ulaw
        frames = []
        while len(self._samples) >= FRAME_SAMPLES:
            frames.append((self._next_frame, bytes(self._samples[:FRAME_SAMPLES])))
            del self._samples[:FRAME_SAMPLES]
            self._next_frame = (self._next_frame + 1) & 0xFFFF
        return frames
