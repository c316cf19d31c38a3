"""One packet, RFC 3550 §5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.media.rtp import RtpPacket, parse

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 63),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
)


@given(PACKETS)
def test_a_packet_survives_the_line(packet: RtpPacket) -> None:
    assert parse(packet.to_bytes()) == packet


def test_header_fields_stand_where_the_rfc_draws_them() -> None:
    data = RtpPacket(8, 0x1234, 0x56789ABC, 0xDEF01234, b"\xd5", marker=True).to_bytes()
    assert data.hex() == "80" + "88" + "1234" + "56789abc" + "def01234" + "d5"


def test_sources_extension_and_padding_are_stepped_over() -> None:
    """RFC 3550 §5.3.1: the extension's length counts 32-bit words after its own header."""
    head = bytes([0x80 | 0x20 | 0x10 | 2, 0]) + bytes(10) + bytes(8)
    extension = b"\xbe\xde\x00\x01" + b"abcd"
    packet = parse(head + extension + b"sound" + b"\x00\x00\x03")
    assert packet is not None
    assert packet.payload == b"sound"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(171),
        b"\x80\xc8" + bytes(26),
        b"\x90\x00" + bytes(10) + b"\x00\x00\x00\xff",
        b"\xa0\x00" + bytes(10) + b"\xff",
    ],
    ids=["empty", "short", "version 1", "RTCP sender report", "endless extension", "padding beyond start"],
)
def test_what_is_not_rtp_is_nothing(data: bytes) -> None:
    assert parse(data) is None
