"""Hold and other changes of a call under way, both ways, and what happens where they cross.

RFC 3261 §14, RFC 3264 §8, RFC 3311.
"""

from __future__ import annotations

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState, SipCall
from byourside_server.sip.events import Acknowledged, Answered, HungUp, Reinvited, Reoffered
from byourside_server.sip.flow import Flow
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.outgoing import OutgoingCall
from byourside_server.sip.sdp import Direction, Sdp
from tests.sip.test_sip_calls import CARRIER, Deaf, answered_by_hand, request_to_office, sent_request
from tests.sip.wire import ANSWER, OFFER, OFFICE, PHONE, Pair, Weather, Wire

BOTH, NEITHER = Flow(), Flow(False, False)
SDP_FIELDS = ["Content-Type: application/sdp", "Contact: <sip:far@10.0.0.2>"]


def direction(body: bytes) -> Direction:
    audio = sdp.parse(body).audio
    assert audio is not None
    return audio.direction


def theirs(direction: Direction = "sendrecv", host: str = "10.0.0.2", port: int = 4002) -> bytes:
    return sdp.offer(host, port, (sdp.PCMU,), direction=direction, version=9).encode()


def last_offer(pair: Pair, source: tuple[str, int] = OFFICE) -> Sdp:
    return sdp.parse(pair.wire.last(source, "INVITE").body)


def the_call(pair: Pair) -> SipCall:
    """The call that was answered at the office."""
    return pair.heard_by_office(Answered)[0].call


# --- we hold them -------------------------------------------------------------------------------------


def test_we_hold_and_resume() -> None:
    """RFC 3264 §8.4: sendonly, then sendrecv; same origin, next version each time."""
    pair = Pair()
    call, incoming = pair.answered()
    call.hold(0.0)
    pair.wire.settle()
    assert direction(last_offer(pair).encode()) == "sendonly"
    (held,) = pair.heard_by_office(Reoffered)
    assert (held.accepted, held.flow) == (True, Flow(we_send=True, they_send=False))
    (told,) = pair.heard_by_phone(Reinvited)
    assert told.flow == incoming.flow == Flow(we_send=False, they_send=True)
    call.resume(0.0)
    pair.wire.settle()
    assert [event.flow for event in pair.heard_by_office(Reoffered)][-1] == BOTH
    assert incoming.flow == BOTH
    first, again = sdp.parse(OFFER), last_offer(pair)
    assert (again.session_id, again.version, again.origin_host) == (first.session_id, 3, "10.0.0.1")
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK"] * 3


def test_the_called_side_holds_too() -> None:
    pair = Pair()
    call, incoming = pair.answered()
    incoming.hold(0.0)
    pair.wire.settle()
    assert call.flow == Flow(we_send=False, they_send=True)
    assert direction(call.local_sdp) == "recvonly"
    assert [type(event) for event in pair.heard_by_phone(Reoffered)] == [Reoffered]


def test_both_hold_and_one_comes_back() -> None:
    pair = Pair()
    call, incoming = pair.answered()
    call.hold(0.0)
    pair.wire.settle()
    incoming.hold(0.0)
    pair.wire.settle()
    assert call.flow == incoming.flow == NEITHER
    call.resume(0.0)
    pair.wire.settle()
    assert call.flow == Flow(we_send=False, they_send=True), "they hold us still"
    incoming.resume(0.0)
    pair.wire.settle()
    assert call.flow == incoming.flow == BOTH


def test_a_hold_of_ours_outlasts_an_offer_of_theirs() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    pair.reply("INVITE", "200 OK", headers=SDP_FIELDS[1:], body=theirs("recvonly"))
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs("sendrecv"))
    assert direction(pair.wire.last(OFFICE, "200 INVITE").body) == "sendonly"


