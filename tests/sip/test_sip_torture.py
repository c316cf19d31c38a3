"""RFC 4475's and RFC 5118's messages as a user agent meets them: what it sends back, and what it hears.

Each message is built from what its section says is special. What the reader makes of their fields is in
test_sip_parse; here an endpoint answers, rings, or keeps silent.
"""

from __future__ import annotations

import pytest

from byourside_server.sip.events import InviteReceived
from tests.sip.test_sip_parse import made
from tests.sip.wire import OFFICE, PHONE, Pair

RINGS = [100]
SILENCE: list[int] = []
OPTIONS = "OPTIONS sip:user@example.com SIP/2.0"
LONG = "x" * 500


def options(start: str = OPTIONS, **fields: str | None) -> bytes:
    return made(start, b"", **{"CSeq": "63 OPTIONS", **fields})


def register(**fields: str | None) -> bytes:
    return made("REGISTER sip:example.com SIP/2.0", b"", **{"CSeq": "29 REGISTER", **fields})


def statuses(pair: Pair) -> list[int]:
    # Not by our own reader: a 400 may echo what the reader refuses.
    return [int(sent.data.split(b" ", 2)[1]) for sent in pair.wire.log if sent.source == PHONE]


def answers_to(data: bytes) -> tuple[list[int], Pair]:
    pair = Pair()
    pair.wire.inject(data, OFFICE, PHONE)
    return statuses(pair), pair


VALID = {
    "3.1.1.1 short tortuous": (
        b"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\nTO :\r\n sip:v@example.com ;"
        b'   tag    = \r\n 19\r\nfrom   : "J \\\\\\""       <sip:j@example.com>\r\n  ;\r\n  tag = 98\r\n'
        b"MaX-fOrWaRdS: 0068\r\nCall-ID: ws.1@192.0.2.1\r\nContent-Length   : 0\r\ncseq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\nFoo: ;;,,;;,;\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8\r\n"
        b'm:"Quoted string \\"\\"" <sip:j@example.com> ; newparam =\r\n      newvalue\r\n\r\n',
        [481],  # it carries a To tag of a dialog that is not
    ),
    "3.1.1.2 wide range of characters": (
        made(
            "!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0",
            CSeq="1 !interesting-Method0123456789_*+`.%indeed'~",
        ),
        [501],
    ),
    "3.1.1.3 escaped user": (made("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0"), RINGS),
    "3.1.1.4 escaped nulls": (register(Contact="<sip:%00@a.example.com>, <sip:%00%00@a.example.com>"), [405]),
    "3.1.1.5 percent in a method": (
        made("RE%47IST%45R sip:example.com SIP/2.0", CSeq="29344 RE%47IST%45R"),
        [501],
    ),
    "3.1.1.6 no space before <": (options(From="caller<sip:caller@example.com>;tag=323"), [200]),
    "3.1.1.7 long values": (
        made(
            f"INVITE sip:user@example.com;u={LONG} SIP/2.0",
            To=f'"{LONG}" <sip:u@example.com:;p={LONG}>'.replace(":;", ";"),
            Via=",".join(f"SIP/2.0/TCP s{n}.example.com;branch=z9hG4bK{n}{LONG[:90]}" for n in range(30)),
        ),
        RINGS,
    ),
    "3.1.1.8 a second request behind": (
        register(Content_Length="0") + b"INVITE sip:joe@example.com SIP/2.0\r\n\r\n",
        [405],
    ),
    "3.1.1.9 semicolon in the user": (
        options("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"),
        [200],
    ),
    "3.1.1.10 varied transports": (
        options(
            Via=",".join(
                f"SIP/2.0/{t} t1.example.com;branch=z9hG4bK{t}"
                for t in ("UDP", "SCTP", "TLS", "UNKNOWN", "TCP")
            )
        ),
        [200],
    ),
    "3.1.1.11 multipart MESSAGE": (
        made(
            "MESSAGE sip:kumiko@example.org SIP/2.0",
            b"--7a9\r\n\r\n\x00\xff\r\n--7a9--",
            CSeq="127 MESSAGE",
            Content_Type="multipart/mixed;boundary=7a9",
        ),
        None,
    ),
    "3.1.1.12 unusual reason": (made("SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e", CSeq="35 INVITE"), SILENCE),
    "3.1.1.13 empty reason": (made("SIP/2.0 100 ", CSeq="35 INVITE"), SILENCE),
}

