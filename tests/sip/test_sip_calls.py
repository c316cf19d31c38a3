"""Calls from both sides: what the owner hears, and what stands on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.events import (
    Acknowledged,
    Answered,
    Cancelled,
    HungUp,
    InfoReceived,
    InviteReceived,
    MessageReceived,
    Progress,
    Refused,
    Reinvited,
    RequestFailed,
)
from byourside_server.sip.message import Request
from byourside_server.sip.outgoing import TrunkAddress
from tests.sip.wire import ANSWER, OFFER, OFFICE, PHONE, Pair, Wire

CARRIER = TrunkAddress(PHONE, "carrier.example", "bys", "secret")


def sent_request(pair: Pair, label: str) -> Request:
    message = pair.wire.last(OFFICE, label)
    assert isinstance(message, Request)
    return message


def response_to(
    request: Request,
    status: str,
    *,
    to_tag: str = "far",
    headers: Sequence[str] = (),
    body: bytes = b"",
) -> bytes:
    """A carrier's hand-made response to one of our requests."""
    copied = [
        f"{name}: {value}" for name, value in request.headers if name in ("Via", "From", "Call-ID", "CSeq")
    ]
    to = f"To: {request.headers.get('To')}"
    if request.to.tag is None and to_tag:
        to += f";tag={to_tag}"
    lines = [f"SIP/2.0 {status}", *copied, to, *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def request_to_office(
    pair: Pair,
    method: str,
    call_id: str,
    to_tag: str,
    *,
    number: int = 1,
    branch: str = "1",
    headers: Sequence[str] = (),
    from_tag: str = "far",
    body: bytes = b"",
) -> None:
    lines = [
        f"{method} sip:x@10.0.0.1:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{method}{branch};rport",
        f"From: <sip:y@carrier.example>;tag={from_tag}",
        f"To: <sip:x@carrier.example>{';tag=' + to_tag if to_tag else ''}",
        f"Call-ID: {call_id}",
        f"CSeq: {number} {method}",
        *headers,
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    pair.wire.inject("\r\n".join(lines).encode() + body, PHONE, OFFICE)


class Deaf(Pair):
    """A pair whose phone is our own hand: what the office sends reaches nobody."""

    def __init__(self, trunk: TrunkAddress | None = None) -> None:
        super().__init__(Wire(lose=lambda sent: sent.source == OFFICE), trunk)

    def reply(
        self, label: str, status: str, *, to_tag: str = "far", headers: Sequence[str] = (), body: bytes = b""
    ) -> None:
        if body:
            headers = [*headers, "Content-Type: application/sdp"]
        data = response_to(sent_request(self, label), status, to_tag=to_tag, headers=headers, body=body)
        self.wire.inject(data, PHONE, OFFICE)


# --- the plain course -------------------------------------------------------------------------------


def test_a_call_from_invite_to_bye() -> None:
    """RFC 3261 figure 1."""
    pair = Pair()
    call = pair.dial(headers=(("X-Call-Id", "call_1"),))
    invited = pair.heard_by_phone(InviteReceived)[0]
    assert (invited.to_user, invited.from_user, invited.sdp) == ("+14155550123", "+14155550100", OFFER)
    assert invited.headers.get("x-call-id") == "call_1"
    invited.call.ring(0.0)
    pair.wire.settle()
    assert call.state is CallState.RINGING
    invited.call.answer(ANSWER, 0.0, headers=(("X-Persona", "agreeable"),))
    pair.wire.settle()
    (answered,) = pair.heard_by_office(Answered)
    assert (answered.sdp, answered.headers.get("X-Persona")) == (ANSWER, "agreeable")
    assert (call.state, call.remote_sdp, invited.call.remote_sdp) == (CallState.ANSWERED, ANSWER, OFFER)
    invited.call.hang_up(0.0, "goodbye")
    pair.wire.settle()
    (ended,) = pair.heard_by_office(HungUp)
    assert (ended.by, ended.reason, ended.q850_cause) == ("remote", "goodbye", 16)
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "200 BYE"]
    assert pair.wire.labels(PHONE) == ["100 INVITE", "180 INVITE", "200 INVITE", "BYE"]
    assert pair.story(OFFICE) == ["Progress", "Answered", "HungUp"]
    assert pair.story(PHONE) == ["InviteReceived", "HungUp"]


def test_early_media_is_told_with_its_description() -> None:
    pair = Pair()
    call = pair.dial()
    pair.ringing.ring(0.0, 183, ANSWER)
    pair.wire.settle()
    (progress,) = pair.heard_by_office(Progress)
    assert (progress.status, progress.reason, progress.sdp) == (183, "Session Progress", ANSWER)
    assert call.remote_sdp == ANSWER


def test_the_answer_in_a_183_stands_where_the_200_brings_none() -> None:
    """RFC 3261 §13.2.1: the first description is the answer; of several forks, the one that picked up."""
    pair = Deaf()
    call = pair.dial()
    other = sdp.offer("10.0.0.9", 4010, (sdp.PCMA,)).encode()
    pair.reply("INVITE", "183 Session Progress", to_tag="far", body=ANSWER)
    pair.reply("INVITE", "183 Session Progress", to_tag="other", body=other)
    pair.reply("INVITE", "200 OK", to_tag="far", headers=["Contact: <sip:y@10.0.0.2:5060>"])
    (answered,) = pair.heard_by_office(Answered)
    assert answered.sdp == call.remote_sdp == ANSWER


def test_local_hang_up_is_told_at_once_and_only_once() -> None:
    pair = Pair()
    call, incoming = pair.answered()
    call.hang_up(0.0)
    call.hang_up(0.0)
    assert call.state is CallState.ENDED
    pair.wire.run(60)
    assert pair.story(OFFICE) == ["Answered", "HungUp"]
    assert [event.by for event in pair.heard_by_phone(HungUp)] == ["remote"]
    assert pair.wire.labels(OFFICE).count("BYE") == 1
    incoming.hang_up(pair.wire.now)
    assert pair.story(PHONE) == ["InviteReceived", "HungUp"]


def test_both_hang_up_at_the_same_moment() -> None:
    pair = Pair(Wire())
    call, incoming = pair.answered()
    call.hang_up(0.0)
    incoming.hang_up(0.0)
    pair.wire.run(60)
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["local"]
    assert [event.by for event in pair.heard_by_phone(HungUp)] == ["local"]
    assert pair.wire.labels(OFFICE).count("200 BYE") == pair.wire.labels(PHONE).count("200 BYE") == 1


@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline"), (503, "Down for tea")])
def test_a_refusal_is_acknowledged_and_told(status: int, reason: str) -> None:
    pair = Pair()
    call = pair.dial()
    pair.ringing.refuse(
        status,
        reason,
        0.0,
        headers=(("Reason", 'Q.850;cause=17;text="User busy"'), ("Retry-After", "18 (soon)")),
    )
    pair.wire.run(60)
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.reason, refused.q850_cause) == (status, reason, 17)
    assert (refused.retry_after_s, refused.local) == (18, False)
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK"]
    # §17.1.1.3: same branch as the INVITE.
    assert sent_request(pair, "ACK").via.branch == sent_request(pair, "INVITE").via.branch
    assert (call.state, pair.story(PHONE)) == (CallState.ENDED, ["InviteReceived"])


