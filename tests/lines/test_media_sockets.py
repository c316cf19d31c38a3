"""Rows on real sockets of the loopback, ticked by hand: whom a row believes to be its far side."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from byourside_server.lines import media_uring as uring
from byourside_server.lines.media_sockets import LEFT_FOR_TICKS, LOOSEN_AFTER_TICKS, UdpRows
from byourside_server.lines.media_uring_rows import UringRows
from byourside_server.media.rtp import PACKET_BYTES, RtpPacket

OUR_FRAME = np.zeros((1, PACKET_BYTES), np.uint8)


MakeRows = Callable[[int, str], UdpRows]


def ring_rows(capacity: int, host: str) -> UdpRows:
    try:
        return UringRows(capacity, host)
    except OSError as error:
        pytest.skip(f"there is no io_uring here: {error}")


@pytest.fixture(params=[UdpRows, ring_rows], ids=["plain", "ring"])
def make(request: pytest.FixtureRequest) -> MakeRows:
    """Both ways to move packets keep the same promises."""
    made: MakeRows = request.param
    return made


class FarSide:
    """A phone's RTP socket."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(30)
        self.port: int = self.socket.getsockname()[1]
        self._sequence = 0

    def say(self, port: int) -> None:
        self._sequence += 1
        packet = RtpPacket(0, self._sequence, self._sequence * 160, self.port, b"\x01" * 160)
        self.socket.sendto(packet.to_bytes(), ("127.0.0.1", port))

    def hears(self) -> int:
        """How many packets have come in; the loopback delivers before `sendto` returns."""
        self.socket.setblocking(False)
        count = 0
        while True:
            try:
                self.socket.recv(2000)
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def far_sides() -> Iterator[list[FarSide]]:
    sides = [FarSide(), FarSide()]
    yield sides
    for side in sides:
        side.socket.close()


def tick(rows: UdpRows, count: int = 1) -> list[int]:
    """Source ports (they are the SSRC here) of the packets that were let in."""
    heard = []
    for _ in range(count):
        rows.send(OUR_FRAME, {})
        for _, packets, _ in rows.receive():
            heard += [int.from_bytes(packet[8:12].tobytes(), "big") for packet in packets]
    return heard


def test_a_far_side_that_fell_silent_may_come_back_from_elsewhere(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """A gateway fails over, or a NAT forgets: no re-INVITE tells of it."""
    before, after = far_sides
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "127.0.0.1", before.port)
    before.say(port)
    assert tick(rows) == [before.port]
    after.say(port)
    assert tick(rows, 5) == [], "while the first one may still be there, nobody else is believed"
    before.hears()
    assert tick(rows, LOOSEN_AFTER_TICKS + 30) == []
    assert before.hears() == LOOSEN_AFTER_TICKS + 30, "nothing is sent elsewhere before somebody speaks"
    after.say(port)
    assert tick(rows) == [after.port]
    tick(rows, 3)
    assert after.hears() == 3
    rows.close(0)


def test_silence_does_not_send_a_phone_behind_nat_back_to_what_its_sdp_said(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """Silence suppression: no packet for seconds, and the words must reach it all the same."""
    announced, real = far_sides
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "127.0.0.1", announced.port)
    real.say(port)
    tick(rows, LOOSEN_AFTER_TICKS + 60)
    announced.hears()
    real.hears()
    tick(rows, 10)
    assert (announced.hears(), real.hears()) == (0, 10)
    rows.close(0)


def test_the_last_packets_from_the_old_address_do_not_hold_a_row_that_was_moved(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """A re-INVITE is answered before the far side's old stream has dried up."""
    old, new = far_sides
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "127.0.0.1", old.port)
    old.say(port)
    tick(rows)
    rows.aim(0, "127.0.0.1", new.port)
    for _ in range(3):
        old.say(port)
    assert tick(rows, 5) == []
    assert new.hears() == 5
    new.say(port)
    assert tick(rows) == [new.port]
    rows.close(0)


