"""Packet times other than 20 ms."""

import pytest

from byourside_server.media.reframe import Reframer

SOUND = bytes(range(240)) * 8


@pytest.mark.parametrize("packet_ms", [10, 30, 40, 60])
def test_sound_comes_out_as_it_went_in(packet_ms: int) -> None:
    size = packet_ms * 8
    reframer, out = Reframer(), []
    for sequence, at in enumerate(range(0, len(SOUND), size)):
        out += reframer.receive((65_534 + sequence) & 0xFFFF, SOUND[at : at + size])
    assert b"".join(frame for _, frame in out) == SOUND
    assert [sequence for sequence, _ in out] == list(range(len(SOUND) // 160))


def test_a_lost_packet_leaves_its_length_of_silence() -> None:
    reframer = Reframer()
    out = reframer.receive(1, b"a" * 240) + reframer.receive(3, b"c" * 240)
    sound = b"".join(frame for _, frame in out)
    assert sound == (b"a" * 240 + b"\xff" * 240 + b"c" * 240)[: len(sound)]
    assert len(sound) == 640


def test_a_packet_behind_or_twice_is_dropped() -> None:
    reframer = Reframer()
    reframer.receive(5, b"a" * 80)
    assert reframer.receive(5, b"a" * 80) == []
    assert reframer.receive(4, b"b" * 80) == []
    assert reframer.receive(6, b"c" * 80) == [(0, b"a" * 80 + b"c" * 80)]
