"""Which line has which row, and the few things about a row that are not an array.

Rows are given out lowest first, so that the rows in use are a short prefix of every array.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from byourside_server.media.dtmf import KeySender
from byourside_server.media.reframe import Reframer


class BankFull(Exception):
    """No row is free: the engine was started for fewer calls."""


@dataclass
class Row:
    number: int
    line_id: str
    zero_tick: int
    """Tick of millisecond 0: of the first `connect`, later of `start_recording`."""
    connected: bool = False
    alaw: bool = False
    dtmf_payload_type: int | None = None
    recording: bool = False
    """True from `start_recording` on: times are positions in the WAV."""
    writes_file: bool = False
    written_until: int = 0
    """First tick that is not in the file yet."""
    opened_tick: int = 0
    sends: bool = False
    """False before `connect`, and while the far side does not want to hear us."""
    sending_since: int = 0
    sent_before: int = 0
    """Packets sent before `sending_since`."""
    heard_first_packet: bool = False
    speech: bytearray = field(default_factory=bytearray)
    speech_from: int = 0
    """First tick of `speech`."""
    speech_until: int = 0
    """First tick that is not in `speech` yet."""
    speech_told: int = 0
    """Bytes of `speech` that a listener has been told already."""
    speech_onset: int = 0
    keys: KeySender = field(default_factory=KeySender)
    key_timestamp: int | None = None
    """RTP timestamp of the last telephone event heard: its repeats carry the same."""
    reframer: Reframer | None = None

    def sent(self, tick: int) -> int:
        """Packets sent before this tick."""
        return self.sent_before + (tick - self.sending_since if self.sends else 0)


class RowBook:
    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._free = list(range(capacity))
        self._by_line: dict[str, Row] = {}
        self._by_number: list[Row | None] = [None] * capacity
        self.used_prefix = 0
        """All rows in use have numbers below this."""

    def __len__(self) -> int:
        return len(self._by_line)

    def open(self, line_id: str, tick: int) -> Row:
        if line_id in self._by_line:
            raise ValueError(f"line {line_id} is open already")
        if not self._free:
            raise BankFull(f"all {self.capacity} rows are in use")
        row = Row(heapq.heappop(self._free), line_id, tick, opened_tick=tick)
        self._by_line[line_id] = self._by_number[row.number] = row
        self.used_prefix = max(self.used_prefix, row.number + 1)
        return row

    def close(self, row: Row) -> None:
        del self._by_line[row.line_id]
        self._by_number[row.number] = None
        heapq.heappush(self._free, row.number)
        while self.used_prefix and self._by_number[self.used_prefix - 1] is None:
            self.used_prefix -= 1

    def find(self, line_id: str) -> Row | None:
        return self._by_line.get(line_id)

    def at(self, number: int) -> Row:
        row = self._by_number[number]
        assert row is not None, f"row {number} is free"
        return row

    def is_open(self, number: int) -> bool:
        return self._by_number[number] is not None

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._by_line.values()))
