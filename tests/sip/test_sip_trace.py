"""What is kept of a call's messages: whole, in order, and without anything that opens a door."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from byourside_server.sip.endpoint import SipEndpoint, TrunkAddress
from byourside_server.sip.events import InviteReceived
from byourside_server.sip.hop import Hop
from byourside_server.sip.pcap import as_pcap
from byourside_server.sip.redact import hide_numbers, redact
from byourside_server.sip.trace import Passage, Way, as_text, decode, encode
from tests.sip.wire import ANSWER, OFFICE, PHONE, Address, Pair, Wire

AT = 1_781_704_992.25
INVITE = (
    "INVITE sip:+14155550123@carrier.example SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK77;rport\r\n"
    'From: "415 555 0100" <sip:+14155550100@carrier.example>;tag=1\r\n'
    "To: <sip:+14155550123@carrier.example>\r\n"
    "Call-ID: 4155550123000@10.0.0.1\r\n"
    "CSeq: 2 INVITE\r\n"
    'Proxy-Authorization: Digest username="alice", realm="trunk", nonce="n0nce",\r\n'
    ' uri="sip:carrier.example", response="r3sponse", cnonce="cn0nce", nc=00000001, qop=auth\r\n'
    "Content-Type: application/sdp\r\n"
    "Content-Length: {length}\r\n"
    "\r\n"
)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:32\r\n"
    "a=sendrecv\r\n"
)
SECRETS = ("alice", "n0nce", "r3sponse", "cn0nce", "WVNf")


def invite(body: str = SDP) -> bytes:
    return (INVITE.format(length=len(body)) + body).encode()


def passage(message: str, way: Way = "sent", at: float = AT, **more: Address) -> Passage:
    return Passage(at, way, "UDP", more.get("ours", OFFICE), more.get("theirs", PHONE), message)


def test_credentials_and_media_keys_are_gone_and_everything_else_stays() -> None:
    kept = redact(invite())
    assert not [secret for secret in SECRETS if secret in kept]
    for shown in (
        'realm="trunk"',
        'uri="sip:carrier.example"',
        "nc=00000001",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*",
        "a=sendrecv",
        "sip:+14155550123@carrier.example",
    ):
        assert shown in kept
    head, _, body = kept.partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}" in head


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("WWW-Authenticate: Digest realm=\"a, b\", nonce=n0nce, opaque=\"al\\\"ice\", qop=\"auth\"",
         'WWW-Authenticate: Digest realm="a, b", nonce=[removed], opaque=[removed], qop="auth"'),
        ("proxy-authorization : Basic YWxpY2U6cjNzcG9uc2U=", "proxy-authorization : Basic [removed]"),
        ("Authorization: Digest", "Authorization: Digest"),
        ("Authorization:Digest username=\"alice", "Authorization:Digest username=[removed]"),
        ('Authentication-Info: nextnonce="n0nce", qop=auth, rspauth="r3sponse"',
         "Authentication-Info: nextnonce=[removed], qop=auth, rspauth=[removed]"),
        ("Identity: eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://c.example>", "Identity: [removed]"),
        ("Contact: <sip:alice:r3sponse@10.0.0.1>", "Contact: <sip:alice:[removed]@10.0.0.1>"),
        ("Refer-To: <sip:b@c?Authorization=Digest%20r3sponse&x=1>",
         "Refer-To: <sip:b@c?Authorization=[removed]&x=1>"),
        ("Contact: <sip:10.0.0.1:5060>", "Contact: <sip:10.0.0.1:5060>"),
    ],
)  # fmt: skip
def test_secrets_are_found_however_they_are_written(line: str, kept: str) -> None:
    assert redact(f"SIP/2.0 200 OK\r\n{line}\r\n\r\n".encode()) == f"SIP/2.0 200 OK\r\n{kept}\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        "MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\n",
        "INFO sip:a@b SIP/2.0\nc: application/dtmf-relay\n\n",
        "INFO sip:a@b SIP/2.0\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nContent-Type: multipart/mixed;boundary=application/sdp\r\n\r\n",
    ],
)
def test_what_people_typed_or_pressed_is_gone_and_its_length_stays(head: str) -> None:
    kept = redact(head.encode() + b"Signal=7 \xff")
    assert kept.endswith("\n" + "*" * 10)
    assert "Signal" not in kept


def test_a_message_that_is_none_is_kept_as_it_came() -> None:
    assert redact(b"\xff\xfe garbage") == "\udcff\udcfe garbage"
    assert list(decode([encode(passage(redact(b"\xff\xfe")))])) == [passage("\udcff\udcfe")]


def test_numbers_are_hidden_where_they_are_numbers_and_only_there() -> None:
    hidden = hide_numbers(redact(invite()))
    assert "sip:+xxxxxxxxx23@carrier.example" in hidden
    assert '"xxx xxx xx00" <sip:+xxxxxxxxx00@carrier.example>' in hidden
    assert "Call-ID: 4155550123000@10.0.0.1" in hidden
    assert len(hidden) == len(redact(invite()))


def test_a_trace_survives_its_file_and_the_death_of_its_writer() -> None:
    first, second = passage(redact(invite())), passage("SIP/2.0 100 Trying\r\n\r\n", "received", AT + 0.05)
    lines = [encode(first), encode(second), encode(first)[:40]]
    assert list(decode(lines)) == [first, second]


def test_the_text_shows_the_ladder_first_and_then_each_message() -> None:
    text = as_text(
        "call-1", [passage(redact(invite())), passage("SIP/2.0 100 Trying\r\n\r\n", "received", AT + 0.05)]
    )
    ladder = [line for line in text.splitlines() if "10.0.0.1:5060 " in line]
    assert ladder[:2] == [
        "2026-06-17 14:03:12.250 [   0.000] UDP 10.0.0.1:5060 --> 10.0.0.2:5060"
        "  INVITE sip:+14155550123@carrier.example SIP/2.0",
        "2026-06-17 14:03:12.300 [   0.050] UDP 10.0.0.1:5060 <-- 10.0.0.2:5060  SIP/2.0 100 Trying",
    ]
    assert "a=sendrecv\n" in text
    assert "\r" not in text


class Tapped:
    """A whole call with a tap on the office's endpoint."""

    def __init__(self) -> None:
        self.pair = Pair(Wire(), TrunkAddress(PHONE, "carrier.example"))
        self.passages: list[Passage] = []
        self.pair.office.tap(self._hear)
        call = self.pair.dial()
        self.phone: SipEndpoint = self.pair.phone
        [invited] = [e for e in self.pair.wire.events[PHONE] if isinstance(e, InviteReceived)]
        invited.call.ring(self.pair.wire.now)
        self.pair.wire.run(1.0)
        invited.call.answer(ANSWER, self.pair.wire.now)
        self.pair.wire.run(1.0)
        call.hang_up(self.pair.wire.now)
        self.pair.wire.run(1.0)

    def _hear(self, way: Way, data: bytes, theirs: Hop, now: float) -> None:
        self.passages.append(Passage(AT + now, way, "UDP", OFFICE, theirs.address, redact(data)))