def test_a_refused_hold_leaves_the_session_as_it_is() -> None:
    """RFC 3261 §14.1."""
    pair = Deaf()
    answered_by_hand(pair)
    call = the_call(pair)
    call.hold(0.0)
    pair.wire.settle()
    pair.reply("INVITE", "488 Not Acceptable Here")
    (refused,) = pair.heard_by_office(Reoffered)
    assert (refused.accepted, refused.status, refused.flow) == (False, 488, BOTH)
    assert call.local_sdp == OFFER
    assert call.state is CallState.ANSWERED


def test_another_description_is_offered_under_our_origin() -> None:
    """RFC 3264 §8: session id and origin stay, whatever the owner wrote; a codec may change."""
    pair = Pair()
    call, incoming = pair.answered()
    wanted = sdp.offer("10.0.0.1", 4100, (sdp.PCMA,), session_id=77, version=40).encode()
    call.reoffer(wanted, 0.0)
    pair.wire.settle()
    sent = sdp.parse(incoming.remote_sdp)
    assert (sent.session_id, sent.version) == (1, 2)
    assert sdp.chosen(sent).port == 4100
    assert sdp.chosen(sdp.parse(call.remote_sdp)).codec == "PCMA"


def test_wishes_go_out_one_after_the_other_and_the_latest_counts() -> None:
    """RFC 3261 §14.1: no new INVITE while one is under way."""
    pair = Pair(Wire(Weather(delay_s=0.1)))
    call, incoming = delayed(pair)
    now = pair.wire.now
    call.hold(now)
    call.resume(now)
    call.hold(now)
    call.resume(now)
    pair.wire.run(3)
    assert [direction(event.sdp) for event in pair.heard_by_phone(Reinvited)] == ["sendonly", "sendrecv"]
    assert incoming.flow == BOTH


def delayed(pair: Pair) -> tuple[OutgoingCall, IncomingCall]:
    call = pair.dial()
    pair.wire.run(1)
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.run(1)
    return call, pair.ringing


def test_a_change_wanted_before_the_answer_waits_for_it() -> None:
    pair = Pair()
    call = pair.dial()
    call.hold(0.0)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE) == ["INVITE"]
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "INVITE", "ACK"]


def test_nothing_is_asked_of_a_call_that_is_over() -> None:
    pair = Pair()
    call, _ = pair.answered()
    call.hang_up(0.0)
    call.hold(0.0)
    pair.wire.run(40)
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "BYE"]


# --- they hold us -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "answer", "flow"),
    [
        (theirs("sendonly"), "recvonly", Flow(we_send=False, they_send=True)),
        (theirs("inactive"), "inactive", NEITHER),
        (theirs("recvonly"), "sendonly", Flow(we_send=True, they_send=False)),
        (theirs(host="0.0.0.0"), "recvonly", Flow(we_send=False, they_send=True)),
        (theirs("inactive", host="0.0.0.0"), "inactive", NEITHER),
    ],
    ids=["sendonly", "inactive", "recvonly", "nowhere", "nowhere and inactive"],
)
def test_their_hold_is_answered_and_told(offer: bytes, answer: str, flow: Flow) -> None:
    """RFC 3264 §6.1 and §8.4."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=offer)
    described = pair.wire.last(OFFICE, "200 INVITE").body
    assert direction(described) == answer
    assert sdp.parse(described).version == 2
    (event,) = pair.heard_by_office(Reinvited)
    assert event.flow == event.call.flow == flow
    request_to_office(pair, "ACK", call_id, tag)
    request_to_office(pair, "INVITE", call_id, tag, number=2, branch="2", headers=SDP_FIELDS, body=theirs())
    assert direction(pair.wire.last(OFFICE, "200 INVITE").body) == "sendrecv"
    assert event.call.flow == BOTH


def test_a_hold_by_port_0_is_answered_with_port_0_and_can_be_ended() -> None:
    """RFC 3264 §8.2."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs(port=0))
    assert [each.port for each in sdp.parse(pair.wire.last(OFFICE, "200 INVITE").body).streams] == [0]
    (event,) = pair.heard_by_office(Reinvited)
    assert event.flow == NEITHER
    request_to_office(pair, "ACK", call_id, tag)
    request_to_office(pair, "INVITE", call_id, tag, number=2, branch="2", headers=SDP_FIELDS, body=theirs())
    back = sdp.chosen(sdp.parse(pair.wire.last(OFFICE, "200 INVITE").body))
    assert (back.port, back.codec, back.direction) == (4000, "PCMU", "sendrecv")


