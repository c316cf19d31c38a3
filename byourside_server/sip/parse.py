"""Bytes to message: one datagram in, one request or response out, or the first thing that is wrong.

RFC 3261 §7 and §25.1, measured against RFC 4475. Knows no transport and no state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import (
    NameAddr,
    check_uri,
    is_number,
    is_token,
    parse_name_addr,
    parse_sip_uri,
)
from byourside_server.sip.message import COMPACT_NAMES, Headers, Request, Response, SipMessage

MAX_MESSAGE = 65_535
MAX_HEAD = 32 * 1024
MAX_HEADER_FIELDS = 256
_MAX_FORWARDS = 255
_LENGTH_OF_NAME = len("Content-Length")
_CONTINUES = frozenset({" ", "\t"})
_BREAK = re.compile("[\r\n\0]")
# Possessive throughout: what one part has taken it never gives back.
_FIELD = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]++)[ \t]*+:[ \t]*+([^\r\n\0]*+)")
# Fields that may stand once only, and whose doubling would let two readers see two messages.
_SINGLE = frozenset({"call-id", "cseq", "from", "to", "max-forwards"})
# Fields that decide where later requests go: they must be SIP addresses in requests and responses alike.
_ROUTES = ("Route", "Record-Route")


def parse(data: bytes) -> Request | Response:
    """Read one whole message. Raises SipParseError."""
    if len(data) > MAX_MESSAGE:
        raise SipParseError("message is larger than a datagram", status=513)
    # §7.5: empty lines before the start line are ignored.
    data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD + 4)
    if end < 0:
        raise SipParseError("header fields do not end within 32 KiB", status=513)
    head = data[:end].decode("utf-8", "surrogateescape")
    lines = head.split("\r\n")
    start_line = lines[0]
    if _BREAK.search(start_line):
        raise SipParseError("start line holds a bare line break or NUL")
    is_folded = "\r\n " in head or "\r\n\t" in head
    fields, lengths, wrong_field = _read_fields(lines, is_folded)
    body, wrong_length = _cut_body(data[end + 4 :], lengths)
    message, wrong_start = _parse_start_line(start_line, Headers(fields), body)
    try:
        for wrong in (wrong_start, wrong_field, wrong_length):
            if wrong is not None:
                raise wrong
        _check(message)
    except SipParseError as error:
        error.request = _answerable(message)
        raise
    return message


def _parse_start_line(
    line: str, headers: Headers, body: bytes
) -> tuple[Request | Response, SipParseError | None]:
    """The message, and what was wrong with its start line where it can still be answered."""
    if line.upper().startswith("SIP/"):
        version, _, rest = line.partition(" ")
        status, _, reason = rest.partition(" ")
        if version.upper() != "SIP/2.0":
            raise SipParseError(f"version {version[:16]!r} is not SIP/2.0")
        if len(status) != 3 or not is_number(status) or not 100 <= int(status) <= 699:
            raise SipParseError("status code is not 100 to 699")
        return Response(headers, body, int(status), reason), None
    method, _, rest = line.partition(" ")
    uri, space, version = rest.rpartition(" ")
    if not is_token(method):
        raise SipParseError("method is not a token")
    request = Request(headers, body, method, uri)
    if not space or not version.upper().startswith("SIP/"):
        return request, SipParseError("request line does not end in a SIP version")
    if version.upper() != "SIP/2.0":
        return request, SipParseError(f"version {version[:16]!r} is not SIP/2.0", status=505)
    try:
        check_uri(uri)
    except SipParseError as error:
        return request, SipParseError(f"Request-URI: {error}")
    return request, None


def _read_fields(
    lines: list[str], is_folded: bool
) -> tuple[list[tuple[str, str]], list[str], SipParseError | None]:
    """The fields that can be read, so that a broken request may be answered; the values of Content-Length,
    which is no field of ours; and the first wrong thing."""
    wrong = None
    if len(lines) > MAX_HEADER_FIELDS:
        wrong = SipParseError("too many header fields", status=513)
    fields: list[tuple[str, str]] = []
    lengths: list[str] = []
    lines = lines[1:MAX_HEADER_FIELDS]
    for line in _unfolded(lines) if is_folded else lines:
        try:
            name, value = _split_field(line)
        except SipParseError as error:
            wrong = wrong or error
            continue
        if len(name) == _LENGTH_OF_NAME and name.lower() == "content-length":
            lengths.append(value)
        else:
            fields.append((name, value))
    return fields, lengths, wrong


def _unfolded(lines: list[str]) -> Iterator[str]:
    """Field lines with their continuation lines (§7.3.1) joined by one space."""
    pieces: list[str] = []
    for line in lines:
        if line[:1] not in _CONTINUES:
            if pieces:
                yield " ".join(pieces)
            pieces = [line]
        else:
            # Nothing to continue: the space stays, and the field's name is seen to be wrong.
            pieces.append(line.strip(" \t") if pieces else line)
    if pieces:
        yield " ".join(pieces)


def _split_field(line: str) -> tuple[str, str]:
    if (field := _FIELD.fullmatch(line)) is None:
        raise _wrong_field(line)
    name, value = field.groups()
    return COMPACT_NAMES.get(name.lower(), name) if len(name) == 1 else name, value.rstrip(" \t")


def _wrong_field(line: str) -> SipParseError:
    name, colon, _ = line.partition(":")
    name = name.rstrip(" \t")
    if not colon:
        return SipParseError("header field without colon")
    if not is_token(name):
        return SipParseError(f"header field name {name[:32]!r} is not a token")
    return SipParseError(f"{name} holds a bare line break or NUL")


def _cut_body(rest: bytes, lengths: list[str]) -> tuple[bytes, SipParseError | None]:
    """§18.3: Content-Length cuts the datagram; without it the body is the rest."""
    if not lengths:
        return rest, None
    if len(lengths) > 1:
        return b"", SipParseError("Content-Length stands more than once")
    if not is_number(lengths[0]) or len(lengths[0]) > 9:
        return b"", SipParseError("Content-Length is not a number")
    length = int(lengths[0])
    if length > len(rest):
        return b"", SipParseError("body is shorter than Content-Length")
    return rest[:length], None


def _check(message: Request | Response) -> None:
    """Raise unless everything that each message must have is there and right (§8.1.1)."""
    headers = message.headers
    for name in headers.repeated:
        if name in _SINGLE:
            raise SipParseError(f"{name} stands more than once")
    # Lists that are read later must be readable.
    _ = message.vias, headers.values("Require"), headers.values("Accept"), message.from_, message.to
    call_id = message.call_id
    if not call_id or " " in call_id or "\t" in call_id:
        raise SipParseError("Call-ID is empty or holds a space")
    _, method = message.cseq
    if not is_token(method):
        raise SipParseError("CSeq method is not a token")
    for name in _ROUTES:
        for value in headers.values(name):
            parse_sip_uri(_located(name, value).uri)
    if isinstance(message, Request):
        _check_request(message, method)


def _check_request(request: Request, cseq_method: str) -> None:
    if cseq_method != request.method:
        raise SipParseError("CSeq names another method than the request line")
    if request.from_.tag is None and request.via.branch is not None:
        # RFC 2543 peers send neither tag nor branch and are let through.
        raise SipParseError("From has no tag")
    forwards = request.headers.get("Max-Forwards")
    if forwards is not None and (
        not is_number(forwards) or len(forwards) > 9 or int(forwards) > _MAX_FORWARDS
    ):
        raise SipParseError("Max-Forwards is not 0 to 255")
    for value in request.headers.values("Contact"):
        if value != "*":  # only in a REGISTER, §10.2.2
            _located("Contact", value)


def _located(name: str, value: str) -> NameAddr:
    try:
        return parse_name_addr(value)
    except SipParseError as error:
        raise SipParseError(f"{name}: {error}") from None


def _answerable(message: SipMessage) -> Request | None:
    """The request, where enough of it can be read to send its sender a response."""
    if not isinstance(message, Request) or message.method == "ACK":
        return None
    try:
        _ = message.vias, message.from_, message.to, message.call_id
    except SipParseError:
        return None
    return message if "CSeq" in message.headers else None
