"""What a 3xx may make us do: little (docs/sip-dialogs.md). RFC 3261 §8.1.3.4 and §21.3."""

from __future__ import annotations

import pytest

from byourside_server.sip.events import Answered, Refused
from byourside_server.sip.outgoing import TrunkAddress
from tests.sip.test_sip_calls import CARRIER, Deaf, sent_request
from tests.sip.wire import ANSWER, OFFICE, PHONE

NUMBER = "+14155550123"
PLAIN = TrunkAddress(PHONE, "carrier.example")


def invites(pair: Deaf) -> list[str]:
    """The Request-URIs dialled, in order."""
    return [
        item.data.split(b" ", 2)[1].decode()
        for item in pair.wire.log
        if item.source == OFFICE and item.label == "INVITE"
    ]


@pytest.mark.parametrize(
    "contact",
    [
        f"<sip:{NUMBER}@carrier.example;user=phone>",
        f"<sip:{NUMBER}@10.0.0.2:5070>",
        "<sip:14155550123@CARRIER.example>;q=0.7",
        f"<sip:{NUMBER};rn=+14155559999;npdi@carrier.example>",
    ],
)
@pytest.mark.parametrize("status", [300, 301, 302])
def test_the_same_number_at_the_same_carrier_is_dialled(status: int, contact: str) -> None:
    """§8.1.3.4: same Call-ID, To and From, next CSeq, the Contact as Request-URI; sent to the trunk."""
    pair = Deaf(PLAIN)
    pair.dial()
    first = sent_request(pair, "INVITE")
    pair.reply("INVITE", f"{status} x", headers=[f"Contact: {contact}"])
    second = sent_request(pair, "INVITE")
    assert second.uri == contact[1 : contact.index(">")]
    assert (second.call_id, second.cseq, second.from_.tag) == (first.call_id, (2, "INVITE"), first.from_.tag)
    assert second.headers.get("To") == first.headers.get("To")
    assert {item.destination for item in pair.wire.log if item.label == "INVITE"} == {PHONE}
    pair.reply("INVITE", "200 OK", headers=["Contact: <sip:far@10.0.0.2>"], body=ANSWER)
    assert len(pair.heard_by_office(Answered)) == 1


@pytest.mark.parametrize(
    ("status", "contact"),
    [
        (302, "<sip:+14155550123@elsewhere.example>"),
        (302, "<sip:+14155550123@carrier.example.evil.test>"),
        (302, "<sip:+88213123456@carrier.example>"),
        (302, "<sip:+14155550123@carrier.example;maddr=192.0.2.66>"),
        (302, "<sip:+14155550123@carrier.example?Route=%3Csip:evil%3E>"),
        (302, "<tel:+14155550123>"),
        (302, "<mailto:a@carrier.example>"),
        (302, "<sip:carrier.example>"),
        (305, "<sip:+14155550123@carrier.example;x=1>"),
        (380, "<sip:+14155550123@carrier.example;x=1>"),
        (399, "<sip:+14155550123@carrier.example;x=1>"),
        (302, "<<>"),
    ],
)
def test_anything_else_is_a_refusal(status: int, contact: str) -> None:
    pair = Deaf(PLAIN)
    pair.dial()
    pair.reply("INVITE", f"{status} Moved", headers=[f"Contact: {contact}"])
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.reason, len(invites(pair))) == (status, "Moved", 1)
    pair.wire.run(60)
    assert set(pair.office.held().values()) == {0}


def test_the_first_contact_that_may_be_followed_is() -> None:
    pair = Deaf(PLAIN)
    pair.dial()
    fields = [f"Contact: <sip:{NUMBER}@elsewhere.example>, <sip:{NUMBER}@10.0.0.2>"]
    pair.reply("INVITE", "302 x", headers=fields)
    assert invites(pair)[-1] == f"sip:{NUMBER}@10.0.0.2"


def test_two_redirections_are_followed_and_no_circle() -> None:
    pair = Deaf(PLAIN)
    pair.dial()
    for number in range(1, 4):
        if not pair.heard_by_office(Refused):
            pair.reply("INVITE", "302 x", headers=[f"Contact: <sip:{NUMBER}@10.0.0.2;step={number}>"])
    assert len(invites(pair)) == 3
    assert len(pair.heard_by_office(Refused)) == 1
    circle = Deaf(PLAIN)
    circle.dial()
    circle.reply("INVITE", "302 x", headers=[f"Contact: <sip:{NUMBER}@carrier.example>"])
    assert [event.status for event in circle.heard_by_office(Refused)] == [302], "where we come from"


def test_a_challenge_after_a_redirection_is_met() -> None:
    pair = Deaf(CARRIER)
    pair.dial()
    challenge = ['Proxy-Authenticate: Digest realm="p", nonce="n1", qop="auth"']
    pair.reply("INVITE", "407 x", headers=challenge)
    pair.reply("INVITE", "302 x", headers=[f"Contact: <sip:{NUMBER}@10.0.0.2>"])
    moved = sent_request(pair, "INVITE")
    assert f'uri="sip:{NUMBER}@10.0.0.2"' in (moved.headers.get("Proxy-Authorization") or "")
    pair.reply("INVITE", "401 x", headers=['WWW-Authenticate: Digest realm="s", nonce="n2"'])
    assert sent_request(pair, "INVITE").cseq == (4, "INVITE")
