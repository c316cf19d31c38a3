"""Handing a call over with REFER, and what the far side's NOTIFYs say of it (RFC 3515)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from byourside_server.sip.call import CallState
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.events import HungUp, ReferReceived, Referred
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from tests.sip.test_sip_calls import CARRIER, Deaf, request_to_office, sent_request
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Weather, Wire

EVENT = ("Event: refer", "Content-Type: message/sipfrag;version=2.0")
ACTIVE, TERMINATED = (
    "Subscription-State: active;expires=60",
    "Subscription-State: terminated;reason=noresource",
)
TARGET = "+14155550177"
PLAIN = TrunkAddress(PHONE, "carrier.example")


def referring(trunk: TrunkAddress = PLAIN) -> tuple[Deaf, OutgoingCall]:
    """An answered call whose REFER has gone out."""
    pair = Deaf(trunk)
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    call.transfer(TARGET, pair.wire.now)
    pair.wire.settle()
    return pair, call


def notify(
    pair: Deaf,
    call: OutgoingCall,
    body: bytes,
    *,
    number: int = 1,
    headers: Sequence[str] = (*EVENT, ACTIVE),
) -> str:
    """A NOTIFY of theirs; how it was answered."""
    tag = sent_request(pair, "REFER").from_.tag or ""
    request_to_office(
        pair,
        "NOTIFY",
        call.sip_call_id,
        tag,
        number=number,
        branch=str(number),
        headers=headers,
        body=body,
    )
    return pair.wire.labels(OFFICE)[-1]


def verdicts(pair: Deaf) -> list[tuple[int, bool]]:
    return [(event.status, event.succeeded) for event in pair.heard_by_office(Referred)]


def test_a_refer_names_the_other_number_at_the_trunk_and_who_asks() -> None:
    """RFC 3515 §2.1 and RFC 3892 §3, inside the dialog."""
    pair, _ = referring()
    refer = sent_request(pair, "REFER")
    assert refer.headers.get("Refer-To") == f"<sip:{TARGET}@carrier.example>"
    assert refer.headers.get("Referred-By") == "<sip:+14155550100@carrier.example>"
    assert (refer.uri, refer.to.tag, refer.cseq) == ("sip:far@10.0.0.2", "far", (2, "REFER"))
    assert "10.0.0.1" in (refer.headers.get("Contact") or "")


def test_a_transfer_has_succeeded_once_a_notify_says_200() -> None:
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    assert notify(pair, call, b"SIP/2.0 100 Trying\r\n") == "200 NOTIFY"
    assert verdicts(pair) == [], "it only rings"
    assert notify(pair, call, b"SIP/2.0 200 OK\r\n", number=2, headers=(*EVENT, TERMINATED)) == "200 NOTIFY"
    assert verdicts(pair) == [(200, True)]
    pair.wire.run(40)
    assert verdicts(pair) == [(200, True)], "told once"


def test_the_first_notify_may_overtake_the_202() -> None:
    """RFC 3515 §2.4.4."""
    pair, call = referring()
    assert notify(pair, call, b"SIP/2.0 200 OK\r\n") == "200 NOTIFY"
    pair.reply("REFER", "202 Accepted")
    assert verdicts(pair) == [(200, True)]


@pytest.mark.parametrize(
    ("body", "state", "status"),
    [
        (b"SIP/2.0 486 Busy Here\r\n", ACTIVE, 486),
        (b"sip/2.0 603 Decline", TERMINATED, 603),
        (b"SIP/2.0 100 Trying\r\n", TERMINATED, 500),
        (b"", TERMINATED, 500),
    ],
)
def test_a_transfer_that_comes_to_nothing_is_told_and_the_call_goes_on(
    body: bytes, state: str, status: int
) -> None:
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    assert notify(pair, call, body, headers=(*EVENT, state)) == "200 NOTIFY"
    assert verdicts(pair) == [(status, False)]
    assert call.state is CallState.ANSWERED


@pytest.mark.parametrize("body", [b"", b"SIP/2.0 OK", b"SIP/2.0 20", b"HTTP/1.1 200 OK", b"SIP/2.0 2000 OK"])
def test_a_notify_that_says_nothing_is_no_verdict(body: bytes) -> None:
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    assert notify(pair, call, body) == "200 NOTIFY"
    assert verdicts(pair) == []


@pytest.mark.parametrize("refusal", ["405 Method Not Allowed", "603 Decline", "503 x"])
def test_a_refer_that_is_refused_is_a_transfer_that_failed(refusal: str) -> None:
    pair, call = referring()
    pair.reply("REFER", refusal)
    assert verdicts(pair) == [(int(refusal[:3]), False)]
    call.transfer(TARGET, pair.wire.now)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE).count("REFER") == 2, "it may be tried again"


def test_a_challenged_refer_is_sent_again_with_credentials() -> None:
    pair, _ = referring(CARRIER)
    pair.reply("REFER", "407 x", headers=['Proxy-Authenticate: Digest realm="carrier", nonce="n1"'])
    assert "Proxy-Authorization" in sent_request(pair, "REFER").headers
    assert verdicts(pair) == []


def test_a_verdict_that_never_comes_is_a_time_out_after_30_s() -> None:
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    pair.wire.run(29.9)
    assert verdicts(pair) == []
    pair.wire.run(0.2)
    assert verdicts(pair) == [(408, False)]
    assert notify(pair, call, b"SIP/2.0 200 OK\r\n") == "481 NOTIFY", "nobody waits for it any more"
    assert verdicts(pair) == [(408, False)]


def test_a_refer_nobody_answers_fails_too() -> None:
    pair, _ = referring()
    pair.wire.run(60)
    assert verdicts(pair) == [(408, False)]


def test_a_notify_nobody_asked_for_is_refused() -> None:
    """RFC 6665 §4.1.3: 481 where there is no such subscription."""
    pair, call = referring()
    assert notify(pair, call, b"SIP/2.0 200 OK", headers=("Event: presence", ACTIVE)) == "481 NOTIFY"
    assert notify(pair, call, b"SIP/2.0 200 OK", headers=(ACTIVE,), number=2) == "481 NOTIFY"
    assert verdicts(pair) == []


def test_a_call_that_ends_meanwhile_has_ended_and_nothing_else_is_told() -> None:
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    call.hang_up(pair.wire.now)
    pair.wire.run(60)
    assert [type(event) for event in pair.wire.events[OFFICE]][-1] is HungUp
    assert verdicts(pair) == []


def test_only_one_transfer_at_a_time_and_only_of_an_answered_call() -> None:
    pair, call = referring()
    with pytest.raises(LocalProtocolError):
        call.transfer(TARGET, pair.wire.now)
    with pytest.raises(LocalProtocolError):
        Deaf().dial().transfer(TARGET, 0.0)


def test_a_transfer_that_crosses_the_hang_up_asks_nothing() -> None:
    pair, call = referring()
    call.hang_up(pair.wire.now)
    call.transfer(TARGET, pair.wire.now)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE).count("REFER") == 1


# --- without a subscription, and after it -----------------------------------------------------------


def test_without_a_subscription_the_2xx_is_the_verdict() -> None:
    """RFC 4488 §4: asked for and granted."""
    pair = Deaf(PLAIN)
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    call.refer("sip:+14155550177@carrier.example", 0.0, subscribe=False)
    pair.wire.settle()
    assert sent_request(pair, "REFER").headers.get("Refer-Sub") == "false"
    pair.reply("REFER", "202 Accepted", headers=["Refer-Sub: false"])
    assert verdicts(pair) == [(202, True)]


def test_a_far_side_that_does_not_know_that_tells_as_ever() -> None:
    """RFC 4488 §4: without Refer-Sub in the 2xx there is a subscription."""
    pair = Deaf(PLAIN)
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    call.refer("sip:+14155550177@carrier.example", 0.0, subscribe=False)
    pair.wire.settle()
    pair.reply("REFER", "202 Accepted")
    assert verdicts(pair) == []
    assert notify(pair, call, b"SIP/2.0 200 OK\r\n") == "200 NOTIFY"
    assert verdicts(pair) == [(200, True)]


def test_a_notify_after_the_last_word_finds_no_subscription() -> None:
    """RFC 6665 §4.1.3: the implicit subscription ended with it."""
    pair, call = referring()
    pair.reply("REFER", "202 Accepted")
    notify(pair, call, b"SIP/2.0 200 OK\r\n", headers=(*EVENT, TERMINATED))
    assert notify(pair, call, b"SIP/2.0 200 OK\r\n", number=2) == "481 NOTIFY"


def test_a_481_to_a_refer_is_a_verdict_and_the_end_of_the_call() -> None:
    pair, _ = referring()
    pair.reply("REFER", "481 x")
    assert verdicts(pair) == [(481, False)]
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]


# --- referred ourselves -----------------------------------------------------------------------------


def referred(*, takes: bool = True, wire: Wire | None = None) -> tuple[Pair, OutgoingCall, IncomingCall]:
    """An answered call between two of us, whose phone has got a REFER."""
    pair = Pair(wire, PLAIN)
    call = pair.dial()
    pair.wire.run(8)
    incoming = pair.ringing
    incoming.answer(ANSWER, pair.wire.now)
    pair.wire.run(8)
    incoming.takes_referrals = takes
    call.transfer(TARGET, pair.wire.now)
    pair.wire.settle()
    return pair, call, incoming


def test_a_referral_is_taken_told_of_and_done() -> None:
    """RFC 3515 §2.4: 202, NOTIFY 100 at once, and the outcome ends the subscription."""
    pair, call, incoming = referred()
    (event,) = pair.heard_by_phone(ReferReceived)
    assert (event.call, event.target) == (incoming, f"sip:{TARGET}@carrier.example")
    assert event.headers.get("Referred-By")
    first = pair.wire.last(PHONE, "NOTIFY")
    assert (first.body, first.headers.get("Event")) == (b"SIP/2.0 100 Trying\r\n", "refer")
    assert (first.headers.get("Subscription-State") or "").startswith("active")
    incoming.notify_refer(180, pair.wire.now)
    incoming.notify_refer(200, pair.wire.now)
    incoming.hang_up(pair.wire.now)
    pair.wire.settle()
    last = pair.wire.last(PHONE, "NOTIFY")
    assert last.headers.get("Subscription-State") == "terminated;reason=noresource"
    assert (last.headers.get("Content-Type") or "").startswith("message/sipfrag")
    assert pair.wire.labels(PHONE)[-5:] == ["202 REFER", "NOTIFY", "NOTIFY", "NOTIFY", "BYE"]
    assert pair.story(OFFICE)[-2:] == ["Referred", "HungUp"]
    assert call.state is CallState.ENDED
    pair.wire.run(60)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}


def test_whoever_takes_no_referrals_declines_them() -> None:
    """A REFER would have us call at our own cost whom others name."""
    pair, call, _ = referred(takes=False)
    assert pair.wire.labels(PHONE)[-1] == "603 REFER"
    assert [event.status for event in pair.heard_by_office(Referred)] == [603]
    assert pair.heard_by_phone(ReferReceived) == []
    assert call.state is CallState.ANSWERED


def test_a_referral_that_came_to_nothing_leaves_the_call_and_may_be_followed_by_another() -> None:
    """§2.4.6: the second is told apart by its number."""
    pair, call, incoming = referred()
    incoming.notify_refer(486, pair.wire.now)
    pair.wire.settle()
    assert [event.status for event in pair.heard_by_office(Referred)] == [486]
    call.transfer(TARGET, pair.wire.now)
    pair.wire.settle()
    number, _ = pair.wire.last(OFFICE, "REFER").cseq
    assert pair.wire.last(PHONE, "NOTIFY").headers.get("Event") == f"refer;id={number}"
    incoming.notify_refer(200, pair.wire.now)
    pair.wire.settle()
    assert [event.status for event in pair.heard_by_office(Referred)] == [486, 200]
    with pytest.raises(LocalProtocolError):
        incoming.notify_refer(200, pair.wire.now)


def test_a_referral_without_subscription_is_not_told_of() -> None:
    """RFC 4488 §4."""
    pair = Pair(None, PLAIN)
    call, incoming = pair.answered()
    incoming.takes_referrals = True
    call.refer(f"sip:{TARGET}@carrier.example", 0.0, subscribe=False)
    pair.wire.settle()
    incoming.notify_refer(200, 0.0)
    pair.wire.settle()
    assert "NOTIFY" not in pair.wire.labels(PHONE)
    assert pair.wire.last(PHONE, "202 REFER").headers.get("Refer-Sub") == "false"
    assert [event.status for event in pair.heard_by_office(Referred)] == [202]


@pytest.mark.parametrize(
    "headers", [[], ["Refer-To: <sip:a@b>, <sip:c@d>"], ["Refer-To: <mailto:a@b>"], ["Refer-To: <<"]]
)
def test_a_refer_that_does_not_name_one_sip_address_is_400(headers: list[str]) -> None:
    """§2.4.2."""
    pair = Deaf()
    call = pair.dial()
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    call.takes_referrals = True
    request_to_office(
        pair, "REFER", call.sip_call_id, sent_request(pair, "INVITE").from_.tag or "", headers=headers
    )
    assert pair.wire.labels(OFFICE)[-1] == "400 REFER"


def test_a_second_referral_while_the_first_is_open_must_wait() -> None:
    pair, _, _ = referred()
    request = pair.wire.last(OFFICE, "REFER")
    number, _ = request.cseq
    again = request.encode().replace(f"CSeq: {number} ".encode(), f"CSeq: {number + 1} ".encode())
    again = again.replace(b"branch=z9hG4bK", b"branch=z9hG4bKother")
    pair.wire.inject(again, OFFICE, PHONE)
    assert pair.wire.labels(PHONE)[-1] == "491 REFER"


@pytest.mark.parametrize("seed", range(6))
def test_a_transfer_is_whole_over_a_wire_that_loses(seed: int) -> None:
    weather = Weather(loss=0.2, duplication=0.2, delay_s=0.05, jitter_s=0.3)
    pair, call, incoming = referred(wire=Wire(weather, seed=seed))
    pair.wire.run(12)
    incoming.notify_refer(200, pair.wire.now)
    pair.wire.run(12)
    assert [event.status for event in pair.heard_by_office(Referred)] == [200]
    call.hang_up(pair.wire.now)
    pair.wire.run(120)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