def test_a_redirection_says_where_to() -> None:
    pair = Pair()
    pair.dial()
    pair.ringing.refuse(302, None, 0.0, headers=(("Contact", "<sip:a@b>, <sip:c@d>;q=0.5"),))
    pair.wire.settle()
    assert pair.heard_by_office(Refused)[0].contacts == ("sip:a@b", "sip:c@d")


# --- giving up --------------------------------------------------------------------------------------


def test_cancel_while_ringing_ends_in_487() -> None:
    """RFC 3261 §9: CANCEL shares the INVITE's branch and number."""
    pair = Pair()
    call = pair.dial()
    pair.ringing.ring(0.0)
    pair.wire.settle()
    call.hang_up(0.0, "ring timeout")
    pair.wire.run(60)
    assert pair.wire.labels(OFFICE) == ["INVITE", "CANCEL", "ACK"]
    assert pair.wire.labels(PHONE)[-2:] == ["200 CANCEL", "487 INVITE"]
    invite, cancel = sent_request(pair, "INVITE"), sent_request(pair, "CANCEL")
    assert (cancel.via, cancel.uri, cancel.cseq) == (invite.via, invite.uri, (1, "CANCEL"))
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]
    assert pair.story(PHONE) == ["InviteReceived", "Cancelled"]
    assert call.state is CallState.ENDED


