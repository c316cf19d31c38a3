"""Is a trunk alive, how do we look to it, and is the way to it kept open?"""

from __future__ import annotations

import pytest

from byourside_server.sip.hop import Hop
from byourside_server.sip.message import Request, Response, respond
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.trunk_events import OptionsAnswered
from tests.sip.stream_wire import StreamWire
from tests.sip.wire import OFFICE, PHONE, Pair, Weather

TRUNK = TrunkAddress(PHONE, "trunk.test")


def test_a_trunk_that_answers_is_alive_and_the_round_trip_is_measured() -> None:
    wire = StreamWire(Weather(delay_s=0.04))
    pair = Pair(wire)
    pair.office.ask_options(TRUNK, 0.0)
    wire.run(1)
    (answered,) = wire.trunk_events[OFFICE]
    assert isinstance(answered, OptionsAnswered)
    assert (answered.trunk, answered.status, answered.why) == (TRUNK, 200, "OK")
    assert answered.round_trip_s == pytest.approx(0.08)
    asked = wire.last(OFFICE, "OPTIONS")
    assert isinstance(asked, Request)
    assert asked.uri == "sip:trunk.test"
    wire.run(40)
    assert set(pair.office.held().values()) | set(pair.phone.held().values()) == {0}


@pytest.mark.parametrize("status", [401, 403, 404, 405, 481, 503])
def test_any_answer_at_all_is_told_as_it_came(status: int) -> None:
    wire = StreamWire()
    office = wire.attach(OFFICE, "aa")
    office.ask_options(TRUNK, 0.0)
    ((data, _),) = office.datagrams_to_send(0.0)
    request = parse(data)
    assert isinstance(request, Request)
    office.receive_datagram(respond(request, status, source=OFFICE, to_tag="x").encode(), PHONE, 0.2)
    event = office.next_trunk_event()
    assert isinstance(event, OptionsAnswered)
    assert (event.status, event.round_trip_s) == (status, 0.2)
    assert office.next_trunk_event() is None


@pytest.mark.parametrize(("timeout_s", "at"), [(32.0, 32.0), (4.0, 4.0)])
def test_silence_is_none_after_as_long_as_one_was_ready_to_wait(timeout_s: float, at: float) -> None:
    wire = StreamWire(lose=lambda sent: True)
    office = wire.attach(OFFICE, "aa")
    office.ask_options(TRUNK, 0.0, timeout_s=timeout_s)
    wire.run(60)
    assert wire.trunk_events[OFFICE] == [OptionsAnswered(TRUNK, None, at, "no answer")]
    assert set(office.held().values()) == {0}


def test_a_closed_port_and_a_refused_connection_are_none_at_once_and_say_why() -> None:
    wire = StreamWire()
    office = wire.attach(OFFICE, "aa")
    office.ask_options(TRUNK, 0.0, timeout_s=4.0)
    office.receive_transport_error(PHONE, 0.01, "Connection refused")
    over_tls = TrunkAddress(PHONE, "trunk.test", transport="tls")
    wire.refusing[PHONE[0]] = "certificate of trunk.test refused: expired"
    office.ask_options(over_tls, 0.0)
    wire.settle()
    assert wire.trunk_events[OFFICE] == [
        OptionsAnswered(TRUNK, None, 0.01, "Connection refused"),
        OptionsAnswered(over_tls, None, 0.0, "certificate of trunk.test refused: expired"),
    ]
    wire.run(60)
    assert len(wire.trunk_events[OFFICE]) == 2


