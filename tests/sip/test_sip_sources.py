"""Who may speak in a call: the right tags from the wrong place are not enough."""

from __future__ import annotations

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.events import Answered, HungUp
from byourside_server.sip.message import Headers, Request
from byourside_server.sip.outgoing import TrunkAddress
from tests.sip.stream_wire import TLS_PORT, StreamWire
from tests.sip.wire import ANSWER, OFFICE, PHONE, Address, Pair, Wire

STRANGER: Address = ("203.0.113.66", 5060)


def forged(pair: Pair, method: str, of: str = "INVITE", body: bytes = b"") -> bytes:
    """A request of the phone's inside the call, as one would make it who had read every message of it."""
    answer = pair.wire.last(PHONE, "200 INVITE")
    number = 7
    lines = [
        ("Via", f"SIP/2.0/UDP {STRANGER[0]}:5060;branch=z9hG4bKforged{method}"),
        ("From", answer.headers.get("To") or ""),
        ("To", answer.headers.get("From") or ""),
        ("Call-ID", answer.call_id),
        ("CSeq", f"{number} {method}"),
        ("Contact", f"<sip:me@{STRANGER[0]}>"),
    ]
    if body:
        lines.append(("Content-Type", "application/sdp"))
    return Request(Headers(lines), body, method, f"sip:{OFFICE[0]}:5060").encode()


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "MESSAGE", "OPTIONS"])
def test_a_stranger_with_the_right_tags_is_refused_and_the_call_goes_on(method: str) -> None:
    pair = Pair()
    call, incoming = pair.answered()
    body = sdp.offer(STRANGER[0], 9999).encode() if method == "INVITE" else b""
    pair.wire.inject(forged(pair, method, body=body), STRANGER, OFFICE)
    assert pair.wire.labels(OFFICE)[-1] == f"403 {method}"
    assert pair.office.dropped == {"strange source": 1}
    assert call.state is CallState.ANSWERED
    assert pair.story(OFFICE) == ["Answered"]
    assert call.remote_sdp == ANSWER
    # Its number was not taken in either: the phone's own BYE is heard.
    incoming.hang_up(pair.wire.now)
    pair.wire.settle()
    assert len(pair.heard_by_office(HungUp)) == 1


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ((PHONE[0], 40_123), "another port of the same host"),
        (("192.0.2.50", 5060), "a route of the dialog"),
        (("198.51.100.20", 5060), "a network the operator named"),
        (("192.0.2.77", 5062), "the Contact"),
    ],
)
def test_whoever_belongs_to_the_call_may_end_it(source: Address, why: str) -> None:
    pair = Pair()
    pair.office.trust(["198.51.100.0/24", "2001:db8::/32"])
    pair.dial()
    pair.ringing.contact = ("Contact", "<sip:b@192.0.2.77:5062>")
    pair.ringing.answer(ANSWER, pair.wire.now, [("Record-Route", "<sip:192.0.2.50;lr>")])
    pair.wire.settle()
    pair.wire.inject(forged(pair, "BYE"), source, OFFICE)
    assert pair.wire.labels(OFFICE)[-1] == "200 BYE", why
    assert len(pair.heard_by_office(HungUp)) == 1


def test_an_answer_from_elsewhere_establishes_no_call() -> None:
    """With the right branch and tags: somebody on the way read them, and answers first."""
    pair = Pair(Wire(lose=lambda sent: sent.source == PHONE and sent.label == "200 INVITE" and sent.at < 0.4))
    call = pair.dial()
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    stolen = next(sent.data for sent in pair.wire.log if sent.label == "200 INVITE")
    pair.wire.inject(stolen, STRANGER, OFFICE)
    assert call.state is CallState.CALLING
    assert pair.office.dropped == {"strange source": 1}
    pair.wire.run(1)
    assert len(pair.heard_by_office(Answered)) == 1
    # From another port of the same host it would have been heard: proxies do that.
    trusting = Pair(Wire(lose=lambda sent: sent.source == PHONE and sent.label == "200 INVITE"))
    trusting.dial()
    trusting.ringing.answer(ANSWER, 0.0)
    trusting.wire.settle()
    answer = next(sent.data for sent in trusting.wire.log if sent.label == "200 INVITE")
    trusting.wire.inject(answer, (PHONE[0], 5099), OFFICE)
    assert len(trusting.heard_by_office(Answered)) == 1


def test_a_strangers_cancel_and_ack_are_not_heard() -> None:
    pair = Pair(Wire(lose=lambda sent: sent.label in ("CANCEL", "ACK") and sent.source == OFFICE))
    call = pair.dial()
    call.hang_up(0.0)
    pair.wire.settle()
    cancel = next(sent.data for sent in pair.wire.log if sent.label == "CANCEL")
    pair.wire.inject(cancel, STRANGER, PHONE)
    assert pair.wire.labels(PHONE)[-1] == "403 CANCEL"
    assert pair.ringing.state is CallState.CALLING
    other = Pair(Wire(lose=lambda sent: sent.label == "ACK" and sent.source == OFFICE))
    other.answered()
    ack = next(sent.data for sent in other.wire.log if sent.label == "ACK")
    other.wire.inject(ack, STRANGER, PHONE)
    assert other.phone.dropped == {"strange source": 1}
    other.wire.run(1)
    assert other.wire.labels(PHONE).count("200 INVITE") > 1  # still not acknowledged


def test_what_began_over_tls_is_not_ended_by_a_datagram() -> None:
    """The source address of a datagram can be made up."""
    wire = StreamWire()
    pair = Pair(wire, TrunkAddress((PHONE[0], TLS_PORT), "carrier.example", transport="tls"))
    call, incoming = pair.answered()
    incoming.hang_up(wire.now)
    ((_, bye),) = pair.phone.stream_data_to_send(wire.now)
    pair.office.receive_datagram(bye, PHONE, wire.now)
    assert call.state is CallState.ANSWERED
    assert pair.office.dropped == {"strange source": 1}


def test_what_is_no_network_is_said() -> None:
    with pytest.raises(ValueError, match="carrier"):
        Pair().office.trust(["carrier.example"])
