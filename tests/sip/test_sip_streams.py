"""Calls over TCP and TLS: RFC 3261 §17 and §18 where the wire is a connection."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byourside_server.sip import sdp
from byourside_server.sip.events import Answered, HungUp, Refused
from byourside_server.sip.grammar import parse_sip_uri
from byourside_server.sip.hop import Hop, Transport, hop_of_uri
from byourside_server.sip.message import Request
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.streams import IDLE_S, MAX_ACCEPTED, SILENT_S
from tests.sip.stream_wire import TLS_PORT, StreamWire, pieces
from tests.sip.wire import ANSWER, OFFER, OFFICE, PHONE, Pair

OVER: dict[Transport, TrunkAddress] = {
    "tcp": TrunkAddress(PHONE, "carrier.example", transport="tcp"),
    "tls": TrunkAddress((PHONE[0], TLS_PORT), "carrier.example", transport="tls", server_name="sip.carrier"),
}
LARGE = OFFER + b"a=ptime:20\r\n" * 100


def pair_over(transport: Transport) -> tuple[Pair, StreamWire]:
    wire = StreamWire()
    return Pair(wire, OVER[transport]), wire


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("piece", [1, 7, 65_536])
def test_a_call_over_one_connection_from_invite_to_bye(transport: Transport, piece: int) -> None:
    pair, wire = pair_over(transport)
    wire.piece = piece
    call, _ = pair.answered()
    call.send_message(b"hello", "text/plain", wire.now)
    wire.settle()
    call.hang_up(wire.now)
    wire.run(40)
    assert wire.over_streams(OFFICE) == ["INVITE", "ACK", "MESSAGE", "BYE"]
    assert wire.over_streams(PHONE) == ["100 INVITE", "200 INVITE", "200 MESSAGE", "200 BYE"]
    assert wire.log == []  # no datagram
    assert [hop.transport for _, hop in wire.opened] == [transport]
    assert set(pair.office.held().values()) - {0} == {1}  # the watch over the connection
    assert pair.story(OFFICE) == ["Answered", "HungUp"]
    assert pair.story(PHONE)[-1] == "HungUp"


@pytest.mark.parametrize(("transport", "port"), [("tcp", 5060), ("tls", TLS_PORT)])
def test_via_and_contact_name_the_transport(transport: Transport, port: int) -> None:
    """§18.1.1 and §19.1.1, on requests of both sides and on the 200."""
    pair, wire = pair_over(transport)
    _, incoming = pair.answered()
    invite = next(sent.message for sent in wire.streamed if sent.label == "INVITE")
    assert invite.via.transport == transport.upper()
    assert (invite.via.host, invite.via.port) == (OFFICE[0], port)
    assert (invite.headers.get("Contact") or "").endswith(f"@{OFFICE[0]}:{port};transport={transport}>")
    answer = next(sent.message for sent in wire.streamed if sent.label == "200 INVITE")
    assert (answer.headers.get("Contact") or "").endswith(f"@{PHONE[0]}:{port};transport={transport}>")
    incoming.hang_up(wire.now)
    wire.settle()
    bye = next(sent.message for sent in wire.streamed if sent.label == "BYE")
    assert isinstance(bye, Request)
    assert bye.via.transport == transport.upper()
    assert pair.heard_by_office(HungUp)
    # The phone opened a connection of its own to our Contact.
    assert [(address, hop.port, hop.transport) for address, hop in wire.opened] == [
        (OFFICE, port, transport),
        (PHONE, port, transport),
    ]


def test_the_certificate_is_to_carry_the_trunks_name() -> None:
    pair, wire = pair_over("tls")
    pair.dial()
    assert wire.opened[0][1].server_name == "sip.carrier"
    plain = TrunkAddress(PHONE, "carrier.example", transport="tls")
    assert plain.hop.server_name == "carrier.example"


def test_timers_take_their_reliable_column() -> None:
    """Tables of §17: nothing is sent twice, Timer B stays, and D, K, I and J are nought."""
    pair, wire = pair_over("tcp")
    wire.reactions[PHONE] = lambda event: None
    pair.dial()
    pair.ringing.refuse(486, None, wire.now)
    wire.run(0.1)
    assert wire.over_streams(OFFICE) == ["INVITE", "ACK"]
    assert wire.over_streams(PHONE) == ["100 INVITE", "486 INVITE"]
    assert pair.office.held()["client transactions"] == pair.phone.held()["server transactions"] == 0


def test_silence_over_tcp_is_a_timeout_without_a_second_invite() -> None:
    pair, wire = pair_over("tcp")
    pair.phone.receive_stream = lambda *_: None  # type: ignore[method-assign]
    pair.dial()
    wire.run(29)
    assert wire.over_streams(OFFICE) == ["INVITE"]
    wire.run(4)
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.local) == (408, True)


def test_a_refused_connection_fails_the_call_at_once_and_says_why() -> None:
    pair, wire = pair_over("tls")
    wire.refusing[PHONE[0]] = "certificate of sip.carrier refused: self-signed certificate"
    pair.dial()
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.local) == (503, True)
    assert refused.reason == "certificate of sip.carrier refused: self-signed certificate"
    assert set(pair.office.held().values()) == {0, 1}


def test_a_connection_lost_while_ringing_leaves_the_call_alone() -> None:
    """§18.2.2: the answer comes over a connection that the phone opens to our Via."""
    pair, wire = pair_over("tcp")
    pair.dial()
    pair.ringing.ring(wire.now)
    wire.settle()
    wire.break_connections()
    assert pair.heard_by_office(Refused) == []
    pair.ringing.answer(ANSWER, wire.now)
    wire.settle()
    assert len(pair.heard_by_office(Answered)) == 1
    assert [(address, hop.address) for address, hop in wire.opened] == [
        (OFFICE, PHONE),
        (PHONE, OFFICE),
        (OFFICE, PHONE),
    ]


def test_a_request_on_a_connection_that_died_unnoticed_goes_over_a_new_one_once() -> None:
    pair, wire = pair_over("tcp")
    first, _ = pair.answered()
    first.hang_up(wire.now)
    wire.run(1)
    wire.forget_connections(PHONE)
    pair.dial()
    assert len(wire.opened) == 2
    assert pair.ringing.headers.get("Call-ID") != first.sip_call_id
    assert pair.heard_by_office(Refused) == []


def test_the_next_call_uses_the_connection_there_is_and_an_idle_one_is_closed() -> None:
    pair, wire = pair_over("tcp")
    for _ in range(3):
        call, _ = pair.answered()
        call.hang_up(wire.now)
        wire.run(60)
    assert len(wire.opened) == 1
    wire.run(IDLE_S + SILENT_S)
    assert wire.peers == {}
    assert set(pair.office.held().values()) | set(pair.phone.held().values()) == {0}
    pair.answered()
    assert len(wire.opened) == 2


def test_a_connection_is_kept_for_as_long_as_a_call_lasts() -> None:
    """Over TLS without a certificate of our own it is the only way a BYE can come."""
    pair, wire = pair_over("tls")
    _, incoming = pair.answered()
    wire.endpoints[PHONE].stream_lost = lambda *_: None  # type: ignore[method-assign]
    wire.run(4 * IDLE_S)
    assert pair.office.streams_to_close() == []
    assert pair.office.dropped == {}
    incoming.hang_up(wire.now)
    wire.run(2 * IDLE_S)
    assert set(pair.office.held().values()) == {0}


# --- by size (§18.1.1) ----------------------------------------------------------------------------------


def test_a_request_too_large_for_a_datagram_goes_by_tcp() -> None:
    """The rest follows the phone's Contact, which names the transport it was called by."""
    wire = StreamWire()
    pair = Pair(wire)
    pair.dial(offer=LARGE)
    pair.ringing.answer(ANSWER, wire.now)
    wire.settle()
    assert wire.over_streams(OFFICE) == ["INVITE", "ACK"]
    assert wire.streamed[0].message.via.transport == "TCP"
    assert wire.log == []
    assert pair.story(OFFICE) == ["Answered"]