def test_cancel_waits_for_the_first_provisional() -> None:
    """§9.1: until then nobody may know the INVITE."""
    pair = Deaf()
    call = pair.dial()
    call.hang_up(0.1)
    pair.wire.run(5)
    assert "CANCEL" not in pair.wire.labels(OFFICE)
    pair.reply("INVITE", "100 Trying", to_tag="")
    assert pair.wire.labels(OFFICE)[-1] == "CANCEL"
    assert call.state is CallState.CANCELLING


def test_cancel_with_nobody_there_ends_with_timer_b() -> None:
    pair = Deaf()
    pair.dial().hang_up(0.1)
    pair.wire.run(33)
    assert pair.story(OFFICE) == ["Cancelled"]
    assert "CANCEL" not in pair.wire.labels(OFFICE)


def test_cancel_that_nobody_answers_ends_after_64_t1() -> None:
    """§9.1, last paragraph."""
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "180 Ringing")
    call.hang_up(0.0)
    pair.wire.run(31.9)
    assert pair.story(OFFICE) == ["Progress"]
    pair.wire.run(10)
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]
    assert set(pair.office.held().values()) == {0}


def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_hung_up() -> None:
    """§9.1: CANCEL has no effect on a request that is finally answered."""
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "180 Ringing")
    call.hang_up(0.0)
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2:5060>"], body=ANSWER)
    assert pair.wire.labels(OFFICE) == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]


def test_a_refusal_that_crosses_our_cancel_is_still_a_cancelled_call() -> None:
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "180 Ringing")
    call.hang_up(0.0)
    pair.reply("INVITE", "486 Busy Here")
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]


def test_a_cancel_that_comes_after_the_answer_changes_nothing() -> None:
    """§9.2: 200 to the CANCEL, no effect on the INVITE."""
    pair = Pair()
    pair.answered()
    invite = sent_request(pair, "INVITE")
    cancel = invite.encode().replace(b"INVITE sip", b"CANCEL sip").replace(b"1 INVITE", b"1 CANCEL")
    pair.wire.inject(cancel, OFFICE, PHONE)
    assert pair.wire.labels(PHONE)[-1] == "200 CANCEL"
    assert pair.story(PHONE) == ["InviteReceived"]


def test_a_caller_may_end_the_ringing_with_a_bye() -> None:
    """§15.1.2."""
    pair = Pair()
    pair.dial()
    pair.ringing.ring(0.0)
    pair.wire.settle()
    invite, ringing = sent_request(pair, "INVITE"), pair.wire.last(PHONE, "180 INVITE")
    bye = (
        invite.encode()
        .replace(b"INVITE sip", b"BYE sip")
        .replace(b"1 INVITE", b"2 BYE")
        .replace(b"branch=", b"branch=z9hG4bKb")
        .replace(f"To: {invite.headers.get('To')}".encode(), f"To: {ringing.headers.get('To')}".encode())
    )
    pair.wire.inject(bye, OFFICE, PHONE)
    assert pair.wire.labels(PHONE)[-2:] == ["200 BYE", "487 INVITE"]
    assert pair.story(PHONE) == ["InviteReceived", "Cancelled"]


