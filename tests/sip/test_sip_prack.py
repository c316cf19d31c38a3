"""Provisional responses that must arrive, and the early media in them (RFC 3262)."""

from __future__ import annotations

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.events import Acknowledged, Answered, Cancelled, InviteReceived, Progress, Refused
from byourside_server.sip.message import Request
from byourside_server.sip.outgoing import OutgoingCall
from tests.sip.test_sip_calls import CARRIER, Deaf, request_to_office, sent_request
from tests.sip.wire import ANSWER, OFFER, OFFICE, PHONE, Pair, Weather, Wire

CONTACT = "Contact: <sip:far@10.0.0.2>"


def numbered(number: int) -> list[str]:
    return [CONTACT, "Require: 100rel", f"RSeq: {number}"]


def racks(pair: Pair) -> list[str]:
    """The RAck of every PRACK the office has sent."""
    sent = [item.message for item in pair.wire.log if item.source == OFFICE and item.label == "PRACK"]
    return [message.headers.get("RAck") or "" for message in sent]


# --- the calling side ---------------------------------------------------------------------------------


def test_we_say_that_we_can_and_acknowledge_in_the_early_dialog() -> None:
    """§4: a PRACK is a request in the dialog of the response, with its own CSeq and the RAck."""
    pair = Deaf()
    pair.dial()
    assert "100rel" in sent_request(pair, "INVITE").headers.tokens("Supported")
    pair.reply("INVITE", "183 Session Progress", headers=numbered(7), body=ANSWER)
    prack = sent_request(pair, "PRACK")
    assert prack.headers.get("RAck") == "7 1 INVITE"
    assert (prack.uri, prack.to.tag, prack.cseq) == ("sip:far@10.0.0.2", "far", (2, "PRACK"))
    (progress,) = pair.heard_by_office(Progress)
    assert progress.sdp == ANSWER
    pair.reply("PRACK", "200 OK")
    pair.reply("INVITE", "200 OK", headers=[CONTACT])
    (answered,) = pair.heard_by_office(Answered)
    assert answered.sdp == ANSWER
    answered.call.hang_up(0.0)
    pair.wire.settle()
    assert sent_request(pair, "BYE").cseq == (3, "BYE"), "the dialog counts on from the PRACK"


def test_a_copy_is_neither_told_nor_acknowledged_again() -> None:
    """§4: retransmissions are discarded; the PRACK itself is repeated by its transaction."""
    pair = Deaf()
    pair.dial()
    for _ in range(3):
        pair.reply("INVITE", "180 Ringing", headers=numbered(1))
    assert racks(pair) == ["1 1 INVITE"]
    assert len(pair.heard_by_office(Progress)) == 1
    pair.wire.run(1.0)
    assert racks(pair) == ["1 1 INVITE"] * 2, "T1 later"


def test_a_gap_waits_for_what_is_missing() -> None:
    """§4: numbers that skip one MUST NOT be acknowledged before it came."""
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "180 Ringing", headers=numbered(10))
    pair.reply("INVITE", "182 Queued", headers=numbered(12))
    assert racks(pair) == ["10 1 INVITE"]
    pair.reply("INVITE", "183 Session Progress", headers=numbered(11), body=ANSWER)
    assert racks(pair) == ["10 1 INVITE", "11 1 INVITE", "12 1 INVITE"]
    assert [event.status for event in pair.heard_by_office(Progress)] == [180, 183, 182]
    pair.reply("INVITE", "180 Ringing", headers=numbered(9))
    assert len(racks(pair)) == 3, "older than the first is a copy of nothing"


def test_every_fork_counts_for_itself() -> None:
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "180 Ringing", to_tag="a", headers=numbered(1))
    pair.reply("INVITE", "180 Ringing", to_tag="b", headers=numbered(900))
    pair.reply("INVITE", "183 x", to_tag="a", headers=numbered(2))
    assert racks(pair) == ["1 1 INVITE", "900 1 INVITE", "2 1 INVITE"]