def test_where_tcp_is_refused_a_large_request_goes_by_udp_after_all() -> None:
    """And the next one at once, for ten minutes."""
    wire = StreamWire()
    pair = Pair(wire)
    wire.refusing[PHONE[0]] = "connection refused"
    for opened in (1, 1):
        pair.dial(offer=LARGE)
        pair.ringing.answer(ANSWER, wire.now)
        wire.settle()
        assert len(wire.opened) == opened
    assert wire.labels(OFFICE) == ["INVITE", "ACK"] * 2
    assert wire.last(OFFICE, "INVITE").via.transport == "UDP"
    assert len(wire.log[0].data) > 1300
    wire.run(601)
    pair.dial(offer=LARGE)
    assert len(wire.opened) == 2


def test_a_large_invite_that_fell_back_to_udp_is_sent_again_like_any_datagram() -> None:
    wire = StreamWire(lose=lambda sent: sent.label == "INVITE")
    pair = Pair(wire)
    wire.refusing[PHONE[0]] = "connection refused"
    pair.dial(offer=LARGE)
    wire.run(33)
    assert wire.moments(OFFICE, "INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert [event.status for event in pair.heard_by_office(Refused)] == [408]


def test_the_cancel_of_a_large_invite_follows_it_over_tcp() -> None:
    """§9.1: same branch, same transport."""
    wire = StreamWire()
    pair = Pair(wire)
    call = pair.dial(offer=LARGE)
    call.hang_up(wire.now)
    wire.settle()
    assert wire.over_streams(OFFICE) == ["INVITE", "CANCEL", "ACK"]
    assert wire.log == []
    assert pair.story(OFFICE) == ["Cancelled"]


# --- bad streams ------------------------------------------------------------------------------------------


def test_nonsense_closes_the_connection_and_is_counted() -> None:
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    number = phone.accept_stream(Hop("10.9.9.9", 1234, "tcp"), 0.0)
    assert number is not None
    phone.receive_stream(number, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0.0)
    assert phone.streams_to_close() == [number]
    assert phone.dropped == {"stream: stream does not speak SIP": 1}
    phone.receive_stream(number, b"more", 0.0)  # of a connection that is gone: nothing


def test_a_broken_message_in_a_good_frame_is_answered_and_the_next_one_heard() -> None:
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    number = phone.accept_stream(Hop("10.9.9.9", 1234, "tcp"), 0.0)
    assert number is not None
    head = "Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bK{}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\n"
    bad = "OPTIONS sip:b@b SIP/2.0\r\n" + head.format(1) + "Call-ID: 1\r\nCSeq: x OPTIONS\r\nl: 0\r\n\r\n"
    good = "OPTIONS sip:b@b SIP/2.0\r\n" + head.format(2) + "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n"
    phone.receive_stream(number, (bad + good + "no SIP at all\r\n").encode(), 0.0)
    sent = phone.stream_data_to_send(0.0)
    assert [to for to, _ in sent] == [number, number]
    assert [data.split(b"\r\n")[0].split(b" ")[1] for _, data in sent] == [b"400", b"200"]
    assert phone.streams_to_close() == [number]


def test_connections_that_say_nothing_or_never_end_are_closed_and_only_so_many_are_taken() -> None:
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    source = Hop("10.9.9.9", 1234, "tcp")
    silent, endless = phone.accept_stream(source, 0.0), phone.accept_stream(source, 0.0)
    assert silent is not None
    assert endless is not None
    for second in range(int(SILENT_S)):
        phone.receive_stream(endless, b"B" if second else b"BYE sip:a@b SIP/2.0\r\n", float(second))
    phone.handle_deadline(SILENT_S)
    assert phone.streams_to_close() == [silent, endless]
    taken = [phone.accept_stream(source, SILENT_S) for _ in range(MAX_ACCEPTED + 1)]
    assert taken.count(None) == 1
    assert phone.dropped == {"stream: idle": 2, "stream: too many": 1}


def test_a_ping_is_answered_and_keeps_the_connection() -> None:
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    number = phone.accept_stream(Hop("10.9.9.9", 1234, "tcp"), 0.0)
    assert number is not None
    phone.receive_stream(number, b"\r\n\r\n", 1.0)
    assert phone.stream_data_to_send(1.0) == [(number, b"\r\n")]
    phone.handle_deadline(SILENT_S)
    assert phone.streams_to_close() == []


def everything_said_over_tcp() -> list[bytes]:
    pair, wire = pair_over("tcp")
    call, _ = pair.answered()
    call.send_message(b"hello", "text/plain", 0.0)
    wire.settle()
    call.hang_up(0.0)
    wire.settle()
    return [sent.data for sent in wire.streamed]


SAID = everything_said_over_tcp()
PIECES = [b"\r\n", b"\r\n\r\n", b"\r", b":", b"99999", b"Content-Length", b"\x00", b"SIP/2.0", b" "]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_stream_raises_whatever_it_holds_and_however_it_is_cut(data: st.DataObject) -> None:
    """Into both ends of a live call, over the call's own connection."""
    pair, wire = pair_over("tcp")
    pair.answered()
    stream = bytearray(b"".join(data.draw(st.lists(st.sampled_from(SAID), min_size=1, max_size=4))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from(PIECES))
        stream[at : at + data.draw(st.integers(0, 4))] = piece
    size = data.draw(st.integers(1, len(stream)))
    for address, number in list(wire.peers):
        for part in pieces(bytes(stream), size):
            wire.endpoints[address].receive_stream(number, part, wire.now)
        wire.settle()
    wire.run(40)


# --- where a URI leads ---------------------------------------------------------------------------------


UDP, TCP = Hop("10.0.0.2", 5060), Hop("10.0.0.2", 5060, "tcp", flow=7)
TLS = Hop("10.0.0.2", 5061, "tls", "sip.carrier")
PUBLIC = Hop("8.8.8.8", 5060)


@pytest.mark.parametrize(
    ("uri", "so_far", "expected"),
    [
        ("sip:b@10.0.0.3", UDP, Hop("10.0.0.3", 5060)),
        ("sip:b@10.0.0.3;transport=TCP", UDP, Hop("10.0.0.3", 5060, "tcp")),
        ("sip:b@10.0.0.3:5070;TRANSPORT=tcp", TCP, Hop("10.0.0.3", 5070, "tcp")),
        ("sip:b@10.0.0.3;transport=tls", UDP, Hop("10.0.0.3", 5061, "tls")),
        ("sips:b@10.0.0.3", TCP, Hop("10.0.0.3", 5061, "tls")),
        ("sips:b@10.0.0.3;transport=tcp", TCP, Hop("10.0.0.3", 5061, "tls")),
        ("sip:b@[2001:db8::1]:5080", UDP, Hop("2001:db8::1", 5080)),
        ("sip:b@phone.example;maddr=10.0.0.9", UDP, Hop("10.0.0.9", 5060)),
        # The address we talk to already, by the connection there is.
        ("sip:b@10.0.0.2", TCP, TCP),
        ("sip:b@10.0.0.2;transport=tcp", TCP, TCP),
        ("sip:b@10.0.0.2:5061;transport=tls", TLS, TLS),
        # Another port of the same host: the same name on its certificate.
        ("sip:b@10.0.0.2:5071;transport=tls", TLS, Hop("10.0.0.2", 5071, "tls", "sip.carrier")),
        # A name: what worked until now.
        ("sip:b@phone.example", UDP, UDP),
        ("sip:b@phone.example;transport=tcp", TLS, TLS),
        # Never out of TLS into the clear.
        ("sip:b@10.0.0.3:5060", TLS, TLS),
        ("sip:b@10.0.0.3:5060;transport=udp", TLS, TLS),
        # A private address that a public peer names lies behind its NAT; another public one does not.
        ("sip:b@192.168.1.20:5060", PUBLIC, PUBLIC),
        ("sip:b@8.8.4.4", PUBLIC, Hop("8.8.4.4", 5060)),
        # What a transport nobody knows of means is nobody's to say: UDP.
        ("sip:b@10.0.0.3;transport=carrier-pigeon", TCP, Hop("10.0.0.3", 5060)),
    ],
)
def test_where_a_request_for_a_uri_goes(uri: str, so_far: Hop, expected: Hop) -> None:
    """RFC 3261 §8.1.2 and §26.2.2, RFC 3263 §4.1."""
    assert hop_of_uri(parse_sip_uri(uri), so_far) == expected


def test_record_route_with_a_transport_moves_the_dialog_to_it() -> None:
    """A trunk reached by UDP whose proxy stays in the path over TCP (kamailio does that)."""
    wire = StreamWire()
    pair = Pair(wire)
    route = f"<sip:{PHONE[0]};transport=tcp;lr>"
    call = pair.dial()
    pair.ringing.answer(sdp.offer("10.0.0.2", 4002).encode(), wire.now, [("Record-Route", route)])
    wire.settle()
    call.hang_up(wire.now)
    wire.settle()
    assert wire.labels(OFFICE) == ["INVITE"]
    assert wire.over_streams(OFFICE) == ["ACK", "BYE"]
    bye = wire.streamed[-2].message
    assert bye.via.transport == "TCP"
    assert bye.headers.get("Route") == route