def test_hanging_up_an_unanswered_incoming_call_refuses_it() -> None:
    pair = Pair()
    pair.dial()
    pair.ringing.hang_up(0.0)
    pair.wire.settle()
    assert pair.heard_by_office(Refused)[0].status == 480


def test_the_callee_says_goodbye_only_after_the_ack() -> None:
    """§15: the callee's UA must not send BYE before it has the ACK."""
    pair = Pair(Wire(lose=lambda sent: sent.label == "ACK" and sent.at < 1))
    _, incoming = pair.answered()
    incoming.hang_up(0.0)
    pair.wire.run(0.4)
    assert "BYE" not in pair.wire.labels(PHONE)
    assert [event.by for event in pair.heard_by_phone(HungUp)] == ["local"]
    pair.wire.run(2)
    assert pair.wire.moments(PHONE, "BYE") == [1.5]


# --- forks, routes, ACKs ------------------------------------------------------------------------------


def test_a_second_fork_that_answers_is_acknowledged_and_hung_up() -> None:
    """§13.2.2.4."""
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "200 OK", to_tag="one", headers=["Contact: <sip:one@10.0.0.2>"], body=ANSWER)
    pair.reply("INVITE", "200 OK", to_tag="two", headers=["Contact: <sip:two@10.0.0.3>"], body=ANSWER)
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "ACK", "BYE"]
    bye = sent_request(pair, "BYE")
    assert (bye.uri, bye.to.tag) == ("sip:two@10.0.0.3", "two")
    pair.reply("INVITE", "200 OK", to_tag="two", headers=["Contact: <sip:two@10.0.0.3>"], body=ANSWER)
    assert pair.wire.labels(OFFICE)[-1] == "ACK"
    assert pair.wire.labels(OFFICE).count("BYE") == 1
    assert pair.story(OFFICE) == ["Answered"]


def test_requests_inside_the_call_go_to_the_contact_over_the_reversed_record_route() -> None:
    """§12.1.2 and §12.2.1.1, loose routing."""
    pair = Deaf()
    call = pair.dial()
    pair.reply(
        "INVITE",
        "200 OK",
        headers=[
            "Contact: <sip:far@192.0.2.9:5080;transport=udp>",
            "Record-Route: <sip:192.0.2.3:5070;LR>, <sip:p2.example.com;lr>",
            "Record-Route: <sip:192.0.2.1;lr>",
        ],
        body=ANSWER,
    )
    call.hang_up(0.0)
    pair.wire.settle()
    ack, bye = sent_request(pair, "ACK"), sent_request(pair, "BYE")
    routes = ["<sip:192.0.2.1;lr>", "<sip:p2.example.com;lr>", "<sip:192.0.2.3:5070;LR>"]
    for request in (ack, bye):
        assert request.uri == "sip:far@192.0.2.9:5080;transport=udp"
        assert request.headers.values("Route") == routes
    assert {sent.destination for sent in pair.wire.log if sent.label in ("ACK", "BYE")} == {
        ("192.0.2.1", 5060)
    }
    assert ack.cseq == (1, "ACK")
    assert bye.cseq == (2, "BYE")


def test_a_strict_router_takes_the_request_uri() -> None:
    """§12.2.1.1: the target goes to the end of the route set."""
    pair = Deaf()
    pair.dial()
    pair.reply(
        "INVITE",
        "200 OK",
        headers=["Contact: <sip:far@192.0.2.9>", "Record-Route: <sip:192.0.2.5;lr>, <sip:192.0.2.1>"],
    )
    ack = sent_request(pair, "ACK")
    assert ack.uri == "sip:192.0.2.1"
    assert ack.headers.values("Route") == ["<sip:192.0.2.5;lr>", "<sip:far@192.0.2.9>"]
    assert pair.wire.log[-1].destination == ("192.0.2.1", 5060)