@pytest.mark.parametrize(
    ("status", "headers"),
    [("100 Trying", numbered(1)), ("183 x", [CONTACT, "RSeq: 1"]), ("183 x", [CONTACT, "Require: 100rel"])],
    ids=["a 100", "nothing required", "no number"],
)
def test_what_is_not_reliable_gets_no_prack(status: str, headers: list[str]) -> None:
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", status, headers=headers)
    assert racks(pair) == []


def test_a_challenged_prack_is_sent_again_with_credentials() -> None:
    pair = Deaf(CARRIER)
    pair.dial()
    pair.reply("INVITE", "180 Ringing", headers=numbered(1))
    pair.reply("PRACK", "407 x", headers=['Proxy-Authenticate: Digest realm="p", nonce="n"'])
    again = sent_request(pair, "PRACK")
    assert again.headers.get("RAck") == "1 1 INVITE"
    assert "Proxy-Authorization" in again.headers
    assert again.cseq == (3, "PRACK")


def test_an_offer_in_a_reliable_response_is_answered_in_the_prack() -> None:
    """§5: the INVITE had none."""
    pair = Deaf()
    call = pair.office.invite(pair.trunk, to_user="1", from_user="2", sdp=OFFER, now=0.0, offers=False)
    pair.wire.settle()
    assert sent_request(pair, "INVITE").body == b""
    pair.reply("INVITE", "183 Session Progress", headers=numbered(1), body=ANSWER)
    answer = sdp.parse(sent_request(pair, "PRACK").body)
    assert answer.audio is not None
    assert [codec.name for codec in answer.audio.codecs] == ["PCMU", "telephone-event"]
    pair.reply("INVITE", "200 OK", headers=[CONTACT])
    assert sent_request(pair, "ACK").body == b""
    assert (call.remote_sdp, call.state) == (ANSWER, CallState.ANSWERED)


def test_an_offer_in_the_200_is_answered_in_the_ack() -> None:
    """RFC 3261 §13.2.2.4."""
    pair = Pair()
    pair.office.invite(pair.trunk, to_user="1", from_user="2", sdp=OFFER, now=0.0, offers=False)
    pair.wire.settle()
    incoming = pair.ringing
    assert incoming.remote_sdp == b""
    incoming.answer(sdp.offer("10.0.0.2", 4002, (sdp.PCMA,)).encode(), 0.0)
    pair.wire.settle()
    (acknowledged,) = pair.heard_by_phone(Acknowledged)
    answer = sdp.chosen(sdp.parse(acknowledged.sdp))
    assert (answer.codec, answer.host, answer.port) == ("PCMA", "10.0.0.1", 4000)


# --- the called side ----------------------------------------------------------------------------------


def ringing(wire: Wire | None = None) -> tuple[Pair, OutgoingCall]:
    pair = Pair(wire)
    return pair, pair.dial()


