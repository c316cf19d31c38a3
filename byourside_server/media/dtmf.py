"""Digits on the keypad as RFC 4733 telephone events, both ways; as plain tones where the far side has none.

Knows payloads and durations. Does not know rows, sequence numbers or sockets.
"""

import struct
from collections import deque
from dataclasses import dataclass

import numpy as np

from byourside_server.media.g711 import ULAW_SILENCE, encode_ulaw
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS, TICK_MS

KEYS = "0123456789*#ABCD"
"""Position is the event code (RFC 4733 §3.2, table 3)."""
PAUSE = ","
TONE_MS = 100
GAP_MS = 100
PAUSE_MS = 500
END_PACKETS = 3
"""The last packet is sent three times (RFC 4733 §2.5.1.4)."""
VOLUME = 10
"""-10 dBm0."""

ROW_HZ = (697, 770, 852, 941)
COLUMN_HZ = (1209, 1336, 1477, 1633)
KEYPAD = "123A456B789C*0#D"
"""Row by row (ITU-T Q.23)."""

_EVENT = struct.Struct("!BBH")
_END = 0x80


@dataclass(frozen=True)
class TelephoneEvent:
    key: str
    end: bool
    duration: int
    """In timestamp units, 1/8000 s."""

    def to_bytes(self) -> bytes:
        return _EVENT.pack(KEYS.index(self.key), (_END if self.end else 0) | VOLUME, self.duration)


def parse_event(payload: bytes) -> TelephoneEvent | None:
    """The event, or None for one that is not a key (flash, tones) or too short."""
    if len(payload) < _EVENT.size:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    if code >= len(KEYS):
        return None
    return TelephoneEvent(KEYS[code], bool(flags & _END), duration)


@dataclass(frozen=True)
class EventPacket:
    event: TelephoneEvent
    ticks_since_key: int
    """All packets of a key carry the timestamp of its first."""


class KeySender:
    """The keys one row still has to send, one packet or nothing a tick."""

    def __init__(self) -> None:
        self._ticks: deque[EventPacket | None] = deque()

    def press(self, digits: str) -> None:
        """Queue keys; a comma pauses for half a second, other characters are ignored."""
        for digit in digits.upper():
            if digit == PAUSE:
                self._ticks.extend([None] * (PAUSE_MS // TICK_MS))
            elif digit in KEYS:
                self._press_one(digit)

    def next_tick(self) -> EventPacket | None:
        return self._ticks.popleft() if self._ticks else None

    def is_busy(self) -> bool:
        return bool(self._ticks)

    def _press_one(self, key: str) -> None:
        length = TONE_MS // TICK_MS
        for tick in range(length):
            self._ticks.append(EventPacket(TelephoneEvent(key, False, (tick + 1) * FRAME_SAMPLES), tick))
        for repeat in range(END_PACKETS):
            last = TelephoneEvent(key, True, length * FRAME_SAMPLES)
            self._ticks.append(EventPacket(last, length + repeat))
        self._ticks.extend([None] * (GAP_MS // TICK_MS))


def key_tones(digits: str) -> bytes:
    """The same keys as µ-law sound, for lines without telephone events (ITU-T Q.23)."""
    silence = bytes([ULAW_SILENCE])
    sound = bytearray()
    time = np.arange(TONE_MS * SAMPLES_PER_MS) / (1000 * SAMPLES_PER_MS)
    for digit in digits.upper():
        if digit == PAUSE:
            sound += silence * (PAUSE_MS * SAMPLES_PER_MS)
        elif digit in KEYPAD:
            row, column = divmod(KEYPAD.index(digit), len(COLUMN_HZ))
            pair = (ROW_HZ[row], COLUMN_HZ[column])
            wave = sum(np.sin(2 * np.pi * hz * time) for hz in pair) * 0.2 * 32767
            sound += encode_ulaw(np.asarray(wave).astype(np.int16)).tobytes()
            sound += silence * (GAP_MS * SAMPLES_PER_MS)
    return bytes(sound)