def test_a_contact_by_name_is_reached_through_the_trunk() -> None:
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@sbc.carrier.example>"])
    assert pair.wire.log[-1].destination == PHONE
    assert sent_request(pair, "ACK").uri == "sip:far@sbc.carrier.example"


# --- challenges ---------------------------------------------------------------------------------------

PROXY_CHALLENGE = 'Proxy-Authenticate: Digest realm="p, q", nonce="n1", qop="auth,auth-int", algorithm=MD5'


def test_a_challenge_is_answered_once_and_the_ack_carries_the_credentials() -> None:
    """§22.2, §22.3 and §13.2.2.4: same Call-ID and From tag, next CSeq; the ACK with the same credentials."""
    pair = Deaf(CARRIER)
    pair.dial()
    first = sent_request(pair, "INVITE")
    pair.reply("INVITE", "407 Proxy Authentication Required", headers=[PROXY_CHALLENGE])
    second = sent_request(pair, "INVITE")
    assert (second.call_id, second.from_.tag, second.cseq) == (first.call_id, first.from_.tag, (2, "INVITE"))
    assert second.via.branch != first.via.branch
    credentials = second.headers.get("Proxy-Authorization") or ""
    assert 'realm="p, q"' in credentials
    assert "nc=00000001" in credentials
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    assert sent_request(pair, "ACK").headers.get("Proxy-Authorization") == credentials
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "INVITE", "ACK"]
    pair.heard_by_office(Answered)[0].call.hang_up(0.0)
    pair.wire.settle()
    assert "nc=00000002" in (sent_request(pair, "BYE").headers.get("Proxy-Authorization") or "")


def test_a_wrong_password_is_not_tried_again() -> None:
    pair = Deaf(CARRIER)
    pair.dial()
    for _ in range(2):
        pair.reply("INVITE", "401 Unauthorized", headers=['WWW-Authenticate: Digest realm="r", nonce="n"'])
    assert pair.wire.labels(OFFICE).count("INVITE") == 2
    assert [event.status for event in pair.heard_by_office(Refused)] == [401]


def test_a_proxy_and_the_server_behind_it_are_both_satisfied() -> None:
    pair = Deaf(CARRIER)
    pair.dial()
    pair.reply("INVITE", "407 x", headers=[PROXY_CHALLENGE])
    pair.reply("INVITE", "401 x", headers=['WWW-Authenticate: Digest realm="r", nonce="n"'])
    headers = sent_request(pair, "INVITE").headers
    assert "Proxy-Authorization" in headers
    assert "Authorization" in headers


def test_without_a_password_a_challenge_is_a_refusal() -> None:
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "407 x", headers=[PROXY_CHALLENGE])
    assert [event.status for event in pair.heard_by_office(Refused)] == [407]


def test_a_challenged_bye_is_sent_again_with_credentials() -> None:
    pair = Deaf(CARRIER)
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    call.hang_up(0.0)
    pair.wire.settle()
    pair.reply("BYE", "407 x", headers=[PROXY_CHALLENGE])
    assert pair.wire.labels(OFFICE)[-1] == "BYE"
    assert "Proxy-Authorization" in sent_request(pair, "BYE").headers
    assert pair.story(OFFICE) == ["Answered", "HungUp"]


# --- inside the call ------------------------------------------------------------------------------------


def test_text_and_keys_travel_inside_the_call_both_ways() -> None:
    """RFC 3428 and RFC 6086."""
    pair = Pair()
    call, incoming = pair.answered()
    assert call.send_message("Grüße".encode(), "text/plain;charset=utf-8", 0.0)
    assert incoming.send_info(b"Signal=5\r\n", "application/dtmf-relay", 0.0)
    pair.wire.settle()
    (message,) = pair.heard_by_phone(MessageReceived)
    assert (message.body.decode(), message.content_type) == ("Grüße", "text/plain;charset=utf-8")
    assert pair.heard_by_office(InfoReceived)[0].body == b"Signal=5\r\n"
    assert [pair.wire.last(OFFICE, "MESSAGE").cseq, pair.wire.last(PHONE, "INFO").cseq] == [
        (2, "MESSAGE"),
        (1, "INFO"),
    ]