def test_a_phone_behind_nat_that_keeps_its_source_is_believed_again_after_a_while(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """The SDP of a re-INVITE names another private address; the packets come whence they came."""
    source, announced = far_sides
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "127.0.0.1", source.port)
    source.say(port)
    tick(rows)
    rows.aim(0, "127.0.0.1", announced.port)
    tick(rows, LEFT_FOR_TICKS)
    source.say(port)
    assert tick(rows) == [source.port]
    rows.close(0)


def test_a_tick_over_quiet_rows_stays_cheap(make: MakeRows) -> None:
    """Every 25th tick looks for quiet rows: a vector operation, whatever their number."""
    rows = make(50, "127.0.0.1")
    for row in range(50):
        rows.open(row)
    began = time.process_time()
    for _ in range(200):
        list(rows.receive())
    spent_s = time.process_time() - began
    for row in range(50):
        rows.close(row)
    assert spent_s / 200 < 0.005


def test_reports_go_beside_the_sound_and_come_with_the_kernels_time(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """RFC 3550 §11: an even port for RTP, the next one for RTCP; answered where it came from."""
    announced, stranger_to_sdp = far_sides
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    assert port % 2 == 0
    rows.aim(0, "127.0.0.1", 9, announced.port)
    rows.send_report(0, b"ours")
    assert announced.socket.recv(100) == b"ours"
    sent_at = time.time()
    stranger_to_sdp.socket.sendto(b"theirs", ("127.0.0.1", port + 1))
    arrived_by = time.time()
    ((row, data, at),) = rows.receive_reports()
    assert (row, data) == (0, b"theirs")
    assert at is not None
    assert sent_at - 0.001 <= at <= arrived_by + 0.001
    rows.send_report(0, b"again")
    assert stranger_to_sdp.socket.recv(100) == b"again", "behind NAT, another port than was announced"
    rows.close(0)


def test_reports_from_a_host_nobody_named_are_not_heard(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "192.0.2.1", 9, 10)
    far_sides[0].socket.sendto(b"forged", ("127.0.0.1", port + 1))
    assert rows.receive_reports() == []
    rows.close(0)


def test_a_row_that_shares_its_port_reports_there(far_sides: list[FarSide], make: MakeRows) -> None:
    """RFC 5761."""
    rows = make(1, "127.0.0.1")
    rows.open(0)
    rows.aim(0, "127.0.0.1", far_sides[0].port, far_sides[0].port)
    rows.send_report(0, b"ours")
    assert far_sides[0].socket.recv(100) == b"ours"
    rows.close(0)


def test_a_muted_row_sends_nothing_but_reports(far_sides: list[FarSide], make: MakeRows) -> None:
    far = far_sides[0]
    rows = make(1, "127.0.0.1")
    port = rows.open(0)
    rows.aim(0, "127.0.0.1", far.port, far.port)
    rows.mute(0, True)
    tick(rows, 3)
    far.say(port)
    assert tick(rows, 3) == [far.port], "and hears all the same"
    assert far.hears() == 0
    rows.send_report(0, b"ours")
    assert far.hears() == 1
    rows.mute(0, False)
    tick(rows, 2)
    assert far.hears() == 2
    rows.close(0)


def test_what_takes_a_frames_place_is_sent_whole_in_its_stead(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    """Keys are shorter than a frame, encrypted frames longer; the other rows are sent as they are."""
    rows = make(2, "127.0.0.1")
    ports = [rows.open(0), rows.open(1)]
    for row, side in enumerate(far_sides):
        rows.aim(row, "127.0.0.1", side.port)
        side.say(ports[row])
    frames = np.zeros((2, PACKET_BYTES), np.uint8)
    list(rows.receive())
    for instead in (b"key", b"encrypted" * 30):
        rows.send(frames, {0: instead})
        assert far_sides[0].socket.recv(2000) == instead
        assert far_sides[1].socket.recv(2000) == frames[1].tobytes()
    rows.close(0)
    rows.send(frames, {})
    assert far_sides[1].socket.recv(2000) == frames[1].tobytes()
    rows.close(1)


def test_a_port_that_is_gone_costs_only_its_own_packets(far_sides: list[FarSide], make: MakeRows) -> None:
    """ICMP says that nobody listens there (ECONNREFUSED): the other rows are sent all the same."""
    rows = make(2, "127.0.0.1")
    ports = [rows.open(0), rows.open(1)]
    for row, side in enumerate(far_sides):
        rows.aim(row, "127.0.0.1", side.port)
        side.say(ports[row])
    list(rows.receive())
    far_sides[0].socket.close()
    frames = np.zeros((2, PACKET_BYTES), np.uint8)
    for _ in range(5):
        rows.send(frames, {})
        list(rows.receive())
    assert far_sides[1].hears() == 5
    rows.close(0)
    rows.close(1)


def test_more_rows_than_the_ring_has_entries_are_moved_in_pieces() -> None:
    """Three entries in a ring of two, again and again, so that its end is crossed at every place."""
    try:
        ring = uring.Ring(2)
    except OSError as error:
        pytest.skip(f"there is no io_uring here: {error}")
    there, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with there, theirs:
        words = np.frombuffer(b"one.two.six.", np.uint8)
        entries = np.zeros(3, uring.ENTRY)
        entries["opcode"], entries["file"] = uring.SEND, there.fileno()
        entries["address"], entries["length"] = words.ctypes.data + np.arange(3) * 4, 4
        entries["user_data"] = [7, 8, 9]
        for _ in range(5):
            done = ring.submit(entries)
            assert [(int(one["user_data"]), int(one["result"])) for one in done] == [(7, 4), (8, 4), (9, 4)]
            assert [theirs.recv(10) for _ in range(3)] == [b"one.", b"two.", b"six."]
    ring.close()


def test_a_packet_is_told_with_its_own_row_whoever_else_is_silent(
    far_sides: list[FarSide], make: MakeRows
) -> None:
    rows = make(2, "127.0.0.1")
    ports = [rows.open(row) for row in range(2)]
    for row, side in enumerate(far_sides):
        rows.aim(row, "127.0.0.1", side.port)
    for speaking in ([0, 1], [1], [0], [0, 1]):
        for row in speaking:
            far_sides[row].say(ports[row])
        rows.send(np.zeros((2, PACKET_BYTES), np.uint8), {})
        heard: dict[int, int] = {}
        for numbers, packets, lengths in rows.receive():
            assert lengths.tolist() == [PACKET_BYTES] * len(numbers)
            sources = [int.from_bytes(packet[8:12].tobytes(), "big") for packet in packets]
            heard |= dict(zip(numbers.tolist(), sources, strict=True))
        assert heard == {row: far_sides[row].port for row in speaking}
    for row in range(2):
        rows.close(row)


def test_a_kernel_that_can_not_keep_quiet_has_no_ring_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """io_uring_setup(2): Linux 5.4 to 5.16 have a ring, but refuse each entry with IOSQE_CQE_SKIP_SUCCESS."""
    features_of_5_15 = 0x7FF
    made: list[int] = []

    class OlderKernel:
        """As much of libc as a ring is made with."""

        @staticmethod
        def syscall(number: int, entries: int, parameters: Any) -> int:
            assert number == uring._SETUP
            given = parameters._obj
            given[0], given[1], given[5] = entries, 2 * entries, features_of_5_15
            made.append(os.memfd_create("ring"))
            os.truncate(made[-1], 1 << 29)
            return made[-1]

    monkeypatch.setattr(uring, "_LIBC", OlderKernel)
    with pytest.raises(OSError, match="too old"):
        uring.Ring(4)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(made[0])