def test_a_hold_ends_with_a_reinvite_that_leaves_the_offer_to_us() -> None:
    """Exchanges do it so: our offer goes both ways though they hold us, and their ACK accepts it."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs("sendonly"))
    request_to_office(pair, "ACK", call_id, tag)
    request_to_office(pair, "INVITE", call_id, tag, number=2, branch="2", headers=SDP_FIELDS[1:])
    assert direction(pair.wire.last(OFFICE, "200 INVITE").body) == "sendrecv"
    request_to_office(pair, "ACK", call_id, tag, number=2, branch="2a", headers=SDP_FIELDS[:1], body=theirs())
    (acknowledged,) = pair.heard_by_office(Acknowledged)
    assert acknowledged.flow == BOTH


def test_the_same_offer_again_gets_the_same_answer() -> None:
    """RFC 3264 §8: what did not change keeps its version."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    bodies = []
    for number in (1, 2):
        request_to_office(
            pair,
            "INVITE",
            call_id,
            tag,
            number=number,
            branch=str(number),
            headers=SDP_FIELDS,
            body=theirs("sendonly"),
        )
        request_to_office(pair, "ACK", call_id, tag, number=number, branch=f"{number}a")
        bodies.append(pair.wire.last(OFFICE, "200 INVITE").body)
    assert bodies[0] == bodies[1]


# --- crossings ----------------------------------------------------------------------------------------


def test_two_holds_that_cross_are_both_refused_and_tried_again_apart() -> None:
    """RFC 3261 §14.1 and §14.2: 491 both ways; who owns the Call-ID waits 2.1 to 4 s, the other up to 2 s."""
    pair = Pair(Wire(Weather(delay_s=0.05)))
    call, incoming = delayed(pair)
    began = pair.wire.now
    call.hold(began)
    incoming.hold(began)
    pair.wire.run(0.5)
    assert "491 INVITE" in pair.wire.labels(OFFICE)
    assert "491 INVITE" in pair.wire.labels(PHONE)
    pair.wire.run(6)
    ours = [at - began for at in pair.wire.moments(OFFICE, "INVITE") if at > began + 0.2]
    others = [at - began for at in pair.wire.moments(PHONE, "INVITE") if at > began + 0.2]
    assert len(ours) == len(others) == 1
    assert 2.1 <= ours[0] - 0.1 <= 4.01
    assert others[0] - 0.1 <= 2.01
    assert call.flow == incoming.flow == NEITHER
    assert [event.accepted for event in pair.heard_by_office(Reoffered)] == [True]


def test_glare_without_end_is_given_up() -> None:
    pair = Deaf()
    answered_by_hand(pair)
    call = the_call(pair)
    call.hold(0.0)
    pair.wire.settle()
    for _ in range(8):
        pair.reply("INVITE", "491 Request Pending")
        pair.wire.run(4.1)
    tried = {sent.message.cseq for sent in pair.wire.log if sent.label == "INVITE"}
    assert len(tried) == 1 + 8
    assert [event.status for event in pair.heard_by_office(Reoffered)] == [491]
    assert call.state is CallState.ANSWERED


def test_a_500_that_names_its_time_is_waited_out() -> None:
    """RFC 3261 §14.2."""
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    pair.reply("INVITE", "500 x", headers=["Retry-After: 3"])
    pair.wire.run(2.9)
    assert pair.wire.labels(OFFICE).count("INVITE") == 2
    pair.wire.run(0.2)
    assert pair.wire.labels(OFFICE).count("INVITE") == 3


def test_their_reinvite_while_ours_is_under_way_is_491() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    the_call(pair).hold(0.0)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs())
    assert pair.wire.labels(OFFICE)[-1] == "491 INVITE"


