"""What hostile input costs: its length and no more, in time; and a flood, no more than so much memory.

Steps are counted in lines of our own Python, which no machine's mood can change. What the interpreter does
in C is covered twice: patterns are looked at for what could backtrack, and CPU time may not grow as a square.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import byourside_server
from byourside_server.media import rtcp, rtp
from byourside_server.sip import digest, endpoint, sdp
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.framing import StreamFramer
from byourside_server.sip.grammar import parse_name_addr, parse_sip_uri, parse_via
from byourside_server.sip.parse import parse
from tests.sip.test_sip_parse import made
from tests.sip.wire import OFFER, Pair

Reader = Callable[[bytes], object]


def text(read: Callable[[str], object]) -> Reader:
    return lambda data: read(data.decode())


def stream(data: bytes) -> None:
    framer = StreamFramer()
    for at in range(0, len(data), 16):
        list(framer.feed(data[at : at + 16]))


FAMILIES: dict[str, tuple[Reader, Callable[[int], bytes]]] = {
    "parameters": (parse, lambda n: made(To="<sip:a@b>" + ";a=b" * n)),
    "one parameter again": (parse, lambda n: made(To="<sip:a@b>" + ';a="b;c"' * n)),
    "backslashes": (parse, lambda n: made(To='"' + "\\" * 2 * n + '" <sip:a@b>')),
    "quote without end": (parse, lambda n: made(Contact='"' + "a," * n)),
    "quotes": (parse, lambda n: made(Contact='"",' * n)),
    "angles": (parse, lambda n: made(Contact="<" * n + ">" * n)),
    "open angles": (parse, lambda n: made(Contact="<," * n)),
    "hops": (parse, lambda n: made(Via=",".join(["SIP/2.0/UDP a;branch=z9hG4bKb"] * n))),
    "hops on lines": (
        parse,
        lambda n: made(Via="\r\nVia: ".join(["SIP/2.0/UDP a;branch=z9hG4bKb"] * (n // 4))),
    ),
    "routes": (parse, lambda n: made(Record_Route=",".join(["<sip:a;lr>"] * n))),
    "commas": (parse, lambda n: made(Require="," * n)),
    "tags": (parse, lambda n: made(Require=",".join("x" * n))),
    "folds": (parse, lambda n: made(Subject="\r\n ".join(["x"] * n))),
    "blanks": (parse, lambda n: made(Subject="\r\n" + " " * n + "\0")),
    "blanks after a name": (parse, lambda n: made()[:-2] + b"X" + b" " * n + b"\r\n\r\n"),
    "name without colon": (parse, lambda n: made()[:-2] + b"x" * n + b"\r\n\r\n"),
    "blank lines in front": (parse, lambda n: b"\r\n" * n + made()),
    "semicolons in a URI": (parse, lambda n: made("INVITE sip:" + "a;" * n + "@b SIP/2.0")),
    "spaces in the request line": (parse, lambda n: made("INVITE" + " " * n + "sip:a@b SIP/2.0")),
    "percents": (parse, lambda n: made("INVITE sip:" + "%41" * n + "@b SIP/2.0")),
    "digits": (parse, lambda n: made(CSeq="9" * n + " INVITE")),
    "length": (parse, lambda n: made(Content_Length="9" * n)),
    "words of a name": (text(parse_name_addr), lambda n: b"a " * n + b"<sip:a@b>"),
    "URI parameters": (text(parse_sip_uri), lambda n: b"sip:a@b" + b";a=b" * n),
    "at signs": (text(parse_sip_uri), lambda n: b"sip:" + b"@" * n),
    "colons": (text(parse_sip_uri), lambda n: b"sip:a@[" + b":" * n),
    "slashes": (text(parse_via), lambda n: b"SIP/2.0/" + b"/" * n),
    "challenges": (text(digest.parse_challenges), lambda n: b"Digest " * n),
    "challenge parameters": (text(digest.parse_challenges), lambda n: b'Digest realm="r"' + b', a="b"' * n),
    "challenge without end": (text(digest.parse_challenges), lambda n: b'Digest realm="' + b'\\"' * n),
    "formats": (sdp.parse, lambda n: OFFER + b"a=rtpmap:96 x/8000\r\n" * n),
    "fmtp": (sdp.parse, lambda n: OFFER + b"a=fmtp:96 " + b"x;" * n + b"\r\n"),
    "streams": (sdp.parse, lambda n: OFFER + b"m=audio 1 RTP/AVP 0\r\n" * n),
    "formats of one stream": (sdp.parse, lambda n: OFFER + b"m=audio 1 RTP/AVP" + b" 0" * n + b"\r\n"),
    "pieces of a message": (stream, lambda n: made(X="y" * n, Content_Length="0")),
    "messages in a stream": (stream, lambda n: made(Content_Length="0") * (n // 20)),
    "pings": (stream, lambda n: b"\r\n\r\n" * n),
    "reports": (rtcp.parse, lambda n: (b"\x80\xc9\0\1" + bytes(4)) * n),
    "names in a report": (
        rtcp.parse,
        lambda n: b"\x80\xc9\0\1" + bytes(4) + (b"\x9f\xca\0\1" + bytes(4)) * n,
    ),
    "contributors and padding": (rtp.parse, lambda n: bytes([0xBF, 0]) + bytes([0xFF]) * n),
}


def attempt(read: Reader, data: bytes) -> None:
    try:
        read(data)
    except (SipParseError, sdp.SdpError):
        pass


def steps_of(read: Reader, data: bytes) -> int:
    """Lines of Python executed while reading."""
    steps = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        attempt(read, data)
    finally:
        sys.settrace(before)
    return steps


def seconds_of(read: Reader, data: bytes) -> float:
    """The best of some tries, each long enough to be measured."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(4):
            attempt(read, data)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_length_takes_at_most_twice_the_steps(family: str) -> None:
    """A linear reader's steps grow by 2 with the length, a quadratic one's by 4."""
    read, hostile = FAMILIES[family]
    steps = [steps_of(read, hostile(n)) for n in (100, 200, 400, 800)]
    for shorter, longer in pairwise(steps):
        assert longer <= 2.2 * shorter