def test_a_reliable_183_is_repeated_at_doubling_intervals_until_its_prack() -> None:
    """§3: T1, 2*T1, 4*T1, ... without a cap."""
    pair, _ = ringing(Wire(lose=lambda sent: sent.label == "PRACK" and sent.at < 8))
    pair.ringing.ring(0.0, 183, ANSWER, reliable=True)
    pair.wire.run(30)
    assert pair.wire.moments(PHONE, "183 INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5]
    assert len(pair.heard_by_office(Progress)) == 1
    assert pair.wire.labels(PHONE)[-1] == "200 PRACK"


def test_without_a_prack_the_call_is_refused_after_64_t1() -> None:
    """§3: 64*T1, then a 5xx."""
    pair, call = ringing(Wire(lose=lambda sent: sent.label == "PRACK"))
    pair.ringing.ring(0.0, 183, ANSWER, reliable=True)
    pair.wire.run(31.9)
    assert pair.heard_by_phone(Cancelled) == []
    pair.wire.run(40)
    assert [event.reason for event in pair.heard_by_phone(Cancelled)] == ["no PRACK"]
    assert [event.status for event in pair.heard_by_office(Refused)] == [504]
    assert call.state is CallState.ENDED
    assert pair.phone.held()["calls"] == 0


def test_the_200_waits_for_the_prack_of_a_description_and_says_it_not_again() -> None:
    """§3 and §5."""
    pair, _ = ringing(Wire(lose=lambda sent: sent.label == "PRACK" and sent.at < 0.4))
    incoming = pair.ringing
    incoming.ring(0.0, 183, ANSWER, reliable=True)
    incoming.answer(ANSWER, 0.0)
    pair.wire.settle()
    assert "200 INVITE" not in pair.wire.labels(PHONE)
    with pytest.raises(LocalProtocolError):
        incoming.answer(ANSWER, 0.1)
    pair.wire.run(2)
    assert pair.wire.last(PHONE, "200 INVITE").body == b""
    (answered,) = pair.heard_by_office(Answered)
    assert answered.sdp == ANSWER


def test_a_ringing_without_description_keeps_no_answer_back() -> None:
    pair, _ = ringing(Wire(lose=lambda sent: sent.label == "PRACK"))
    pair.ringing.ring(0.0, 180, reliable=True)
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.run(60)
    assert pair.wire.last(PHONE, "200 INVITE").body == ANSWER
    assert pair.story(OFFICE) == ["Progress", "Answered"]
    assert pair.wire.moments(PHONE, "180 INVITE") == [0.0]


def test_several_go_out_one_after_the_other() -> None:
    """§3: the second is not sent before the first is acknowledged; numbers rise by one."""
    pair, _ = ringing(Wire(Weather(delay_s=0.1)))
    incoming = pair.ringing if pair.heard_by_phone(InviteReceived) else None
    pair.wire.run(0.2)
    incoming = incoming or pair.ringing
    incoming.ring(pair.wire.now, 180, reliable=True)
    incoming.ring(pair.wire.now, 183, ANSWER, reliable=True)
    pair.wire.settle()
    assert pair.wire.labels(PHONE)[-1] == "180 INVITE"
    pair.wire.run(1)
    first, second = (pair.wire.last(PHONE, f"{status} INVITE") for status in (180, 183))
    assert int(second.headers.get("RSeq") or 0) == int(first.headers.get("RSeq") or 0) + 1
    assert [event.status for event in pair.heard_by_office(Progress)] == [180, 183]


def test_where_the_caller_requires_it_all_ringing_is_reliable() -> None:
    """§3: MUST."""
    pair = Pair()
    pair.dial(headers=(("Require", "100rel"),))
    pair.ringing.ring(0.0)
    pair.wire.settle()
    assert "PRACK" in pair.wire.labels(OFFICE)
    assert pair.wire.last(PHONE, "180 INVITE").headers.get("Require") == "100rel"


def test_a_caller_who_does_not_know_it_is_not_rung_reliably() -> None:
    pair = Deaf()
    request_to_office(pair, "INVITE", "old", "", headers=[CONTACT])
    incoming = pair.heard_by_office(InviteReceived)[0].call
    assert not incoming.can_ring_reliably
    with pytest.raises(LocalProtocolError):
        incoming.ring(0.0, reliable=True)


@pytest.mark.parametrize(("rack", "status"), [("1 1 INVITE", 481), ("99999 1 INVITE", 481), ("x", 400)])
def test_a_prack_that_fits_nothing_is_refused(rack: str, status: int) -> None:
    """§3."""
    pair = Deaf()
    request_to_office(pair, "INVITE", "c", "", headers=[CONTACT, "Supported: 100rel"])
    incoming = pair.heard_by_office(InviteReceived)[0].call
    incoming.ring(0.0, reliable=True)
    pair.wire.settle()
    number = int(pair.wire.last(OFFICE, "180 INVITE").headers.get("RSeq") or 0)
    tag = pair.wire.last(OFFICE, "180 INVITE").to.tag or ""
    assert number != 1
    request_to_office(pair, "PRACK", "c", tag, number=2, headers=[f"RAck: {rack}"])
    assert pair.wire.labels(OFFICE)[-1] == f"{status} PRACK"
    request_to_office(pair, "PRACK", "c", tag, number=3, branch="3", headers=[f"RAck: {number} 1 INVITE"])
    assert pair.wire.labels(OFFICE)[-1] == "200 PRACK"
    request_to_office(pair, "PRACK", "c", tag, number=4, branch="4", headers=[f"RAck: {number} 1 INVITE"])
    assert pair.wire.labels(OFFICE)[-1] == "481 PRACK", "it is acknowledged already"


def test_our_offer_in_a_183_is_answered_by_their_prack() -> None:
    """§5, where the INVITE made no offer."""
    pair = Pair()
    pair.office.invite(pair.trunk, to_user="1", from_user="2", sdp=OFFER, now=0.0, offers=False)
    pair.wire.settle()
    pair.ringing.ring(0.0, 183, ANSWER, reliable=True)
    pair.wire.settle()
    (acknowledged,) = pair.heard_by_phone(Acknowledged)
    assert acknowledged.sdp == pair.wire.last(OFFICE, "PRACK").body == pair.ringing.remote_sdp
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    assert pair.wire.last(PHONE, "200 INVITE").body == b""
    assert pair.story(OFFICE) == ["Progress", "Answered"]


def test_an_offer_in_a_prack_is_answered_in_its_200() -> None:
    """§5: a second exchange, after our answer in the 183."""
    pair = Deaf()
    request_to_office(
        pair,
        "INVITE",
        "c",
        "",
        headers=[CONTACT, "Supported: 100rel", "Content-Type: application/sdp"],
        body=ANSWER,
    )
    incoming = pair.heard_by_office(InviteReceived)[0].call
    incoming.ring(0.0, 183, OFFER, reliable=True)
    pair.wire.settle()
    progress = pair.wire.last(OFFICE, "183 INVITE")
    held = sdp.offer("10.0.0.2", 4002, (sdp.PCMU,), direction="sendonly", version=2).encode()
    request_to_office(
        pair,
        "PRACK",
        "c",
        progress.to.tag or "",
        number=2,
        headers=[f"RAck: {progress.headers.get('RSeq')} 1 INVITE", "Content-Type: application/sdp"],
        body=held,
    )
    answer = sdp.parse(pair.wire.last(OFFICE, "200 PRACK").body)
    assert answer.audio is not None
    assert answer.audio.direction == "recvonly"
    assert incoming.remote_sdp == held


@pytest.mark.parametrize("seed", range(12))
def test_reliable_ringing_arrives_over_a_wire_that_loses_and_doubles(seed: int) -> None:
    weather = Weather(loss=0.25, duplication=0.2, delay_s=0.05, jitter_s=0.4)
    pair, call = ringing(Wire(weather, seed=seed))
    pair.wire.run(8)
    incoming = pair.ringing
    incoming.ring(pair.wire.now, 180, reliable=True)
    incoming.ring(pair.wire.now, 183, ANSWER, reliable=True)
    incoming.answer(ANSWER, pair.wire.now)
    pair.wire.run(30)
    assert [event.status for event in pair.heard_by_office(Progress)] == [180, 183]
    assert [event.sdp for event in pair.heard_by_office(Answered)] == [ANSWER]
    pracks = {
        item.message.headers.get("RAck"): item.message.cseq
        for item in pair.wire.log
        if item.source == OFFICE and isinstance(item.message, Request) and item.label == "PRACK"
    }
    assert len(pracks) == 2
    call.hang_up(pair.wire.now)
    pair.wire.run(120)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
