"""RTCP as bytes, its moments, and what both sides learn of each other."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.media.jitter import JitterRing
from byourside_server.media.reports import INTERVAL_S, ReportBook, Sent
from byourside_server.media.rtcp import (
    LEAST_LOST,
    MOST_LOST,
    Report,
    ReportBlock,
    SenderInfo,
    middle_of,
    ntp_time,
    parse,
)

U32 = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(
    ReportBlock,
    U32,
    st.integers(0, 255).map(lambda eighth: eighth / 256),
    st.integers(LEAST_LOST, MOST_LOST),
    *[U32] * 4,
)
REPORTS = st.builds(
    Report,
    U32,
    st.none() | st.builds(SenderInfo, st.integers(0, (1 << 64) - 1), U32, U32, U32),
    st.lists(BLOCKS, max_size=3).map(tuple),
    st.none() | st.text(max_size=40),
    st.booleans(),
)
EPOCH = 1_700_000_000.0


@given(REPORTS)
def test_what_is_written_is_read_back(report: Report) -> None:
    assert parse(report.to_bytes()) == report


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    parse(data)
    parse(b"\x80\xc9\0\1" + bytes(4) + data)


def test_a_sender_report_as_a_phone_sends_it() -> None:
    """SR, SDES with CNAME, by hand after RFC 3550 §6.4.1 and §6.5."""
    sr = bytes.fromhex("81c8000c" "11223344" "e8e00000" "80000000" "00001f40" "00000032" "00001f40")
    sr += bytes.fromhex("aabbccdd" "40000003" "00010010" "00000050" "00008000" "00010000")
    sdes = bytes.fromhex("81ca0003" "11223344" "0103626f" "62000000")
    report = parse(sr + sdes)
    assert report is not None
    assert report.sender == SenderInfo(0xE8E0000080000000, 8000, 50, 8000)
    assert report.blocks == (ReportBlock(0xAABBCCDD, 0.25, 3, 0x10010, 80, 0x8000, 0x10000),)
    assert report.cname == "bob"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes.fromhex("81ca0001" "11223344"),
        bytes.fromhex("40c90001" "11223344"),
        bytes.fromhex("80c90002" "11223344"),
        bytes.fromhex("81c90001" "11223344"),
        bytes.fromhex("a0c90001" "11223344"),
        bytes.fromhex("80c90001" "11223344" "a0cb0001" "00000000"),
        bytes.fromhex("80c90001" "11223344" "81ca0002" "11223344" "01ff6100"),
    ],
    ids=[
        "empty",
        "no report first",
        "version 1",
        "too short",
        "no block",
        "padding first",
        "padding of zero",
        "item too long",
    ],
)
def test_what_is_not_a_compound_packet_is_none(data: bytes) -> None:
    """RFC 3550 appendix A.2."""
    assert parse(data) is None


def test_voip_metrics_are_read() -> None:
    """RFC 3611 §4.7; 127 says that it is not known."""
    body = struct.pack("!IBBBBHHHHBBBBBBBB", 9, 26, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 88, 127, 42, 41)
    body += bytes(8)
    block = struct.pack("!BBH", 7, 0, len(body) // 4) + body
    xr = struct.pack("!BBHI", 0x80, 207, (4 + len(block)) // 4, 1) + block
    report = parse(Report(1).to_bytes() + xr)
    assert report is not None
    (metrics,) = report.metrics
    assert (metrics.ssrc, metrics.round_trip_ms, metrics.r_factor, metrics.mos_listening) == (9, 80, 88, 4.2)
    assert metrics.loss == pytest.approx(26 / 256)


class Side:
    """A row's reports, and the ring it hears with."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc, self.packets = ssrc, 0
        self.book = ReportBook(np.random.default_rng(ssrc))
        self.ring = JitterRing(1)
        self.book.begin(0, EPOCH)

    @property
    def sent(self) -> Sent:
        return Sent(self.ssrc, self.packets * 160, self.packets)

    def hear(self, ssrc: int, sequences: list[int]) -> None:
        for sequence in sequences:
            self.ring.place(
                np.array([0]),
                np.array([sequence]),
                np.array([sequence * 160]),
                np.array([ssrc]),
                np.zeros((1, 160), np.uint8),
                sequence,
            )
            self.ring.take(1, np.zeros((1, 160), np.uint8))

    def report(self, at: float, *, bye: bool = False) -> bytes:
        return self.book.make(0, self.sent, self.ring, at, bye=bye)