def test_a_message_that_comes_to_nothing_is_told_and_the_call_goes_on() -> None:
    """RFC 5057 §5.1: a MESSAGE's time-out is its own affair."""
    pair = Pair(Wire(lose=lambda sent: sent.label == "MESSAGE"))
    call, _ = pair.answered()
    call.send_message(b"x", "text/plain", 0.0)
    pair.wire.run(33)
    (failed,) = pair.heard_by_office(RequestFailed)
    assert (failed.method, failed.status) == ("MESSAGE", 408)
    assert call.state is CallState.ANSWERED


def test_messages_need_an_answered_call_and_after_it_go_nowhere() -> None:
    pair = Pair()
    call = pair.dial()
    with pytest.raises(LocalProtocolError):
        call.send_message(b"x", "text/plain", 0.0)
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    call.hang_up(0.0)
    assert not call.send_message(b"x", "text/plain", 0.0)


def test_verbs_that_do_not_fit_the_state_are_our_own_fault() -> None:
    pair = Pair()
    _, incoming = pair.answered()
    verbs: list[Callable[[], None]] = [
        lambda: incoming.ring(0.0),
        lambda: incoming.answer(ANSWER, 0.0),
        lambda: incoming.refuse(486, None, 0.0),
        lambda: incoming.accept_reinvite(ANSWER, 0.0),
    ]
    for verb in verbs:
        with pytest.raises(LocalProtocolError):
            verb()


def answered_by_hand(pair: Deaf) -> tuple[str, str]:
    """An answered call with a hand-made far side: its Call-ID and our tag."""
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    return call.sip_call_id, sent_request(pair, "INVITE").from_.tag or ""


HOLD = sdp.offer("10.0.0.7", 4444, (sdp.PCMA, sdp.PCMU), direction="sendonly").encode()
SDP_FIELDS = ["Content-Type: application/sdp", "Contact: <sip:moved@10.0.0.7:5099>"]