INVALID = {
    "3.1.2.1 separators without values": (made(Contact='"Joe" <sip:joe@example.org>;;;;'), [400]),
    "3.1.2.1 the same in Via": (made(Via="SIP/2.0/UDP 192.0.2.15;;,;,,"), SILENCE),
    "3.1.2.2 Content-Length too large": (made(body=b"v=0", Content_Length="9999"), [400]),
    "3.1.2.3 Content-Length negative": (made(Content_Length="-999"), [400]),
    "3.1.2.4 scalars too large": (register(CSeq="36893488147419103232 REGISTER"), [400]),
    "3.1.2.5 the same in a response": (
        made("SIP/2.0 503 Service Unavailable", CSeq="9292394834772304023312 OPTIONS"),
        SILENCE,
    ),
    "3.1.2.6 quote without end": (made(To='"Mr. J. User <sip:j.user@example.com>'), SILENCE),
    "3.1.2.7 <> around the Request-URI": (made("INVITE <sip:user@example.com> SIP/2.0"), [400]),
    "3.1.2.8 space in the Request-URI": (made("INVITE sip:user@example.com; lr SIP/2.0"), [400]),
    "3.1.2.9 spaces in the request line": (made("INVITE  sip:user@example.com  SIP/2.0"), [400]),
    "3.1.2.10 spaces after it": (options(OPTIONS + "  "), [400]),
    # Header fields in a Request-URI are passed over, as the section allows.
    "3.1.2.11 escaped headers": (
        made("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"),
        RINGS,
    ),
    # Nobody here reads Date.
    "3.1.2.12 time zone": (made(Date="Fri, 01 Jan 2010 16:00:00 EST"), RINGS),
    "3.1.2.13 unenclosed Contact": (register(Contact="sip:user@example.com?Route=%3Csip:a%3E"), [400]),
    "3.1.2.14 spaces in addr-spec": (options(To='"Watson, Thomas" < sip:t.watson@example.org >'), SILENCE),
    "3.1.2.15 comma in a display name": (
        options(From="Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
        SILENCE,
    ),
    "3.1.2.16 SIP/7.0": (options("OPTIONS sip:t.watson@example.org SIP/7.0"), [505]),
    "3.1.2.17 CSeq of another method": (options(CSeq="8 INVITE"), [400]),
    "3.1.2.18 the same, unknown": (made("NEWMETHOD sip:user@example.com SIP/2.0"), [400]),
    "3.1.2.19 status of nine digits": (made("SIP/2.0 4294967301 better not", CSeq="8 OPTIONS"), SILENCE),
}

APPLICATION = {
    "3.3.1 fields missing": (
        b"INVITE sip:user@example.com SIP/2.0\r\nCSeq: 193942 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.95;"
        b"branch=z9hG4bKkdj.insuf\r\nContent-Length: 0\r\n\r\n",
        SILENCE,
    ),
    "3.3.2 unknown scheme": (options("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), [416]),
    "3.3.3 scheme with an authority": (options("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), [416]),
    "3.3.4 unknown schemes in fields": (
        options(
            To="isbn:2983792873", From="<http://www.example.com>;tag=3234233", Contact="<name:John_Smith>"
        ),
        [200],
    ),
    "3.3.5 Require and Proxy-Require": (
        options(Require="nothingSupportsThis, nothingSupportsThisEither", Proxy_Require="norDoAnyProxies"),
        [420],
    ),
    "3.3.6 unknown body": (made(body=b"<x/>", Content_Type="application/unknownformat"), [415]),
    "3.3.7 unknown credentials": (options(Authorization="NoOneKnowsThisScheme opaque-data=here"), [200]),
    "3.3.8 fields twice": (
        options(call_ID="second"),
        [400],
    ),
    "3.3.9 Content-Length twice": (options(Content_Length="13", content_length="5"), [400]),
    "3.3.10 broadcast Via in a 200": (
        made(
            "SIP/2.0 200 OK",
            Via="SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923, SIP/2.0/UDP 255.255.255.255"
            ";branch=z9hG4bK1saber23",
        ),
        SILENCE,
    ),
    # The last hop answers; only one who would pass it on says 483.
    "3.3.11 Max-Forwards: 0": (options(Max_Forwards="0"), [200]),
    "3.3.12 Contact with a parameter": (
        register(Contact="sip:+19725552222@gw1.example.net;unknownparam"),
        [405],
    ),
    "3.3.13 the same in brackets": (
        register(Contact="<sip:+19725552222@gw1.example.net;unknownparam>"),
        [405],
    ),
    "3.3.14 headers in Contact": (
        register(Contact="<sip:user@example.com?Route=%3Csip:a.example.com%3E>"),
        [405],
    ),
    "3.3.15 answer must not be SDP": (made(Accept="text/nobodyKnowsThis"), [406]),
    "3.4.1 INVITE of RFC 2543": (
        made(
            Via="SIP/2.0/UDP iftgw.example.com",
            From="<sip:+13035551111@ift.client.example.net;user=phone>",
            Max_Forwards=None,
        ),
        RINGS,
    ),
}

IPV6 = {
    "4.1 reference in the Request-URI": (
        options("OPTIONS sip:[2001:db8::10] SIP/2.0", Via="SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3"),
        [200],
    ),
    "4.2 without brackets": (options("OPTIONS sip:2001:db8::10 SIP/2.0"), [400]),
    "4.3 port after the reference": (options("OPTIONS sip:[2001:db8::10]:5070 SIP/2.0"), [200]),
    "4.4 port inside it is a longer address": (options("OPTIONS sip:[2001:db8::10:5070] SIP/2.0"), [200]),
    "4.5 received in brackets and without": (
        options(Via="SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3"),
        [200],
    ),
    "4.5 bare": (
        options(Via="SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"),
        [200],
    ),
    "4.9 IPv4-mapped": (options(Via="SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19"), [200]),
    "4.10 two colons written as three": (options("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0"), None),
}
EVERYTHING = {**VALID, **INVALID, **APPLICATION, **IPV6}


@pytest.mark.parametrize("section", EVERYTHING)
def test_torture(section: str) -> None:
    data, expected = EVERYTHING[section]
    said, pair = answers_to(data)
    if expected is None:
        assert len(said) == 1  # anything final: it is understood, and the agent stands
        assert said[0] >= 200
    else:
        assert said == expected
    assert bool(pair.heard_by_phone(InviteReceived)) == (expected == RINGS)
    # And the next call finds it well.
    pair.answered()


def test_the_magic_cookie_alone_makes_no_two_requests_one() -> None:
    """RFC 4475 §3.2.1: such requests are told apart as RFC 2543 did."""
    pair = Pair()
    for number in (1, 2):
        via = "SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK"
        pair.wire.inject(options(Via=via, Call_ID=f"badbranch.{number}"), OFFICE, PHONE)
    sent = [sent.message for sent in pair.wire.log if sent.source == PHONE]
    assert [message.call_id for message in sent] == ["badbranch.1", "badbranch.2"]
