"""Offer and answer of one audio stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.sip import sdp
from byourside_server.sip.sdp import Codec, Sdp, SdpError
from byourside_server.sip.session import Session

CARRIER_OFFER = b"""v=0\r
o=FreeSWITCH 1720000000 1720000001 IN IP4 203.0.113.7\r
s=FreeSWITCH\r
c=IN IP4 203.0.113.7\r
t=0 0\r
m=audio 28544 RTP/AVP 9 8 0 96 13\r
a=rtpmap:9 G722/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:96 telephone-event/8000\r
a=fmtp:96 0-15\r
a=ptime:20\r
a=sendonly\r
m=video 28546 RTP/AVP 31\r
"""


def test_our_offer_reads_back_as_itself() -> None:
    offer = sdp.offer("10.0.0.1", 4000)
    assert sdp.parse(offer.encode()) == Sdp("10.0.0.1", offer.streams, 1, 1, "10.0.0.1")
    assert b"m=audio 4000 RTP/AVP 0 8 101\r\n" in offer.encode()


def test_the_answer_takes_the_offerers_first_common_codec_and_refuses_video() -> None:
    """RFC 3264 §6 and §6.1: same number of streams, refused ones at port 0, the offer's payload types."""
    answer = sdp.answer(sdp.parse(CARRIER_OFFER), "10.0.0.1", 4000)
    audio, video = answer.streams
    assert [(codec.payload_type, codec.name) for codec in audio.codecs] == [
        (8, "PCMA"),
        (96, "telephone-event"),
    ]
    assert (video.kind, video.port) == ("video", 0)
    # They only send, so we only receive.
    assert audio.direction == "recvonly"


def test_what_is_chosen_says_where_and_how_to_send() -> None:
    far = sdp.chosen(sdp.parse(CARRIER_OFFER))
    assert (far.host, far.port, far.codec, far.payload_type) == ("203.0.113.7", 28544, "PCMA", 8)
    assert (far.dtmf_payload_type, far.ptime_ms, far.direction) == (96, 20, "sendonly")


def test_static_payload_types_need_no_rtpmap() -> None:
    """RFC 3551 table 4."""
    far = sdp.chosen(sdp.parse(b"v=0\nc=IN IP4 1.2.3.4\nm=audio 9 RTP/AVP 0\n"))
    assert (far.codec, far.dtmf_payload_type) == ("PCMU", None)


def test_the_streams_own_address_wins() -> None:
    body = b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n"
    assert sdp.chosen(sdp.parse(body)).host == "2001:db8::1"


def test_a_name_in_place_of_an_address_is_not_looked_up() -> None:
    """RFC 8866 §5.7 allows one; sending to it would ask a name server 50 times a second, in the tick."""
    with pytest.raises(SdpError, match="no address"):
        sdp.chosen(sdp.parse(b"v=0\nc=IN IP4 media.example\nm=audio 9 RTP/AVP 0\n"))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "v=0"),
        (b"v=1\r\n", "v=0"),
        (b"v=0\r\nm=audio 9 RTP/AVP 0\r\n", "no c= line"),
        (b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 70000 RTP/AVP 0\r\n", "port"),
        (b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP x\r\n", "payload type"),
        (b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 9\r\n", "m= line"),
        (b"v=0\r\nc=ATM x\r\n", "internet address"),
        (b"v=0\r\nnonsense\r\n", "letter=value"),
        (b"v=0\r\n" + b"a=x\r\n" * 5000, "16 KiB"),
    ],
)
def test_the_first_wrong_thing_is_named(body: bytes, sentence: str) -> None:
    with pytest.raises(SdpError, match=sentence):
        sdp.parse(body)


def test_no_common_codec_is_an_error_for_answer_and_choice() -> None:
    g729 = sdp.parse(b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP 18\r\n")
    with pytest.raises(SdpError, match="common"):
        sdp.answer(g729, "10.0.0.1", 4000)
    with pytest.raises(SdpError, match="PCMU"):
        sdp.chosen(g729)


def test_a_stream_switched_off_is_no_stream() -> None:
    with pytest.raises(SdpError, match="switched on"):
        sdp.chosen(sdp.parse(b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 0 RTP/AVP 0\r\n"))


def test_a_new_offer_is_answered_with_the_codec_in_use_and_the_next_version() -> None:
    ours = sdp.offer("10.0.0.1", 4000)
    theirs = sdp.offer("10.0.0.2", 4002, (sdp.PCMA, sdp.TELEPHONE_EVENT))
    session = Session(ours.encode(), theirs.encode())
    assert session.codec_in_use == "PCMA"
    hold = sdp.offer("10.0.0.9", 4009, direction="sendonly").encode()
    answered = sdp.parse(session.answer_again(hold) or b"")
    assert answered.audio is not None
    assert answered.audio.codecs[0].name == "PCMA"
    assert (answered.audio.direction, answered.audio.port, answered.version) == ("recvonly", 4000, 2)


def test_the_same_answer_keeps_its_version() -> None:
    """RFC 3264 §8: a description that does not change keeps its o= line."""
    theirs = sdp.offer("10.0.0.2", 4002).encode()
    ours = sdp.answer(sdp.parse(theirs), "10.0.0.1", 4000)
    session = Session(ours.encode(), theirs)
    assert session.answer_again(theirs) == ours.encode()
    assert session.answer_again(b"") == ours.encode()


codecs = st.builds(
    Codec,
    st.integers(0, 127),
    st.text("abcdefgHIJ-.0123456789", min_size=1, max_size=12),
    st.sampled_from([8000, 16000, 48000]),
    st.none() | st.text("0123456789-=; ab", min_size=1, max_size=12).map(str.strip).filter(bool),
)


@given(
    st.lists(codecs, min_size=1, max_size=6, unique_by=lambda codec: codec.payload_type),
    st.integers(1, 65535),
    st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
    st.integers(10, 60),
    st.integers(0, 2**63),
)
def test_descriptions_survive_the_wire(
    listed: list[Codec], port: int, direction: sdp.Direction, ptime_ms: int, number: int
) -> None:
    made = sdp.offer(
        "10.0.0.1", port, listed, ptime_ms=ptime_ms, direction=direction, session_id=number, version=number
    )
    read = sdp.parse(made.encode())
    assert (read.streams, read.session_id, read.version) == (made.streams, number, number)


@given(st.binary(max_size=300))
def test_no_body_makes_the_reader_stumble(body: bytes) -> None:
    try:
        sdp.parse(b"v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP 0\r\n" + body)
    except SdpError:
        return


def test_a_session_answers_from_what_sounded_last_however_often_it_was_described() -> None:
    ours = sdp.offer("192.0.2.1", 4000).encode()
    session = Session(ours)
    for version in range(2, 40):
        session.remote = sdp.offer("192.0.2.2", 5000 + version, [sdp.PCMA], version=version).encode()
    session.remote = session.remote.replace(b"m=audio 5039", b"m=audio 0")
    session.remote = b"no description"
    assert session.codec_in_use == "PCMA"
    again = session.answer_again(sdp.offer("192.0.2.2", 6000).encode())
    assert again is not None
    assert sdp.parse(again).version == sdp.parse(ours).version + 1
