"""What is fuzzed: one function for each parser, which raises where a promise is broken.

Every parser refuses with its own error and no other, and what it accepts survives being written and read
again. `script/fuzz NAME` feeds them; the corpus and every find stand in `corpus/NAME` and run with the tests.
"""

from __future__ import annotations

from collections.abc import Callable

from byourside_server.media import rtcp, rtp
from byourside_server.sip import digest, refer, sdp
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.framing import StreamFramer
from byourside_server.sip.grammar import parse_name_addr, parse_sip_uri, parse_via
from byourside_server.sip.message import Headers, Request
from byourside_server.sip.parse import parse
from tests.sip.wire import OFFICE, PHONE, Pair


def message(data: bytes) -> None:
    """A datagram, and a live call on each side that hears it."""
    try:
        read = parse(data)
    except SipParseError:
        read = None
    if read is not None:
        again = parse(read.encode())
        assert again == read, (again, read)
    pair = Pair()
    pair.answered()
    pair.wire.inject(data, PHONE, OFFICE)
    pair.wire.inject(data, OFFICE, PHONE)
    pair.wire.run(1)


def stream(data: bytes) -> None:
    """However a stream is cut into pieces, the same messages come out of it."""
    size = 1 + (data[0] if data else 0) % 64
    assert _cut(data[1:], size) == _cut(data[1:], len(data) + 1)


def _cut(data: bytes, size: int) -> tuple[list[bytes], bool]:
    framer = StreamFramer()
    found: list[bytes] = []
    try:
        for at in range(0, len(data), size):
            found += framer.feed(data[at : at + size])
    except SipParseError:
        return found, True
    return found, False


def description(data: bytes) -> None:
    try:
        read = sdp.parse(data)
    except sdp.SdpError:
        return
    # What we write in full (an origin, say) need not have been there: the second reading is the measure.
    written = read.encode()
    assert sdp.parse(written).encode() == written
    try:
        sdp.answer(read, "192.0.2.1", 4000)
    except sdp.SdpError:
        return


def rtp_packet(data: bytes) -> None:
    rtp.parse(data)


def rtcp_packet(data: bytes) -> None:
    """A report that is read; writing it and reading it again says the same of sender, blocks and name."""
    read = rtcp.parse(data)
    if read is None:
        return
    again = rtcp.parse(read.to_bytes())
    assert again is not None
    assert (again.ssrc, again.sender, again.blocks) == (read.ssrc, read.sender, read.blocks)


def challenge(data: bytes) -> None:
    try:
        found = digest.parse_challenges(data.decode("utf-8", "surrogateescape"))
    except SipParseError:
        return
    for one in found:
        if one.can_be_met:
            value = digest.authorization(one, user="u", password="p", method="INVITE", uri="sip:a@b")
            (again,) = digest.parse_challenges(value)
            assert (again.realm, again.nonce) == (one.realm, one.nonce)


def address(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for read in (parse_name_addr, parse_sip_uri, parse_via):
        try:
            value = read(text)
        except SipParseError:
            continue
        assert read(str(value)) == value, (read, value)


def sipfrag(data: bytes) -> None:
    """The body of a NOTIFY that says what came of a REFER, and its state, after a NUL."""
    state, _, body = data.partition(b"\0")
    headers = Headers([("Subscription-State", state.decode("latin-1"))])
    status = refer.final_status(Request(headers, body, "NOTIFY", "sip:a@b"))
    assert status is None or 200 <= status <= 699


TARGETS: dict[str, Callable[[bytes], None]] = {
    "message": message,
    "stream": stream,
    "sdp": description,
    "rtp": rtp_packet,
    "rtcp": rtcp_packet,
    "challenge": challenge,
    "address": address,
    "sipfrag": sipfrag,
}