def test_a_hold_waits_until_their_reinvite_is_acknowledged() -> None:
    """RFC 3261 §14.1: no INVITE while one of theirs is in progress."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs())
    the_call(pair).hold(0.0)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE).count("INVITE") == 1
    request_to_office(pair, "ACK", call_id, tag)
    assert pair.wire.labels(OFFICE).count("INVITE") == 2


def test_a_challenged_reinvite_is_sent_again_and_its_ack_proves_itself() -> None:
    pair = Deaf(CARRIER)
    call_id, _ = answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    pair.reply("INVITE", "401 x", headers=['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'])
    again = sent_request(pair, "INVITE")
    assert "Authorization" in again.headers
    pair.reply("INVITE", "200 OK", headers=SDP_FIELDS[1:], body=theirs("recvonly"))
    ack = sent_request(pair, "ACK")
    assert ack.headers.get("Authorization") == again.headers.get("Authorization")
    assert (ack.cseq[0], ack.call_id) == (again.cseq[0], call_id)
    assert [event.accepted for event in pair.heard_by_office(Reoffered)] == [True]


def test_a_copy_of_the_200_to_a_reinvite_gets_its_ack_again() -> None:
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    for _ in range(2):
        pair.reply("INVITE", "200 OK", headers=SDP_FIELDS[1:], body=theirs("recvonly"))
    assert pair.wire.labels(OFFICE).count("ACK") == 3
    assert len(pair.heard_by_office(Reoffered)) == 1


@pytest.mark.parametrize("answer", ["481 x", "408 x", None])
def test_a_reinvite_that_finds_nobody_ends_the_call_with_a_bye(answer: str | None) -> None:
    """RFC 3261 §12.2.1.2, RFC 5057 §5.1."""
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    if answer is None:
        pair.wire.run(33)
    else:
        pair.reply("INVITE", answer)
    (ended,) = pair.heard_by_office(HungUp)
    assert ended.by == "network"
    assert pair.wire.labels(OFFICE).count("BYE") >= 1
    pair.wire.run(200)
    assert set(pair.office.held().values()) == {0}


def test_a_reinvite_that_rings_for_ever_ends_the_call() -> None:
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    pair.reply("INVITE", "180 Ringing")
    pair.wire.run(63)
    assert pair.heard_by_office(HungUp) == []
    pair.wire.run(2)
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]


def test_a_bye_that_crosses_our_reinvite_ends_the_call_and_a_late_200_is_acknowledged() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    the_call(pair).hold(0.0)
    pair.wire.settle()
    request_to_office(pair, "BYE", call_id, tag, number=5)
    pair.reply("INVITE", "200 OK", headers=SDP_FIELDS[1:], body=theirs("recvonly"))
    assert pair.wire.labels(OFFICE)[-2:] == ["200 BYE", "ACK"]
    assert pair.story(OFFICE) == ["Answered", "HungUp"]
    pair.wire.run(100)
    assert set(pair.office.held().values()) == {0}


def test_a_reinvite_that_crosses_our_bye_is_481() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    the_call(pair).hang_up(0.0)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=theirs())
    assert pair.wire.labels(OFFICE)[-1] == "481 INVITE"


@pytest.mark.parametrize("seed", range(12))
def test_holds_of_both_sides_come_through_a_wire_that_loses(seed: int) -> None:
    weather = Weather(loss=0.2, duplication=0.2, delay_s=0.05, jitter_s=0.3)
    pair = Pair(Wire(weather, seed=seed))
    call = pair.dial()
    pair.wire.run(8)
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.run(20)
    call.hold(pair.wire.now)
    pair.ringing.hold(pair.wire.now)
    pair.wire.run(60)
    assert call.flow == pair.ringing.flow == NEITHER
    call.resume(pair.wire.now)
    pair.ringing.resume(pair.wire.now)
    pair.wire.run(60)
    assert call.flow == pair.ringing.flow == BOTH
    call.hang_up(pair.wire.now)
    pair.wire.run(120)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
