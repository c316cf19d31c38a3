"""Packets in every wrong order, as frames in the right one."""

import numpy as np
import pytest

from byourside_server.media.jitter import JitterRing


class OneRow:
    """A ring seen through its second row; frame contents are the sequence number modulo 251."""

    def __init__(self) -> None:
        self.ring = JitterRing(2)
        self.tick = 0

    def put(self, *sequences: int, ssrc: int = 1, timestamps: list[int] | None = None) -> None:
        for index, sequence in enumerate(sequences):
            timestamp = sequence * 160 if timestamps is None else timestamps[index]
            self.ring.place(
                np.array([1]),
                np.array([sequence & 0xFFFF]),
                np.array([timestamp & 0xFFFFFFFF]),
                np.array([ssrc]),
                np.full((1, 160), sequence % 251, np.uint8),
                self.tick,
            )

    def take(self) -> int:
        frames = np.zeros((2, 160), np.uint8)
        self.ring.take(2, frames)
        self.tick += 1
        assert (frames[0] == 0xFF).all(), "the other row heard something"
        assert (frames[1] == frames[1, 0]).all()
        return int(frames[1, 0])

    def count(self, what: str) -> int:
        return int(getattr(self.ring, what)[1])


@pytest.fixture
def row() -> OneRow:
    return OneRow()


def test_a_steady_stream_comes_out_one_tick_later(row: OneRow) -> None:
    heard = []
    for sequence in range(10, 20):
        row.put(sequence)
        heard.append(row.take())
    assert heard == [0xFF, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    assert row.count("received") == 10


def test_numbers_wrap_at_65535(row: OneRow) -> None:
    heard = []
    for sequence in range(65533, 65540):
        row.put(sequence)
        heard.append(row.take())
    assert heard[1:] == [sequence % 251 for sequence in range(65533, 65539)]
    assert row.count("lost") == 0


def test_reordered_packets_come_out_in_order(row: OneRow) -> None:
    row.put(1, 3, 2)
    assert [row.take() for _ in range(3)] == [1, 2, 3]


def test_a_lost_packet_is_silence_once_its_time_and_a_later_one_have_come(row: OneRow) -> None:
    heard = []
    for sequence in (1, 2, 3, None, 5, 6):
        if sequence:
            row.put(sequence)
        heard.append(row.take())
    assert heard == [0xFF, 1, 2, 3, 0xFF, 5]
    assert row.count("lost") == 1


def test_a_packet_that_is_only_late_is_waited_for(row: OneRow) -> None:
    row.put(1)
    row.take()
    assert [row.take(), row.take()] == [1, 0xFF]
    row.put(2)
    assert row.take() == 2
    assert row.count("lost") == 0


def test_a_duplicate_is_heard_once_and_counted(row: OneRow) -> None:
    row.put(1, 2, 2, 3)
    assert [row.take() for _ in range(3)] == [1, 2, 3]
    assert (row.count("received"), row.count("duplicate")) == (3, 1)


def test_a_packet_behind_its_moment_is_dropped_and_counted(row: OneRow) -> None:
    row.put(1, 2, 3)
    assert [row.take() for _ in range(2)] == [1, 2]
    row.put(1)
    assert row.take() == 3
    assert row.count("late") == 1


def test_a_backlog_is_shortened(row: OneRow) -> None:
    row.put(*range(1, 11))
    heard = [row.take() for _ in range(9)]
    assert heard[0] == 1
    assert 10 in heard
    assert row.count("skipped") + len([value for value in heard if value != 0xFF]) == 10


def test_a_packet_beyond_the_ring_moves_the_ring(row: OneRow) -> None:
    """Two seconds of lost packets must not cost two more seconds of silence."""
    row.put(1)
    row.take()
    row.take()
    row.put(50, 51)
    heard = [row.take() for _ in range(4)]
    assert [value for value in heard if value != 0xFF] == [50, 51]
    assert row.count("lost") == 48


def test_another_source_starts_a_new_stream(row: OneRow) -> None:
    """RFC 3550 §8.2: a new SSRC brings its own random sequence numbers."""
    row.put(1000)
    row.take()
    row.put(3, 4, ssrc=2)
    assert [row.take() for _ in range(2)] == [3, 4]


def test_a_restarted_stream_is_followed_both_ways(row: OneRow) -> None:
    """RFC 3550 A.1: a jump beyond the misorder limit is a restart of the other side."""
    for first in (40_000, 200, 30_000):
        row.put(first, first + 1)
        assert [row.take() for _ in range(3)] == [first % 251, (first + 1) % 251, 0xFF]


def test_jitter_is_that_of_the_rfc(row: OneRow) -> None:
    """RFC 3550 A.8 by hand: transit differences of 0, then 160 units, then 0 again."""
    row.put(1)
    row.take()
    row.put(2)
    row.take()
    assert row.ring.jitter_ms(1) == 0
    row.put(3, timestamps=[3 * 160 - 160])
    assert row.ring.jitter_ms(1) == pytest.approx(160 / 16 / 8)


def test_a_timestamp_that_wraps_is_no_jitter(row: OneRow) -> None:
    row.put(1, timestamps=[0xFFFFFFFF - 159])
    row.take()
    row.put(2, timestamps=[0])
    assert row.ring.jitter_ms(1) == 0


def test_reset_forgets_the_row(row: OneRow) -> None:
    row.put(1, 2, 3)
    row.take()
    row.ring.reset(1)
    assert [row.take() for _ in range(4)] == [0xFF] * 4
    assert [row.count(name) for name in ("received", "lost", "late", "duplicate", "skipped")] == [0] * 5


def test_rows_fed_together_are_each_as_if_fed_alone() -> None:
    """Ticks in which every row gets a packet take another way in; some packets are late or come twice."""
    count, random = 5, np.random.default_rng(3)
    together, alone = JitterRing(count), JitterRing(count)
    for tick in range(300):
        kept = np.flatnonzero(random.random(count) < (1.0 if tick % 3 else 0.6))
        sequence = (65_400 + tick - random.choice([0, 0, 0, 1, 3], len(kept))) & 0xFFFF
        frames = random.integers(0, 256, (len(kept), 160), np.uint8)
        source, stamp = np.full(len(kept), 9), sequence * 160
        together.place(kept, sequence, stamp, source, frames, tick)
        for at in range(len(kept)):
            one = slice(at, at + 1)
            alone.place(kept[one], sequence[one], stamp[one], source[one], frames[one], tick)
        heard = [np.zeros((count, 160), np.uint8) for _ in range(2)]
        concerned = [ring.take(count, out) for ring, out in zip((together, alone), heard, strict=True)]
        assert np.array_equal(heard[0], heard[1])
        assert np.array_equal(concerned[0], concerned[1])
    for name in ("received", "lost", "late", "duplicate", "skipped"):
        assert getattr(together, name).tolist() == getattr(alone, name).tolist()
    assert together.duplicate.any()
    assert together.late.any()