def test_a_reinvite_is_answered_with_the_codec_in_use() -> None:
    """RFC 3261 §14.2 and RFC 3264 §8: and the 200 is repeated until acknowledged, and the target moves."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=HOLD)
    (event,) = pair.heard_by_office(Reinvited)
    assert (event.sdp, event.answered, event.call.remote_sdp) == (HOLD, True, HOLD)
    answer = sdp.parse(pair.wire.last(OFFICE, "200 INVITE").body)
    assert answer.audio is not None
    assert (answer.audio.codecs[0].name, answer.audio.direction) == ("PCMU", "recvonly")
    pair.wire.run(1)
    assert len(pair.wire.moments(OFFICE, "200 INVITE")) == 2
    request_to_office(pair, "ACK", call_id, tag)
    pair.wire.run(60)
    assert len(pair.wire.moments(OFFICE, "200 INVITE")) == 2
    event.call.hang_up(pair.wire.now)
    pair.wire.settle()
    assert sent_request(pair, "BYE").uri == "sip:moved@10.0.0.7:5099"


def test_a_reinvite_without_common_codec_is_refused_and_nothing_changes() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    g729 = b"v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 9 RTP/AVP 18\r\n"
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=g729)
    assert pair.wire.labels(OFFICE)[-1] == "488 INVITE"
    assert pair.story(OFFICE) == ["Answered"]
    assert pair.heard_by_office(Answered)[0].call.remote_sdp == ANSWER


def test_an_owner_may_answer_reinvites_itself() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    call = pair.heard_by_office(Answered)[0].call
    call.answers_reinvites = False
    request_to_office(pair, "INVITE", call_id, tag, headers=SDP_FIELDS, body=HOLD)
    assert pair.wire.labels(OFFICE)[-1] == "100 INVITE"
    # §14.2: a second one meanwhile is out of turn.
    request_to_office(pair, "INVITE", call_id, tag, number=2, branch="2", headers=SDP_FIELDS, body=HOLD)
    assert pair.wire.labels(OFFICE)[-1] == "500 INVITE"
    call.accept_reinvite(OFFER, 0.0)
    pair.wire.settle()
    assert pair.wire.last(OFFICE, "200 INVITE").body == OFFER


def test_an_offer_asked_for_in_a_reinvite_is_ours_and_its_answer_comes_in_the_ack() -> None:
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INVITE", call_id, tag, headers=["Contact: <sip:far@10.0.0.2>"])
    assert pair.wire.last(OFFICE, "200 INVITE").body == OFFER
    request_to_office(pair, "ACK", call_id, tag, headers=["Content-Type: application/sdp"], body=HOLD)
    assert [event.sdp for event in pair.heard_by_office(Acknowledged)] == [HOLD]


def test_a_request_out_of_order_is_refused() -> None:
    """§12.2.2: a lower CSeq is answered 500."""
    pair = Deaf()
    call_id, tag = answered_by_hand(pair)
    request_to_office(pair, "INFO", call_id, tag, number=7)
    request_to_office(pair, "INFO", call_id, tag, number=6, branch="2")
    assert pair.wire.labels(OFFICE)[-2:] == ["200 INFO", "500 INFO"]
    assert len(pair.heard_by_office(InfoReceived)) == 1


@pytest.mark.parametrize(
    ("method", "call_id", "tag", "from_tag", "answer"),
    [
        ("BYE", "ours", "wrong", "far", "481 BYE"),
        ("BYE", "other", "ours", "far", "481 BYE"),
        ("BYE", "ours", "ours", "stranger", "481 BYE"),
        ("BYE", "other", "", "far", "481 BYE"),
        ("CANCEL", "other", "", "far", "481 CANCEL"),
        ("INVITE", "other", "gone", "far", "481 INVITE"),
        ("OPTIONS", "other", "", "far", "200 OPTIONS"),
        ("OPTIONS", "ours", "ours", "far", "200 OPTIONS"),
        ("MESSAGE", "other", "", "far", "405 MESSAGE"),
        ("REGISTER", "other", "", "far", "405 REGISTER"),
        ("SUBSCRIBE", "ours", "ours", "far", "405 SUBSCRIBE"),
        ("NONSENSE", "other", "", "far", "501 NONSENSE"),
    ],
)
def test_what_concerns_no_call_of_ours_is_answered_all_the_same(
    method: str, call_id: str, tag: str, from_tag: str, answer: str
) -> None:
    """§8.2 and §12.2.2."""
    pair = Deaf()
    ours, our_tag = answered_by_hand(pair)
    request_to_office(
        pair,
        method,
        ours if call_id == "ours" else call_id,
        our_tag if tag == "ours" else tag,
        from_tag=from_tag,
    )
    assert pair.wire.labels(OFFICE)[-1] == answer
    assert pair.wire.last(OFFICE, answer).to.tag
    if answer[:3] in ("200", "405", "501"):
        assert "INVITE" in pair.wire.last(OFFICE, answer).headers.values("Allow")
    assert pair.story(OFFICE) == ["Answered"]


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        (["Contact: <sip:far@10.0.0.2>", "Require: replaces, 100rel, path"], "420 INVITE"),
        (["Contact: <sip:far@10.0.0.2>", "Content-Type: text/plain"], "415 INVITE"),
        ([], "400 INVITE"),
    ],
)
def test_an_invite_we_cannot_serve_is_refused_with_its_reason(headers: list[str], answer: str) -> None:
    pair = Deaf()
    request_to_office(
        pair, "INVITE", "other", "", headers=headers, body=b"x" if "Content" in str(headers) else b""
    )
    assert pair.wire.labels(OFFICE) == [answer]
    assert pair.story(OFFICE) == []
    if answer == "420 INVITE":
        assert pair.wire.last(OFFICE, answer).headers.get("Unsupported") == "path, replaces"


def test_the_same_invite_by_two_ways_is_one_call() -> None:
    """§8.2.2.2."""
    pair = Deaf()
    for branch in ("1", "2"):
        request_to_office(
            pair, "INVITE", "merged", "", branch=branch, headers=["Contact: <sip:far@10.0.0.2>"]
        )
    assert pair.wire.labels(OFFICE) == ["100 INVITE", "482 INVITE"]
    assert pair.story(OFFICE) == ["InviteReceived"]


# --- what should not be there ---------------------------------------------------------------------------


def test_a_malformed_request_is_counted_and_answered_400_with_what_is_wrong() -> None:
    pair = Deaf()
    request_to_office(pair, "INVITE", "bad", "", headers=["Max-Forwards: 999"])
    (reply,) = pair.wire.log[1:]
    assert reply.data.startswith(b"SIP/2.0 400 Max-Forwards is not 0 to 255\r\n")
    assert pair.office.dropped["malformed"] == 1
    assert set(pair.office.held().values()) == {0}


def test_garbage_is_counted_and_nothing_is_said() -> None:
    pair = Deaf()
    for data in (
        b"\x16\x03\x01garbage\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"ACK sip:a@b SIP/9.0\r\nVia: x\r\n\r\n",
    ):
        pair.wire.inject(data, PHONE, OFFICE)
    pair.wire.inject(b"\r\n\r\n", PHONE, OFFICE)
    assert pair.office.dropped["malformed"] == 3
    assert pair.wire.labels(PHONE, since=1) == []
    assert [sent for sent in pair.wire.log if sent.source == OFFICE] == []


def test_stray_responses_and_acks_change_nothing() -> None:
    """§18.1.2 and §8.1.3.3: unknown branch, or more than one Via."""
    pair = Deaf()
    pair.dial()
    good = response_to(sent_request(pair, "INVITE"), "200 OK", headers=["Contact: <sip:far@10.0.0.2>"])
    pair.wire.inject(good.replace(b"branch=z9hG4bK", b"branch=z9hG4bKother"), PHONE, OFFICE)
    pair.wire.inject(good.replace(b"\r\nFrom:", b"\r\nVia: SIP/2.0/UDP x;branch=1\r\nFrom:"), PHONE, OFFICE)
    request_to_office(pair, "ACK", "other", "tag")
    assert pair.office.dropped == {"stray response": 2, "stray ack": 1}
    assert pair.wire.labels(OFFICE) == ["INVITE"]
    assert pair.story(OFFICE) == []


def test_a_cancelled_event_names_its_call() -> None:
    pair = Pair()
    call = pair.dial()
    call.handle = "row 7"
    call.hang_up(0.0)
    pair.wire.run(1)
    assert [event.call.handle for event in pair.heard_by_office(Cancelled)] == ["row 7"]


@pytest.mark.parametrize(("rport", "port"), [("", 5099), (";rport", 40000)])
def test_responses_go_where_via_says_or_back_whence_it_came(rport: str, port: int) -> None:
    """§18.2.2 without rport: the sent-by port; RFC 3581 §4 with it: the source port."""
    pair = Deaf()
    lines = [
        "OPTIONS sip:10.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP probe.example.com:5099;branch=z9hG4bKp{rport}",
        "From: <sip:probe@example.com>;tag=p",
        "To: <sip:10.0.0.1>",
        "Call-ID: probe",
        "CSeq: 1 OPTIONS",
        "",
        "",
    ]
    pair.wire.inject("\r\n".join(lines).encode(), ("192.0.2.7", 40000), OFFICE)
    assert pair.wire.log[-1].destination == ("192.0.2.7", port)
    assert pair.wire.log[-1].message.via.parameters["received"] == "192.0.2.7"
