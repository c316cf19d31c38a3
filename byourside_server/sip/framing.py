"""A byte stream to messages: where one ends and the next begins (RFC 3261 §18.3, RFC 5626 §4.4.1).

Takes bytes in any pieces and looks at each a bounded number of times. Knows nothing of what a message
says but its Content-Length.
"""

from __future__ import annotations

from collections.abc import Iterator

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import is_number
from byourside_server.sip.parse import MAX_HEAD, MAX_MESSAGE

_END_OF_HEAD = b"\r\n\r\n"
_PING = b"\r\n\r\n"
_PONG = b"\r\n"
# A stream that speaks another language is seen by its first line, which is no longer than this.
_FIRST_LINE = 512


class StreamFramer:
    """Cuts one connection's bytes; a SipParseError means that no later cut can be trusted."""

    def __init__(self) -> None:
        self._held = bytearray()
        # How far `_held` was searched for the end of the head.
        self._searched = 0
        # Of the message whose head is whole.
        self._length: int | None = None
        # Line ends between messages, in bytes, that are not yet a whole ping or pong.
        self._blank = 0
        # Pings of ours not answered yet, and pings of theirs to answer.
        self._pongs_due = 0
        self._pings = 0
        # Whether they have ever answered a ping.
        self.pongs = False

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._held)

    @property
    def has_pings(self) -> bool:
        """Whether pings came that `pongs_to_send` has not answered."""
        return self._pings > 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole with these bytes."""
        self._held += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> bytes | None:
        if self._length is None:
            if not self._searched:
                self._skip_blank()
            self._length = self._find_length()
            if self._length is None:
                return None
        if len(self._held) < self._length:
            return None
        message = bytes(self._held[: self._length])
        del self._held[: self._length]
        self._searched, self._length = 0, None
        return message

    def ping(self) -> bytes:
        """What to send to hear whether somebody is there; `is_deaf` says later that nobody answered."""
        self._pongs_due += 1
        return _PING

    @property
    def is_deaf(self) -> bool:
        """A ping of ours went unanswered, though others before were answered: not every peer does."""
        return self.pongs and self._pongs_due > 0

    def pongs_to_send(self) -> bytes:
        """One line end for each ping that came since this was last asked."""
        pings, self._pings = self._pings, 0
        return _PONG * pings

    def _skip_blank(self) -> None:
        """Line ends between messages are counted and thrown away.

        Two are a ping and one is a pong; while a ping of ours is open, the first is its pong.
        """
        end = 0
        while end < len(self._held) and self._held[end] in _PONG:
            end += 1
        self._blank += end
        del self._held[:end]
        if self._pongs_due and self._blank >= len(_PONG):
            self._blank -= len(_PONG)
            self._pongs_due, self.pongs = 0, True
        self._pings += self._blank // len(_PING)
        self._blank = 0 if self._held else self._blank % len(_PING)

    def _find_length(self) -> int | None:
        """The length of the message that is at the front, or None while its head is not whole."""
        end = self._held.find(_END_OF_HEAD, max(0, self._searched - 3))
        if end < 0:
            if self._searched < _FIRST_LINE:
                _check_beginning(bytes(self._held[:_FIRST_LINE]))
            self._searched = len(self._held)
            if self._searched > MAX_HEAD:
                raise SipParseError("header fields do not end within 32 KiB", status=513)
            return None
        length = end + len(_END_OF_HEAD) + _content_length(bytes(self._held[:end]))
        if length > MAX_MESSAGE:
            raise SipParseError("message is larger than 64 KiB", status=513)
        return length


def _check_beginning(beginning: bytes) -> None:
    line, newline, _ = beginning.partition(b"\n")
    if newline and not _is_start_line(line):
        raise SipParseError("stream does not speak SIP")


def _is_start_line(line: bytes) -> bool:
    line = line.strip().upper()
    return line.startswith(b"SIP/") or b"SIP/" in line.rpartition(b" ")[2]


def _content_length(head: bytes) -> int:
    lines = head.split(b"\r\n")
    # As in `_check_beginning`: the cut may not depend on the pieces that bytes come in.
    if not _is_start_line(head.partition(b"\n")[0]):
        raise SipParseError("stream does not speak SIP")
    found: list[str] = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-length", b"l"):
            found.append(value.decode("ascii", "replace").strip())
    if not found:
        raise SipParseError("message on a stream has no Content-Length")
    if len(set(found)) > 1 or not is_number(found[0]) or len(found[0]) > 9:
        raise SipParseError("Content-Length is not a number")
    return int(found[0])
