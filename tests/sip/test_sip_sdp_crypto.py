"""Keys in descriptions: RFC 4568, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.sip import sdp
from byourside_server.sip.sdp import SdpError
from byourside_server.sip.sdp_crypto import (
    KEY_AND_SALT_BYTES,
    OFFERED_SUITES,
    Crypto,
    CryptoError,
    SrtpPolicy,
    agree,
    choose,
    make_crypto,
    parse_crypto,
)
from byourside_server.sip.session import Session

KEY = bytes(range(30))
KEY_TEXT = base64.b64encode(KEY).decode()


def constant(length: int) -> bytes:
    return bytes(range(100, 100 + length))


OURS = make_crypto(OFFERED_SUITES, constant)


def offer(policy: SrtpPolicy) -> sdp.Sdp:
    return sdp.offer("10.0.0.1", 4000, srtp=policy, crypto=OURS)


def theirs(tag: int = 1, suite: str = OFFERED_SUITES[0]) -> Crypto:
    return Crypto(tag, suite, bytes(KEY_AND_SALT_BYTES[suite]))


def test_the_example_of_the_standard_is_read() -> None:
    """RFC 4568 §9.1, with an MKI of 1 in four bytes."""
    line = parse_crypto(
        "1 AES_CM_128_HMAC_SHA1_80"
        " inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP"
    )
    assert (line.tag, line.suite, line.mki) == (1, "AES_CM_128_HMAC_SHA1_80", b"\0\0\0\1")
    assert line.key == b"YS___semctl () {\t220;}\n}\nunles"
    assert "FEC_ORDER" in line.fault


def test_what_is_written_is_read_back() -> None:
    for line in OURS:
        assert parse_crypto(line.line().removeprefix("a=crypto:")) == line


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", "has no tag"),
        ("x AES_CM_128_HMAC_SHA1_80 inline:" + KEY_TEXT, "has no tag"),
        ("1 AES_CM_128_HMAC_SHA1_80", "has no key"),
        ("1 F8_128_HMAC_SHA1_80 inline:" + KEY_TEXT, "is a suite that is not known here"),
        ("1 AES_CM_128_HMAC_SHA1_80 uri:" + KEY_TEXT, "has the key method 'uri', not inline"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:????", "has a key that is not base64"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "has a key of 3 bytes, not 30"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT};inline:{KEY_TEXT}", "has several keys"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT}|2^10", "has a key for 1024 packets only"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT}|300:1", "has an MKI that does not fit"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT}|soon", "neither lifetime nor MKI"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT} UNENCRYPTED_SRTCP", "asks for UNENCRYPTED_SRTCP"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT} UNAUTHENTICATED_SRTP", "asks for UNAUTHENTICATED"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT} KDR=4", "asks for KDR"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT} NEW=1", "unknown session parameter"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: str, fault: str) -> None:
    assert fault in parse_crypto(line).fault


@pytest.mark.parametrize("extra", ["|2^31", "|2^48|1:4", "|1048576", " WSH=1024", " -LATER=1"])
def test_what_does_no_harm_is_taken(extra: str) -> None:
    assert parse_crypto(f"7 aes_cm_128_hmac_sha1_80 inline:{KEY_TEXT}{extra}").fault == ""


@given(st.text(max_size=200))
def test_no_line_breaks_the_reader_or_tells_its_key(text: str) -> None:
    assert "key=" not in repr(parse_crypto(text))


def test_keys_stay_out_of_what_is_printed() -> None:
    assert KEY_TEXT not in repr(parse_crypto(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_TEXT}"))
    assert repr(constant(30)) not in repr(offer("required"))


def test_the_policy_decides_the_profile_of_the_offer() -> None:
    plain = sdp.offer("10.0.0.1", 4000).encode()
    assert b"RTP/AVP " in plain
    assert b"crypto" not in plain
    assert b"RTP/AVP " in offer("optional").encode()
    assert b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in offer("optional").encode()
    assert b"RTP/SAVP " in offer("required").encode()
    read = sdp.chosen(sdp.parse(offer("required").encode()))
    assert read.crypto == OURS
    assert read.demands_srtp


def test_an_answer_names_our_tag_and_suite() -> None:
    keys = agree(OURS, (theirs(2, OFFERED_SUITES[1]),), "required")
    assert keys is not None
    assert (keys.suite, keys.ours, keys.theirs) == (OFFERED_SUITES[1], OURS[1].key, bytes(30))


def test_no_key_is_none_where_it_is_optional_and_an_end_where_it_is_required() -> None:
    assert agree(OURS, (), "optional") is None
    with pytest.raises(CryptoError) as refused:
        agree(OURS, (), "required")
    assert refused.value.token == "srtp_required"


@pytest.mark.parametrize(
    "answered",
    [
        (theirs(3),),
        (theirs(1, OFFERED_SUITES[1]),),
        (theirs(1), theirs(2, OFFERED_SUITES[1])),
        (parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"),),
    ],
    ids=["another tag", "another suite", "two lines", "no key"],
)
@pytest.mark.parametrize("policy", ["optional", "required"])
def test_an_answer_that_does_not_fit_the_offer_is_refused(
    answered: tuple[Crypto, ...], policy: SrtpPolicy
) -> None:
    """RFC 4568 §5.1.3; also where it is optional: they would encrypt, and we would hear noise."""
    with pytest.raises(CryptoError) as refused:
        agree(OURS, answered, policy)
    assert refused.value.token == "srtp_mismatch"
    assert KEY_TEXT not in str(refused.value)


def test_the_answer_takes_the_first_suite_it_knows_under_its_tag() -> None:
    offered = (theirs(5, "AEAD_AES_256_GCM"), theirs(6))
    chosen = choose(offered, OURS)
    assert chosen is not None
    assert (chosen.tag, chosen.suite, chosen.key) == (6, OFFERED_SUITES[0], OURS[0].key)


def test_a_secure_offer_is_answered_securely_or_not_at_all() -> None:
    offered = sdp.parse(offer("required").encode())
    answer = sdp.answer(offered, "10.0.0.2", 5000, srtp="optional", crypto=OURS)
    assert answer.streams[0].protocol == "RTP/SAVP"
    assert [line.tag for line in answer.streams[0].crypto] == [1]
    with pytest.raises(SdpError, match="demands SRTP"):
        sdp.answer(offered, "10.0.0.2", 5000)


def test_best_effort_is_answered_with_a_key_or_without() -> None:
    offered = sdp.parse(offer("optional").encode())
    assert sdp.answer(offered, "10.0.0.2", 5000).streams[0].crypto == ()
    secure = sdp.answer(offered, "10.0.0.2", 5000, srtp="required", crypto=OURS)
    assert (secure.streams[0].protocol, len(secure.streams[0].crypto)) == ("RTP/AVP", 1)


def test_of_two_streams_the_one_with_srtp_is_taken() -> None:
    """Some offer the same sound twice, encrypted and not."""
    text = offer("required").encode() + b"m=audio 4002 RTP/AVP 0\r\n"
    secure = sdp.answer(sdp.parse(text), "10.0.0.2", 5000, srtp="optional", crypto=OURS)
    assert [stream.port for stream in secure.streams] == [5000, 0]
    plain = sdp.answer(sdp.parse(text), "10.0.0.2", 5000)
    assert [stream.port for stream in plain.streams] == [0, 5000]


def test_a_plain_offer_is_refused_where_srtp_is_required() -> None:
    with pytest.raises(SdpError, match="SRTP is required"):
        sdp.answer(sdp.offer("10.0.0.1", 4000), "10.0.0.2", 5000, srtp="required", crypto=OURS)


def test_a_new_offer_in_the_call_keeps_our_key() -> None:
    """RFC 4568 §7.1.3: a stream that goes on may keep its key."""
    session = Session(local=offer("required").encode())
    again = session.answer_again(offer("required").encode())
    assert again is not None
    answered = sdp.chosen(sdp.parse(again)).crypto
    assert [line.key for line in answered] == [OURS[0].key]
    assert session.answer_again(sdp.offer("10.0.0.2", 5000).encode()) is None


def test_reports_go_where_the_description_says() -> None:
    """RFC 3550 §11, RFC 3605, RFC 5761."""
    plain = "v=0\nc=IN IP4 1.2.3.4\nm=audio 9000 RTP/AVP 0\n"
    assert sdp.chosen(sdp.parse(plain.encode())).rtcp_port == 9001
    assert sdp.chosen(sdp.parse((plain + "a=rtcp:53020 IN IP4 1.2.3.4\n").encode())).rtcp_port == 53020
    muxed = sdp.parse((plain + "a=rtcp-mux\n").encode())
    assert sdp.chosen(muxed).rtcp_port == 9000
    assert sdp.answer(muxed, "10.0.0.2", 5000).streams[0].rtcp_mux