@pytest.mark.parametrize("family", FAMILIES)
def test_eight_times_the_length_does_not_cost_its_square(family: str) -> None:
    """Linear: 8; a square: 64. What costs less than a millisecond at its largest is let be."""
    read, hostile = FAMILIES[family]
    short, long = seconds_of(read, hostile(400)), seconds_of(read, hostile(3200))
    assert long < 0.004 or long < 32 * short


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every pattern that the parsers' rooms keep."""
    root = Path(byourside_server.__file__).parent
    found: dict[str, re.Pattern[Any]] = {}
    for path in [*(root / "sip").glob("*.py"), *(root / "media").glob("*.py")]:
        module = import_module(f"byourside_server.{path.parent.name}.{path.stem}")
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{path.stem}.{name}"] = value
    return found


def test_no_pattern_can_backtrack() -> None:
    """No repetition in a repetition; and of several in a row, none that gives back what it took."""
    assert patterns()
    repeat = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\})(?![+])")
    for name, pattern in patterns().items():
        source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode()
        outside = re.sub(r"\[(?:\\.|[^\]\\])*\]", "C", source)  # classes hold literal * and +
        outside = re.sub(r"[*+?]\+", "P", outside)  # possessive: never given back
        assert len(repeat.findall(outside)) <= 1, f"{name}: {source}"


def test_a_flood_of_invites_is_answered_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is bounded, a call that stands is not disturbed, and afterwards nothing is left."""
    monkeypatch.setattr(endpoint, "MAX_REQUESTS", 50)
    pair = Pair()
    call, incoming = pair.answered()
    stranger = "192.0.2.66", 5060
    for number in range(500):
        via = f"SIP/2.0/UDP 192.0.2.66;branch=z9hG4bK{number}"
        pair.phone.receive_datagram(made(Via=via, Call_ID=f"flood{number}"), stranger, pair.wire.now)
    pair.wire.settle()
    assert pair.phone.held()["server transactions"] <= 50
    assert pair.phone.dropped["too many requests"] >= 450
    call.send_message(b"still here?", "text/plain", pair.wire.now)
    pair.wire.settle()
    assert "200 MESSAGE" in pair.wire.labels(("10.0.0.2", 5060))
    assert incoming.state == "answered"