def test_loss_is_told_and_understood() -> None:
    near, far = Side(1), Side(2)
    near.packets = 100
    far.hear(1, [n for n in range(100) if n % 10])
    assert near.book.receive(0, far.report(EPOCH + 5), near.sent, EPOCH + 5)
    view = near.book.their_view(0)
    assert view.loss_percent == pytest.approx(9, abs=1)
    assert view.round_trip_ms is None


def test_a_report_is_of_the_time_since_the_last() -> None:
    """RFC 3550 §6.4.1: fraction lost is of the interval, the count of all."""
    far = Side(2)
    far.hear(1, [n for n in range(100) if n % 2])
    first = parse(far.report(EPOCH + 5))
    far.hear(1, list(range(100, 200)))
    second = parse(far.report(EPOCH + 10))
    assert first is not None
    assert second is not None
    assert first.blocks[0].fraction_lost == pytest.approx(0.5, abs=0.02)
    assert (second.blocks[0].fraction_lost, second.blocks[0].lost) == (0, first.blocks[0].lost)
    assert second.blocks[0].highest_sequence == 199


def test_the_round_trip_is_what_is_left_without_the_far_sides_wait() -> None:
    """RFC 3550 figure 2: A minus LSR minus DLSR."""
    near, far = Side(1), Side(2)
    near.packets = 50
    far.hear(1, list(range(50)))
    far.book.receive(0, near.report(EPOCH), far.sent, EPOCH + 0.030)
    near.book.receive(0, far.report(EPOCH + 2.030), near.sent, EPOCH + 2.100)
    assert near.book.their_view(0).round_trip_ms == pytest.approx(100, abs=0.1)


def test_who_has_not_sent_reports_as_a_receiver_and_names_itself() -> None:
    side = Side(1)
    silent = parse(side.report(EPOCH))
    side.packets = 5
    speaking = parse(side.report(EPOCH, bye=True))
    assert silent is not None
    assert speaking is not None
    assert silent.sender is None
    assert speaking.sender == SenderInfo(ntp_time(EPOCH), 800, 5, 800)
    assert (silent.bye, speaking.bye) == (False, True)
    assert silent.cname == speaking.cname
    assert silent.cname is not None
    assert len(silent.cname) == 16


def test_reports_are_spread_around_five_seconds() -> None:
    """RFC 3550 §6.3.1: half to one and a half times the interval, divided by e - 3/2."""
    book = ReportBook(np.random.default_rng(3))
    book.begin(0, EPOCH)
    now, moments = EPOCH, []
    while now < EPOCH + 300:
        now += 0.02
        moments += [now] * len(book.due(now))
    gaps = np.diff(moments)
    assert gaps.min() > 0.4 * INTERVAL_S
    assert gaps.max() < 1.3 * INTERVAL_S
    assert gaps.std() > 0.5


def test_a_row_that_is_closed_reports_no_more() -> None:
    book = ReportBook(np.random.default_rng(3))
    book.begin(0, EPOCH)
    book.forget(0)
    book.begin(0, EPOCH + 100)
    assert book.due(EPOCH + 100) == []
    assert book.due(EPOCH + 110) == [0]


def test_the_middle_of_a_time_is_what_reports_refer_to() -> None:
    """RFC 3550 §4 and §6.4.1: 16 bits of seconds, 16 of their fraction."""
    assert middle_of(ntp_time(-2_208_988_800 + 3.5)) == (3 << 16) | 0x8000
