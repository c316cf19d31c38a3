"""Reading messages: RFC 4475's tortures rebuilt, what must be refused, round trips, and honest cost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.sip.errors import LocalProtocolError, SipParseError
from byourside_server.sip.grammar import (
    NameAddr,
    escape_user,
    parse_name_addr,
    parse_sip_uri,
    parse_via,
    quote,
    split_list,
    unescape,
    unquote,
)
from byourside_server.sip.message import Headers, Request, Response
from byourside_server.sip.parse import parse

BASE = {
    "Via": "SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw",
    "Max-Forwards": "70",
    "From": "<sip:caller@example.net>;tag=98asjd8",
    "To": "<sip:user@example.com>",
    "Call-ID": "abc.0ha0isndaksdj",
    "CSeq": "8 INVITE",
    "Contact": "<sip:caller@host5.example.net>",
}


def made(
    start: str = "INVITE sip:user@example.com SIP/2.0", body: bytes = b"", **fields: str | None
) -> bytes:
    """A message from the base fields, some replaced (`_` for `-`) or left out (None)."""
    merged: dict[str, str | None] = {**BASE, **{name.replace("_", "-"): v for name, v in fields.items()}}
    lines = [start, *(f"{name}: {value}" for name, value in merged.items() if value is not None)]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def test_a_short_tortuous_invite() -> None:
    """RFC 4475 §3.1.1.1: folding, compact forms, odd spacing, escaped quotes, unknown fields."""
    data = (
        b"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
        b'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        b"MaX-fOrWaRdS: 068\r\n"
        b"Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
        b"Content-Length   : 3\r\n"
        b"cseq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
        b"s :\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
        b"  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
        b" z9hG4bK30239\r\n"
        b'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n'
        b"      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\nv=0ignored"
    )
    message = request(data)
    assert message.to == NameAddr("sip:vivekg@chair-dnrc.example.com", "", {"tag": "1918181833n"})
    assert message.from_.display == 'J Rosenberg \\"'
    assert message.cseq == (9, "INVITE")
    assert (message.via.transport, message.via.host, message.via.branch) == ("UDP", "192.0.2.2", "390skdjuw")
    assert [parse_via(value).branch for value in message.headers.values("Via")] == [
        "390skdjuw",
        "z9hG4bK9ikj8",
        "z9hG4bK30239",
    ]
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.body == b"v=0"
    contact = parse_name_addr(message.headers.values("contact")[0])
    assert contact.parameters == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}


def test_a_wide_range_of_valid_characters() -> None:
    """RFC 4475 §3.1.1.2."""
    method = "!interesting-Method0123456789_*+`.%indeed'~"
    uri = (
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
        "@example.com"
    )
    data = made(
        f"{method} {uri} SIP/2.0",
        Via="SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
        To='"BEL:\x07 DLE:\u0010 DEL:\x7f" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/?,/;;*@example.com>',
        From="token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
        ";fromParam''~+*_!.-%=\"\u0440\u0430\u0431\u043e\u0442\";tag=_token~1'+`*%!-.",
        CSeq=f"139122385 {method}",
        Call_ID="intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    )
    message = request(data)
    assert message.method == method
    assert parse_sip_uri(message.uri).host == "example.com"
    assert message.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert message.from_.tag == "_token~1'+`*%!-."
    assert message.from_.display == "token1~` token2'+_ token3*%!.-"


def test_percent_escapes_are_kept_in_uris_and_read_in_users() -> None:
    """RFC 4475 §3.1.1.3 and §3.1.1.4: %00 is a user like any other."""
    message = request(
        made(
            "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
            To="sip:%75se%72@example.com",
            From="<sip:I%20have%20spaces@example.net>;tag=938",
            Contact="<sip:%00@host5.example.com>, <sip:%00%00@host5.example.com>",
        )
    )
    assert parse_sip_uri(message.uri).number == "sips:user@example.com"
    assert parse_sip_uri(message.to.uri).number == "user"
    assert parse_sip_uri(message.from_.uri).number == "I have spaces"
    assert len(message.headers.values("Contact")) == 2


def test_a_percent_that_escapes_nothing_is_a_character() -> None:
    """RFC 4475 §3.1.1.5."""
    data = made("RE%47IST%45R sip:registrar.example.com SIP/2.0", CSeq="29344 RE%47IST%45R")
    assert request(data).method == "RE%47IST%45R"
    assert unescape("100%zz%4") == "100%zz%4"


def test_no_space_between_display_name_and_angle_bracket() -> None:
    """RFC 4475 §3.1.1.6."""
    assert request(made(From="caller<sip:caller@example.com>;tag=323")).from_ == NameAddr(
        "sip:caller@example.com", "caller", {"tag": "323"}
    )


def test_long_values_everywhere() -> None:
    """RFC 4475 §3.1.1.7."""
    data = made(
        f"INVITE sip:user@example.com;unknown={'long' * 500} SIP/2.0",
        To=f'"I have a user name of {"extreme" * 300} proportion" <sip:user@example.com>',
        Via=", ".join(f"SIP/2.0/UDP sip{n}.example.com;branch=z9hG4bK{n}{'x' * 60}" for n in range(40)),
    )
    assert len(request(data).headers.values("Via")) == 40


def test_bytes_after_content_length_are_not_body() -> None:
    """RFC 4475 §3.1.1.8."""
    data = made(body=b"v=0\r\nINVITE sip:joe@example.com SIP/2.0\r\n\r\n", Content_Length="5")
    assert request(data).body == b"v=0\r\n"


def test_a_semicolon_may_stand_in_the_user_part() -> None:
    """RFC 4475 §3.1.1.9."""
    uri = parse_sip_uri(request(made("INVITE sip:user;par=u%40example.net@example.com SIP/2.0")).uri)
    assert (uri.user, uri.host, uri.parameters) == ("user;par=u%40example.net", "example.com", {})


def test_any_transport_may_be_named_in_via() -> None:
    """RFC 4475 §3.1.1.10."""
    values = [
        f"SIP/2.0/{name} t1.example.com;branch=z9hG4bK{name}" for name in ("UDP", "SCTP", "TLS", "UNKNOWN")
    ]
    message = request(made(Via=", ".join(values)))
    assert [parse_via(v).transport for v in message.headers.values("Via")] == [
        "UDP",
        "SCTP",
        "TLS",
        "UNKNOWN",
    ]


def test_a_multipart_body_is_only_bytes() -> None:
    """RFC 4475 §3.1.1.11: binary parts, NULs included."""
    body = b"--7a9\r\nContent-Type: text/plain\r\n\r\nHi\r\n--7a9\r\n\x00\xff\x30\r\n--7a9--"
    message = request(
        made(body=body, Content_Type="multipart/mixed;boundary=7a9", Content_Length=str(len(body)))
    )
    assert (message.body, message.sdp) == (body, b"")


@pytest.mark.parametrize("reason", ["= 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e", ""])
def test_reasons_may_be_unusual_or_empty(reason: str) -> None:
    """RFC 4475 §3.1.1.12 and §3.1.1.13."""
    message = parse(made(f"SIP/2.0 200 {reason}"))
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (200, reason)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        # RFC 4475 §3.1.2.1 to §3.1.2.19, in its order as far as a user agent must refuse them.
        (made(Via="SIP/2.0/UDP 192.0.2.15;;,;,,"), None),
        (made(Contact='"Joe" <sip:joe@example.org>;;;;,,'), None),
        (made(body=b"v=0", Content_Length="9999"), "shorter"),
        (made(Content_Length="-999"), "Content-Length"),
        (made(CSeq="36893488147419103232 INVITE"), "CSeq"),
        (made(Max_Forwards="300"), "Max-Forwards"),
        (made("SIP/2.0 200 OK", CSeq="9292394834772304023312 OPTIONS"), "CSeq"),
        (made(To='"Mr. J. User <sip:j.user@example.com>'), "no end"),
        (made("INVITE <sip:user@example.com> SIP/2.0"), "Request-URI"),
        (made("INVITE sip:user@example.com; lr SIP/2.0"), "Request-URI"),
        (made("INVITE  sip:user@example.com  SIP/2.0"), "Request-URI"),
        (made("INVITE sip:user@example.com SIP/2.0  "), "SIP version"),
        (made("INVITE sip:user@example.com SIP/7.0"), "SIP/7.0"),
        (made(CSeq="8 OPTIONS"), "another method"),
        (made("SIP/2.0 4294967301 better not break the receiver"), "status code"),
        (made(Contact="sip:user@example.com?Route=%3Csip:sip.example.com%3E"), "angle brackets"),
        (made(To='"Watson, Thomas" < sip:t.watson@example.org >'), "not a URI"),
        (made(From="Bell, Alexander <sip:a.g.bell@example.com>;tag=43"), "display name"),
        # RFC 4475 §3.3.1 and §3.3.8: missing and doubled fields.
        (made(Call_ID=None), "Call-ID is missing"),
        (made(From=None), "From is missing"),
        (made(Via=None), "Via is missing"),
        (made(call_id="second"), "more than once"),
        # Ours.
        (made(From="<sip:caller@example.net>"), "no tag"),
        (made(Record_Route="<tel:+1415>"), "not sip"),
        (made(Require='"x, y'), "no end"),
        (made(Content_Length="\u0663"), "Content-Length"),
        (made(X="a\rb"), "line break"),
        (made(X="a\r\n b\rc"), "line break"),
        (made("INVITE sip:user@example.com SIP/2.0\r\n folded: x"), "not a token"),
        (made("INVITE sip:user@example.com SIP/2.0" + "\r\nX: y" * 300), "too many"),
        (made(Content_Length="3", content_length="0", body=b"v=0"), "more than once"),
        (made("INVITE sip:a@b\n SIP/2.0"), "line break"),
        (b"INVITE sip:user@example.com SIP/2.0\r\nVia: x\r\n", "do not end"),
        (made(X="y" * 40_000), "32 KiB"),
        (b"\x00\x01\x02 garbage\r\n\r\n", None),
        (made() + b"x" * 70_000, "larger"),
    ],
)
def test_what_is_not_sip_is_refused_and_named(data: bytes, sentence: str | None) -> None:
    with pytest.raises(SipParseError, match=sentence):
        parse(data)


def test_unusual_spacing_of_empty_list_elements_is_forgiven_only_where_nothing_is_lost() -> None:
    assert split_list(" a ,, b , ") == ["a", "b"]
    assert split_list('"a,b" <sip:c,d@e>, f') == ['"a,b" <sip:c,d@e>', "f"]


@pytest.mark.parametrize("text", ["sip:", "sip:@host", "sip:a@", "sip:a@b:99999", "sip:a@[::1", "sip:a@b c"])
def test_broken_uris_are_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_sip_uri(text)


def test_a_line_break_never_leaves_in_a_header_field() -> None:
    with pytest.raises(LocalProtocolError):
        Request(Headers([("Subject", "a\r\nVia: b")]), b"", "INVITE", "sip:a@b").encode()


def test_via_is_marked_with_where_it_came_from() -> None:
    """RFC 3261 §18.2.1 and RFC 3581 §4."""
    via = parse_via("SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bKx;rport")
    seen = via.seen_from(("192.0.2.7", 40000))
    assert seen.parameters == {"branch": "z9hG4bKx", "rport": "40000", "received": "192.0.2.7"}
    assert via.reply_address(("192.0.2.7", 40000)) == ("192.0.2.7", 40000)
    without = parse_via("SIP/2.0/UDP 192.0.2.7:5066;branch=z9hG4bKx")
    assert without.seen_from(("192.0.2.7", 40000)) == without
    assert without.reply_address(("192.0.2.7", 40000)) == ("192.0.2.7", 5066)


# --- round trips ----------------------------------------------------------------------------------

words = st.text("abcdefghijXYZ0123456789-._", min_size=1, max_size=10)
texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)
# Names that mean something, and compact forms, are kept out: their values have a grammar of their own.
names = words.map(lambda word: "X-" + word)
values = texts.map(lambda text: text.strip(" \t"))


@given(st.lists(st.tuples(names, values), max_size=6), st.binary(max_size=40), st.integers(0, 2**31 - 1))
def test_requests_survive_the_wire(extra: list[tuple[str, str]], body: bytes, number: int) -> None:
    fields = [*BASE.items(), *extra]
    fields = [(name, f"{number} INVITE" if name == "CSeq" else value) for name, value in fields]
    sent = Request(Headers(fields), body, "INVITE", "sip:user@example.com")
    assert parse(sent.encode()) == sent


@given(st.integers(100, 699), values, st.binary(max_size=40))
def test_responses_survive_the_wire(status: int, reason: str, body: bytes) -> None:
    sent = Response(Headers(BASE.items()), body, status, reason)
    assert parse(sent.encode()) == sent


@given(texts)
def test_quoting_is_undone_by_unquoting(text: str) -> None:
    assert unquote(quote(text)) == text


@given(texts, words, st.dictionaries(words.map(str.lower), st.none() | texts, max_size=3))
def test_addresses_survive_the_wire(display: str, user: str, parameters: dict[str, str | None]) -> None:
    sent = NameAddr(f"sip:{user}@example.com", display, parameters)
    assert parse_name_addr(str(sent)) == sent


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_any_user_can_be_dialled(user: str) -> None:
    uri = parse_sip_uri(f"sip:{escape_user(user)}@example.com")
    assert unescape(uri.user or "") == user


@given(st.data())
def test_no_bytes_make_the_parser_stumble(data: st.DataObject) -> None:
    """Anything but SipParseError would be a fault of ours: a good message, mangled."""
    good = bytearray(made(body=b"v=0", Content_Length="3"))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        parse(bytes(good))
    except SipParseError:
        return


# --- cost -----------------------------------------------------------------------------------------


def steps_of(data: bytes) -> int:
    """Lines of our own Python executed while reading: a cost no machine's mood can change."""
    steps = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(data)
    except SipParseError:
        pass
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: made(To="<sip:a@b>" + ";a=b" * n),
        lambda n: made(To='"' + "\\" * 2 * n + '" <sip:a@b>'),
        lambda n: made(Via=",".join(["SIP/2.0/UDP a;branch=z9hG4bKb"] * n)),
        lambda n: made(Contact='"' + "a," * n),
        lambda n: made(Contact="<" * n + ">" * n),
        lambda n: made(Subject="\r\n ".join(["x"] * n)),
        lambda n: made("INVITE sip:" + "a;" * n + "@b SIP/2.0"),
        lambda n: made(Require=",".join("x" * n)),
    ],
)
def test_twice_the_length_costs_at_most_twice(hostile: Callable[[int], bytes]) -> None:
    """A linear reader's steps grow by 2 with the length, a quadratic one's by 4."""
    short, long = steps_of(hostile(100)), steps_of(hostile(200))
    assert long <= 2.2 * short
