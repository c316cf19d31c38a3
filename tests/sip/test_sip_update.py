"""UPDATE: sessions and targets changed without a new INVITE, before the answer and after it (RFC 3311)."""

from __future__ import annotations

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.events import Answered, InviteReceived, Reinvited, Reoffered
from byourside_server.sip.flow import Flow
from tests.sip.test_sip_calls import Deaf, answered_by_hand, request_to_office, sent_request
from tests.sip.test_sip_hold import SDP_FIELDS, direction, the_call, theirs
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Weather, Wire

ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK"
CONTACT = "Contact: <sip:far@10.0.0.2>"


def described_early(pair: Pair) -> None:
    """Ring reliably with a description, so that the first exchange is over before the answer."""
    pair.ringing.ring(pair.wire.now, 183, ANSWER, reliable=True)
    pair.wire.settle()


def test_an_update_before_the_answer_moves_the_early_media() -> None:
    """§5.1 and §5.2: sent by the called side once its answer was acknowledged."""
    pair = Pair()
    call = pair.dial()
    described_early(pair)
    pair.ringing.reoffer(sdp.offer("10.0.0.2", 4444, (sdp.PCMU,)).encode(), 0.0)
    pair.wire.settle()
    (moved,) = pair.heard_by_office(Reinvited)
    assert (moved.method, sdp.chosen(sdp.parse(moved.sdp)).port) == ("UPDATE", 4444)
    assert [event.accepted for event in pair.heard_by_phone(Reoffered)] == [True]
    assert call.state is CallState.RINGING
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    (answered,) = pair.heard_by_office(Answered)
    assert sdp.chosen(sdp.parse(answered.sdp)).port == 4444, "what was agreed on last holds"


def test_the_calling_side_updates_early_too() -> None:
    pair = Pair()
    call = pair.dial()
    described_early(pair)
    call.hold(0.0)
    pair.wire.settle()
    update = sent_request(pair, "UPDATE")
    assert (direction(update.body), update.to.tag) == ("sendonly", pair.wire.last(PHONE, "183 INVITE").to.tag)
    assert pair.ringing.flow == Flow(we_send=False, they_send=True)
    assert [event.accepted for event in pair.heard_by_office(Reoffered)] == [True]


def test_an_offer_while_our_first_has_no_answer_is_491() -> None:
    """§5.2: the INVITE's own offer is open with a fork that sent no description."""
    pair = Deaf()
    pair.dial()
    invite = sent_request(pair, "INVITE")
    pair.reply("INVITE", "180 Ringing", headers=[CONTACT])
    request_to_office(
        pair, "UPDATE", invite.call_id, invite.from_.tag or "", headers=SDP_FIELDS, body=theirs()
    )
    assert pair.wire.labels(OFFICE)[-1] == "491 UPDATE"
    request_to_office(
        pair, "UPDATE", invite.call_id, invite.from_.tag or "", number=2, branch="2", headers=[CONTACT]
    )
    assert pair.wire.labels(OFFICE)[-1] == "200 UPDATE", "without an offer nothing crosses"


def test_an_offer_while_theirs_has_no_answer_is_500_with_a_time() -> None:
    """§5.2: Retry-After between 0 and 10 s."""
    pair = Deaf()
    request_to_office(pair, "INVITE", "c", "", headers=SDP_FIELDS, body=ANSWER)
    incoming = pair.heard_by_office(InviteReceived)[0].call
    incoming.ring(0.0)
    pair.wire.settle()
    tag = pair.wire.last(OFFICE, "180 INVITE").to.tag or ""
    request_to_office(pair, "UPDATE", "c", tag, number=2, headers=SDP_FIELDS, body=theirs())
    assert pair.wire.labels(OFFICE)[-1] == "500 UPDATE"
    assert 0 <= int(pair.wire.last(OFFICE, "500 UPDATE").headers.get("Retry-After") or -1) <= 10


def test_updates_of_both_sides_that_cross_are_491_and_come_again() -> None:
    """§5.1: as for re-INVITEs (RFC 3261 §14.1)."""
    pair = Pair(Wire(Weather(delay_s=0.05)))
    call = pair.dial()
    pair.wire.run(0.2)
    described_early(pair)
    pair.wire.run(0.5)
    call.hold(pair.wire.now)
    pair.ringing.hold(pair.wire.now)
    pair.wire.run(0.4)
    assert "491 UPDATE" in pair.wire.labels(OFFICE)
    assert "491 UPDATE" in pair.wire.labels(PHONE)
    pair.wire.run(5)
    assert call.flow == pair.ringing.flow == Flow(False, False)


def test_an_update_in_the_call_refreshes_the_target_and_is_answered() -> None:
    """§5.2, and RFC 3261 §12.2.1.2 for where the next request goes."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(
        pair,
        "UPDATE",
        call_id,
        tag,
        headers=["Content-Type: application/sdp", "Contact: <sip:moved@10.0.0.7:5099>"],
        body=theirs("sendonly"),
    )
    response = pair.wire.last(OFFICE, "200 UPDATE")
    assert direction(response.body) == "recvonly"
    assert "UPDATE" in response.headers.values("Allow")
    assert "10.0.0.1" in (response.headers.get("Contact") or "")
    the_call(pair).hang_up(0.0)
    pair.wire.settle()
    assert sent_request(pair, "BYE").uri == "sip:moved@10.0.0.7:5099"


def test_an_update_nobody_can_meet_is_488_and_nothing_changes() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    g729 = b"v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 9 RTP/AVP 18\r\n"
    request_to_office(pair, "UPDATE", call_id, tag, headers=SDP_FIELDS, body=g729)
    assert pair.wire.labels(OFFICE)[-1] == "488 UPDATE"
    assert the_call(pair).remote_sdp == ANSWER


def test_an_update_that_crosses_our_reinvite_is_491() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    the_call(pair).hold(0.0)
    request_to_office(pair, "UPDATE", call_id, tag, headers=SDP_FIELDS, body=theirs())
    assert pair.wire.labels(OFFICE)[-1] == "491 UPDATE"


def test_a_call_whose_far_side_knows_no_update_is_changed_after_the_answer() -> None:
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "183 x", headers=[CONTACT], body=ANSWER)
    call.hold(0.0)
    pair.wire.settle()
    assert "UPDATE" not in pair.wire.labels(OFFICE)
    pair.reply("INVITE", "200 OK", headers=[CONTACT])
    assert pair.wire.labels(OFFICE)[-2:] == ["ACK", "INVITE"]


def test_an_early_update_that_nobody_answers_has_failed_and_the_phone_rings_on() -> None:
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "183 x", headers=[CONTACT, ALLOW], body=ANSWER)
    call.hold(0.0)
    pair.wire.run(33)
    assert [event.status for event in pair.heard_by_office(Reoffered)] == [408]
    assert call.state is CallState.RINGING


@pytest.mark.parametrize("seed", range(8))
def test_early_updates_come_through_a_wire_that_loses(seed: int) -> None:
    pair = Pair(Wire(Weather(loss=0.2, duplication=0.2, delay_s=0.05, jitter_s=0.3), seed=seed))
    call = pair.dial()
    pair.wire.run(8)
    described_early(pair)
    pair.wire.run(20)
    pair.ringing.hold(pair.wire.now)
    call.hold(pair.wire.now)
    pair.wire.run(40)
    assert call.flow == pair.ringing.flow == Flow(False, False)
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.run(20)
    assert call.state is CallState.ANSWERED
    call.hang_up(pair.wire.now)
    pair.wire.run(120)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