def test_our_public_address_is_learnt_from_answers() -> None:
    """RFC 3581: behind NAT the far side sees another address than we know of."""
    wire = StreamWire()
    pair = Pair(wire)
    assert pair.office.seen_as is None
    pair.office.ask_options(TRUNK, 0.0)
    ((data, _),) = pair.office.datagrams_to_send(0.0)
    pair.phone.receive_datagram(data, ("198.51.100.7", 31_337), 0.0)
    ((answer, to),) = pair.phone.datagrams_to_send(0.0)
    assert to == ("198.51.100.7", 31_337)
    # From elsewhere it is no answer of the trunk's, and nothing is learnt from it.
    pair.office.receive_datagram(answer, ("203.0.113.9", 5060), 0.0)
    assert pair.office.seen_as is None
    pair.office.receive_datagram(answer, PHONE, 0.0)
    assert pair.office.seen_as == ("198.51.100.7", 31_337)
    pair.office.advertise("198.51.100.7", 31_337)
    pair.dial()
    invite = wire.last(OFFICE, "INVITE")
    assert (invite.via.host, invite.via.port) == ("198.51.100.7", 31_337)
    assert (invite.headers.get("Contact") or "").endswith("@198.51.100.7:31337>")


def test_a_way_over_tcp_is_pinged_and_a_peer_gone_deaf_is_connected_to_anew() -> None:
    wire = StreamWire()
    pair = Pair(wire)
    keep_alive = pair.office.keep_alive(TrunkAddress(PHONE, "trunk.test", transport="tcp"), 0.0)
    wire.run(201)
    assert wire.blank == [(OFFICE, b"\r\n\r\n"), (PHONE, b"\r\n")] * 2
    assert len(wire.opened) == 1  # the phone's side takes the pings for use
    heard = pair.phone.receive_stream
    pair.phone.receive_stream = lambda *_: None  # type: ignore[method-assign]
    wire.run(110)
    assert wire.peers == {}
    assert pair.office.dropped == {"stream: no pong": 1}
    pair.phone.receive_stream = heard  # type: ignore[method-assign]
    wire.run(100)
    assert len(wire.opened) == 2
    keep_alive.stop()
    wire.run(1200)
    assert set(pair.office.held().values()) | set(pair.phone.held().values()) == {0}


def test_a_peer_that_never_answers_pings_is_let_be() -> None:
    wire = StreamWire()
    office = wire.attach(OFFICE, "aa")
    office.keep_alive(TrunkAddress(PHONE, "trunk.test", transport="tcp"), 0.0, interval_s=20.0)
    for moment in range(0, 200, 10):
        office.handle_deadline(float(moment))
        for number, _ in office.streams_to_open():
            office.stream_opened(number, float(moment))
    assert office.streams_to_close() == []


def test_a_ping_on_udp_is_no_message() -> None:
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    phone.receive_datagram(b"\r\n\r\n", OFFICE, 0.0)
    assert phone.datagrams_to_send(0.0) == []
    assert phone.dropped == {}


def test_an_answer_comes_back_by_the_connection_or_else_to_the_vias_port() -> None:
    """§18.2.2."""
    wire = StreamWire()
    phone = wire.attach(PHONE, "bb")
    number = phone.accept_stream(Hop("10.9.9.9", 41_000, "tcp"), 0.0)
    assert number is not None
    lines = [
        "INVITE sip:b@b SIP/2.0",
        "Via: SIP/2.0/TCP gateway.example:5099;branch=z9hG4bK1",
        "From: <sip:a@b>;tag=1",
        "To: <sip:b@b>",
        "Contact: <sip:a@10.9.9.9;transport=tcp>",
        "Call-ID: 1",
        "CSeq: 1 INVITE",
        "Content-Length: 0",
        "",
        "",
    ]
    phone.receive_stream(number, "\r\n".join(lines).encode(), 0.0)
    assert [to for to, _ in phone.stream_data_to_send(0.0)] == [number]
    phone.stream_lost(number, 1.0)
    invite = phone.next_event()
    assert invite is not None
    invite.call.hang_up(1.0)
    ((opened, hop),) = phone.streams_to_open()
    assert (hop.host, hop.port, hop.transport) == ("10.9.9.9", 5099, "tcp")
    ((to, data),) = phone.stream_data_to_send(1.0)
    assert to == opened
    answer = parse(data)
    assert isinstance(answer, Response)
    assert answer.status == 480
