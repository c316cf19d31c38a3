"""Handing a call over with REFER, and what the far side's NOTIFYs say of it (RFC 3515)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from byourside_server.sip.call import CallState
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.events import HungUp, Referred
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from tests.sip.test_sip_calls import CARRIER, Deaf, request_to_office, sent_request
from tests.sip.wire import ANSWER, OFFICE, PHONE

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
