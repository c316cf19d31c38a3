"""What each row tells the far side about its sound, when, and what the far side told of ours (RFC 3550 §6).

Knows reports, rows and moments (epoch seconds). Does not know sockets or keys. One report a row every five
seconds or so, so that nothing here is done per packet or per tick of a row.
"""

from __future__ import annotations

import base64
import heapq
from dataclasses import dataclass

import numpy as np

from byourside_server.media.jitter import JitterRing
from byourside_server.media.rtcp import Report, ReportBlock, SenderInfo, middle_of, ntp_time, parse
from byourside_server.media.rtp import FRAME_SAMPLES, SAMPLES_PER_MS

INTERVAL_S = 5.0
"""§6.2: the minimum, which two members of a telephone call never exceed."""
COMPENSATION = 1.21828
"""§6.3.1: e - 3/2, since reconsidering the timer lets it run longer than meant."""
LONGEST_ROUND_TRIP_S = 60.0
_MIDDLE_UNITS = 65536


@dataclass(frozen=True)
class Sent:
    """What a row has sent so far."""

    ssrc: int
    timestamp: int
    packets: int


@dataclass
class _Row:
    cname: str
    number: int
    """Distinguishes it from earlier lines of the same row in the calendar."""
    sent_at_last: int = 0
    expected_before: int = 0
    received_before: int = 0
    their_ssrc: int = 0
    their_sr: int = 0
    their_sr_at: float = 0.0
    round_trip_sum_s: float = 0.0
    round_trips: int = 0
    lost: int | None = None
    lost_of: int = 0
    jitter: int = 0


@dataclass(frozen=True)
class TheirView:
    """How the far side hears us; None where it never said."""

    round_trip_ms: float | None = None
    loss_percent: float | None = None
    jitter_ms: float | None = None


class ReportBook:
    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._rows: dict[int, _Row] = {}
        self._calendar: list[tuple[float, int, int]] = []
        self._opened = 0

    def begin(self, row: int, now: float) -> None:
        """Report from now on; nothing new where the row does already."""
        if row in self._rows:
            return
        self._opened += 1
        # RFC 7022 §4.2: a name for this call alone, that says nothing of who or where.
        name = base64.b64encode(self._random.bytes(12)).decode()
        self._rows[row] = _Row(name, self._opened)
        # §6.2: half the time before the first.
        self._plan(row, now, INTERVAL_S / 2)

    def forget(self, row: int) -> None:
        self._rows.pop(row, None)

    def is_open(self, row: int) -> bool:
        return row in self._rows

    def due(self, now: float) -> list[int]:
        """Rows that report now; each is planned again."""
        found = []
        while self._calendar and self._calendar[0][0] <= now:
            _, row, number = heapq.heappop(self._calendar)
            if row in self._rows and self._rows[row].number == number:
                found.append(row)
                self._plan(row, now, INTERVAL_S)
        return found

    def make(self, row: int, sent: Sent, heard: JitterRing, now: float, *, bye: bool = False) -> bytes:
        """The row's report: a sender's where it has sent since the last, else a receiver's."""
        state = self._rows[row]
        sender = None
        if sent.packets > state.sent_at_last:
            octets = sent.packets * FRAME_SAMPLES
            sender = SenderInfo(ntp_time(now), sent.timestamp, sent.packets, octets)
        state.sent_at_last = sent.packets
        blocks = (_block(state, heard, row, now),) if heard.started[row] else ()
        return Report(sent.ssrc, sender, blocks, state.cname, bye).to_bytes()

    def receive(self, row: int, data: bytes, ours: Sent, now: float) -> bool:
        """Take in a compound packet of theirs; False where it was none."""
        report = parse(data)
        state = self._rows.get(row)
        if report is None or state is None:
            return report is not None
        if report.sender is not None:
            state.their_ssrc, state.their_sr_at = report.ssrc, now
            state.their_sr = middle_of(report.sender.ntp)
        for block in report.blocks:
            if block.ssrc == ours.ssrc:
                self._learn(state, block, ours, now)
        return True

    def their_view(self, row: int) -> TheirView:
        state = self._rows.get(row)
        if state is None:
            return TheirView()
        trip_ms = 1000 * state.round_trip_sum_s / state.round_trips if state.round_trips else None
        if state.lost is None:
            return TheirView(trip_ms)
        loss = 100 * min(1.0, max(0, state.lost) / max(1, state.lost_of))
        return TheirView(trip_ms, loss, state.jitter / SAMPLES_PER_MS)

    def _learn(self, state: _Row, block: ReportBlock, ours: Sent, now: float) -> None:
        state.lost, state.lost_of, state.jitter = block.lost, ours.packets, block.jitter
        if not block.last_sr:
            return
        # §6.4.1: A - LSR - DLSR. Clocks that run apart can make it a little less than nothing.
        passed = (middle_of(ntp_time(now)) - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
        if passed >= 1 << 31:
            passed = 0
        if passed < LONGEST_ROUND_TRIP_S * _MIDDLE_UNITS:
            state.round_trip_sum_s += passed / _MIDDLE_UNITS
            state.round_trips += 1

    def _plan(self, row: int, now: float, interval_s: float) -> None:
        """§6.3.1: spread over half to one and a half times the interval."""
        after_s = interval_s * (0.5 + float(self._random.random())) / COMPENSATION
        heapq.heappush(self._calendar, (now + after_s, row, self._rows[row].number))


def _block(state: _Row, heard: JitterRing, row: int, now: float) -> ReportBlock:
    expected, received = heard.expected_and_received(row)
    new, came = expected - state.expected_before, received - state.received_before
    state.expected_before, state.received_before = expected, received
    source = heard.source(row)
    last_sr = delay = 0
    if state.their_sr and state.their_ssrc == source:
        last_sr = state.their_sr
        delay = max(0, int((now - state.their_sr_at) * _MIDDLE_UNITS))
    return ReportBlock(
        source,
        max(0.0, (new - came) / new) if new > 0 else 0.0,
        expected - received,
        heard.extended_highest(row),
        int(heard.jitter_ms(row) * SAMPLES_PER_MS),
        last_sr,
        delay,
    )