def test_the_tap_hears_every_message_of_a_call_in_the_order_of_the_wire() -> None:
    tapped = Tapped()
    heard = [(each.way, each.message.split(" ")[0 if each.way == "sent" else 1]) for each in tapped.passages]
    assert heard == [
        ("sent", "INVITE"),
        ("received", "100"),
        ("received", "180"),
        ("received", "200"),
        ("sent", "ACK"),
        ("sent", "BYE"),
        ("received", "200"),
    ]
    assert [each.at for each in tapped.passages] == [AT, AT, AT, AT + 1, AT + 1, AT + 2, AT + 2]
    assert {each.theirs for each in tapped.passages} == {PHONE}


def tshark(file: Path, *fields: str) -> list[list[str]]:
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed (Debian: apt install tshark)")
    options = [option for field in fields for option in ("-e", field)]
    done = subprocess.run(
        [
            program,
            "-r",
            str(file),
            "-o",
            "udp.check_checksum:TRUE",
            "-o",
            "ip.check_checksum:TRUE",
            "-T",
            "fields",
            *options,
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_tshark_reads_the_capture_and_finds_the_call(tmp_path: Path) -> None:
    file = tmp_path / "call.pcap"
    far6 = passage(
        "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x\r\n\r\n", "received", AT + 3, theirs=("2001:db8::1", 5061)
    )
    file.write_bytes(as_pcap([*Tapped().passages, far6]))
    rows = tshark(
        file,
        "frame.time_epoch",
        "ip.src",
        "sip.Method",
        "sip.Status-Code",
        "udp.checksum.status",
        "sdp.media.port",
    )
    assert [row[2] or row[3] for row in rows] == [
        "INVITE",
        "100",
        "180",
        "200",
        "ACK",
        "BYE",
        "200",
        "OPTIONS",
    ]
    assert [row[1] for row in rows[:3]] == [OFFICE[0], PHONE[0], PHONE[0]]
    assert {row[4] for row in rows} == {"1"}, "tshark finds a checksum wrong"
    assert rows[0][5] == "4000"
    assert float(rows[3][0]) == pytest.approx(AT + 1, abs=1e-6)
