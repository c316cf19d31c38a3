"""Where messages end on a stream: RFC 3261 §18.3 and RFC 5626 §4.4.1, whatever the pieces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.framing import StreamFramer
from byourside_server.sip.parse import MAX_HEAD

BYE = b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
INFO = b"INFO sip:a@b SIP/2.0\r\nl : 5\r\n\r\nhello"
OK = b"SIP/2.0 200 OK\r\nCONTENT-LENGTH:\t3\r\n\r\n\r\n\r"


@given(st.lists(st.sampled_from([BYE, INFO, OK]), max_size=6), st.data())
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    messages: list[bytes], data: st.DataObject
) -> None:
    """OK's body is made of line ends: only its length says that they are no ping."""
    stream = b"".join(messages)
    framer = StreamFramer()
    out: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        out += framer.feed(stream[:size])
        stream = stream[size:]
    assert out == messages
    assert not framer.is_inside
    assert framer.pongs_to_send() == b""


def test_a_ping_between_messages_is_answered_once_and_a_lone_line_end_not_at_all() -> None:
    framer = StreamFramer()
    assert list(framer.feed(b"\r\n\r\n" + BYE + b"\r\n")) == [BYE]
    assert framer.pongs_to_send() == b"\r\n"
    assert framer.pongs_to_send() == b""
    assert list(framer.feed(b"\r\n")) == []
    assert framer.pongs_to_send() == b"\r\n"  # the second half of a ping in two pieces
    assert list(framer.feed(b"\r\n" + BYE)) == [BYE]
    assert framer.pongs_to_send() == b""


def test_a_peer_that_answered_pings_and_no_longer_does_is_deaf() -> None:
    framer = StreamFramer()
    assert framer.ping() == b"\r\n\r\n"
    assert not framer.is_deaf  # it may be one that never answers
    assert list(framer.feed(b"\r\n")) == []
    assert framer.pongs_to_send() == b""
    framer.ping()
    assert framer.is_deaf
    assert list(framer.feed(b"\r\n")) == []
    assert not framer.is_deaf


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n", "no Content-Length"),
        (b"BYE sip:a@b SIP/2.0\r\nContent-Length: 0\r\nl: 5\r\n\r\n", "not a number"),
        (b"BYE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", "not a number"),
        ("BYE sip:a@b SIP/2.0\r\nContent-Length: ١\r\n\r\n".encode(), "not a number"),
        (b"BYE sip:a@b SIP/2.0\r\nContent-Length: 99999\r\n\r\n", "larger than 64 KiB"),
        (b"GET / HTTP/1.1\r\n", "does not speak SIP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\n", "does not speak SIP"),
        (b"x" * (MAX_HEAD + 1), "do not end"),
        (b"BYE sip:a@b SIP/2.0\r\n" + b"A: b\r\n" * 6000, "do not end"),
    ],
)
def test_what_cannot_be_cut_is_named(stream: bytes, sentence: str) -> None:
    with pytest.raises(SipParseError, match=sentence):
        list(StreamFramer().feed(stream))


class Counting(bytearray):
    """Counts how many of its bytes are looked at, one by one or in a row."""

    looked_at = 0

    def find(self, wanted: Any, start: Any = 0, end: Any = None) -> int:
        self.looked_at += len(self) - start
        return super().find(wanted, start)

    def __getitem__(self, where: Any) -> Any:
        found = super().__getitem__(where)
        self.looked_at += len(found) if isinstance(where, slice) else 1
        return found


def test_a_byte_at_a_time_costs_no_more_than_its_length() -> None:
    """A framer that began anew with each byte would look at 900 million of these 60,000."""
    head = b"INFO sip:a@b SIP/2.0\r\nX: " + b"a" * 30_000 + b"\r\n"
    message = head + b"Content-Length: %d\r\n\r\n" % 30_000 + b"b" * 30_000
    framer = StreamFramer()
    held = framer._held = Counting()
    assert [whole for at in range(len(message)) for whole in framer.feed(message[at : at + 1])] == [message]
    # Four bytes of each search again, what may be the first line at each of its bytes, and two copies.
    assert held.looked_at < 4 * len(head) + 512 * 512 + 2 * len(message)
