"""The small languages inside SIP header fields: lists, parameters, addresses, URIs, Via.

Every function looks at each character a bounded number of times (patterns are single character classes:
no backtracking), so hostile input costs its length and no more. Knows no message and no method.
RFC 3261 §25.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from byourside_server.sip.errors import SipParseError

DEFAULT_PORT = 5060
MAGIC_COOKIE = "z9hG4bK"
T = TypeVar("T")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
TOKEN_CHARACTERS = _ALNUM | frozenset("-.!%*_+`'~")
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_HOST = re.compile(r"[A-Za-z0-9\-._]+")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")
_SCHEME = re.compile(r"[A-Za-z0-9+\-.]+")
_NEVER_IN_A_URI = re.compile(r"[ \t<>\"]")
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_WHITESPACE = " \t"

Parameters = Mapping[str, str | None]

# Values a call says again and again; longer ones, which only bad company sends, are not kept.
_REMEMBERED = 2048
_REMEMBERED_LENGTH = 200


def remembered(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read`, asked once of each text: the messages of a call repeat the same addresses, URIs and hops.

    What is read is shared, so it must be a value nobody changes.
    """
    known = lru_cache(_REMEMBERED)(read)

    def ask(text: str) -> T:
        return known(text) if len(text) <= _REMEMBERED_LENGTH else read(text)

    ask.__doc__ = read.__doc__
    return ask


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """ASCII digits only: `str.isdigit` would also let full-width and Arabic digits through."""
    return text.isascii() and text.isdigit()


def quote(text: str) -> str:
    """A quoted-string (§25.1) that says `text`."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """What a quoted-string says; text that is not quoted says itself."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    said: list[str] = []
    escaped = False
    for character in inner:
        if character == "\\" and not escaped:
            escaped = True
        else:
            said.append(character)
            escaped = False
    return "".join(said)


def end_of_quoted(text: str, start: int) -> int:
    """Index after the closing quote of the quoted-string that opens at `start`."""
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == '"':
            return at + 1
        else:
            at += 1
    raise SipParseError("quoted string has no end")


def split_outside(text: str, separator: str) -> list[str]:
    """Parts of `text` between separators that stand outside quotes and angle brackets, stripped."""
    if separator not in text:
        return [text.strip(_WHITESPACE)]
    if '"' not in text and "<" not in text:
        return [part.strip(_WHITESPACE) for part in text.split(separator)]
    parts: list[str] = []
    start = at = 0
    in_angles = False
    while at < len(text):
        character = text[at]
        if character == '"' and not in_angles:
            at = end_of_quoted(text, at)
            continue
        if character == "<":
            in_angles = True
        elif character == ">":
            in_angles = False
        elif character == separator and not in_angles:
            parts.append(text[start:at].strip(_WHITESPACE))
            start = at + 1
        at += 1
    parts.append(text[start:].strip(_WHITESPACE))
    return parts


def split_list(text: str) -> list[str]:
    """Values of a comma-separated header field; empty ones are dropped."""
    return [part for part in split_outside(text, ",") if part]


def parse_parameters(text: str) -> dict[str, str | None]:
    """`tag=a;lr` → {"tag": "a", "lr": None}: names lower-cased, quoted values unquoted.

    One semicolon too many at the end is forgiven (phones send it), others are not (RFC 4475 §3.1.2.1).
    """
    parameters: dict[str, str | None] = {}
    parts = split_outside(text, ";")
    if not parts[-1]:
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(_WHITESPACE).lower()
        if not is_token(name):
            raise SipParseError(f"parameter name {name!r} is not a token")
        parameters.setdefault(name, unquote(value.strip(_WHITESPACE)) if equals else None)
    return parameters


def encode_parameters(parameters: Parameters) -> str:
    return "".join(
        f";{name}" if value is None else f";{name}={_value(value)}" for name, value in parameters.items()
    )


def _value(text: str) -> str:
    # IPv6 references are allowed bare (§25.1 gen-value = token / host / quoted-string).
    return text if is_token(text) or (text[:1] == "[" and text[-1:] == "]") else quote(text)


@dataclass(frozen=True)
class SipUri:
    """A SIP or SIPS URI (§19.1)."""

    user: str | None
    host: str
    port: int | None = None
    parameters: Parameters = field(default_factory=dict)
    # Everything after "?", as it came.
    headers: str = ""
    scheme: str = "sip"

    def __str__(self) -> str:
        user = "" if self.user is None else self.user + "@"
        port = "" if self.port is None else f":{self.port}"
        parameters = "".join(f";{k}" if v is None else f";{k}={v}" for k, v in self.parameters.items())
        headers = "?" + self.headers if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{parameters}{headers}"

    @property
    def number(self) -> str | None:
        """The user part without password and user parameters: what was dialled."""
        return None if self.user is None else unescape(self.user.split(":", 1)[0].split(";", 1)[0])

    @property
    def hop(self) -> tuple[str, int]:
        """Host and port a request to this URI is sent to, maddr honoured (§19.1.1); names stay names."""
        host = self.parameters.get("maddr") or self.host
        return host.strip("[]"), self.port or DEFAULT_PORT


@remembered
def parse_sip_uri(text: str) -> SipUri:
    """Read a SIP(S) URI. Parameter names are lower-cased, values kept."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in ("sip", "sips"):
        raise SipParseError(f"URI scheme {scheme[:16]!r} is not sip or sips", status=416)
    if _NEVER_IN_A_URI.search(rest):
        raise SipParseError("URI holds a space, quote or angle bracket")
    # "?" and ";" may stand in the user part, so the user comes off first (§25.1 user-unreserved).
    before, at_sign, after = rest.partition("@")
    user, rest = (before, after) if at_sign else (None, rest)
    if user == "":
        raise SipParseError("URI has an empty user")
    rest, _, headers = rest.partition("?")
    hostport, _, tail = rest.partition(";")
    host, port = parse_host_port(hostport)
    parameters: dict[str, str | None] = {}
    for part in tail.split(";") if tail else ():
        name, equals, value = part.partition("=")
        if name:
            parameters.setdefault(name.lower(), value if equals else None)
    return SipUri(user, host, port, parameters, headers, scheme)


def parse_host_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[v6]:port` → host (brackets kept) and port."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not host or not _IPV6.fullmatch(host):
            raise SipParseError("IPv6 reference is not closed or not hexadecimal")
        host = f"[{host}]"
        rest = rest.strip(_WHITESPACE)
        if rest and not rest.startswith(":"):
            raise SipParseError("something stands between IPv6 reference and port")
        name, colon, port = host, rest[:1], rest[1:].strip(_WHITESPACE)
    else:
        name, colon, port = text.partition(":")
        name, port = name.strip(_WHITESPACE), port.strip(_WHITESPACE)
        if not _HOST.fullmatch(name):
            raise SipParseError(f"host {name[:32]!r} is not a host name or address")
    if not colon:
        return name, None
    if not is_number(port) or len(port) > 5 or int(port) > 65535:
        raise SipParseError(f"port {port[:8]!r} is not 0 to 65535")
    return name, int(port)


def check_uri(text: str) -> None:
    """Raise where `text` cannot be a URI of any scheme; SIP URIs are looked at closely."""
    scheme, colon, rest = text.partition(":")
    if not colon or not scheme[:1].isalpha() or not _SCHEME.fullmatch(scheme):
        raise SipParseError(f"{text[:32]!r} is not a URI")
    if not rest or _NEVER_IN_A_URI.search(rest):
        raise SipParseError("URI is empty or holds a space, quote or angle bracket")
    if scheme.lower() in ("sip", "sips"):
        parse_sip_uri(text)


def unescape(text: str) -> str:
    """Undo %HH escapes (§19.1.2); a lone % stays."""
    if "%" not in text:
        return text
    first, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    out = [first]
    for piece in rest:
        if len(piece) >= 2 and _HEX_DIGITS.issuperset(piece[:2]):
            out.append(bytes([int(piece[:2], 16)]) + piece[2:])
        else:
            out.append(b"%" + piece)
    return b"".join(out).decode("utf-8", "replace")


_USER_CHARACTERS = _ALNUM | frozenset("-_.!~*'()&=+$,;?/")


def escape_user(text: str) -> str:
    """A user part that is safe in a URI: whatever the grammar does not allow becomes %HH."""
    if _USER_CHARACTERS.issuperset(text):
        return text
    return "".join(
        chr(byte) if chr(byte) in _USER_CHARACTERS else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogateescape")
    )


@dataclass(frozen=True)
class NameAddr:
    """A To, From, Contact, Route or Record-Route value (§20.10)."""

    uri: str
    display: str = ""
    parameters: Parameters = field(default_factory=dict)

    def __str__(self) -> str:
        display = quote(self.display) + " " if self.display else ""
        return f"{display}<{self.uri}>{encode_parameters(self.parameters)}"

    @property
    def tag(self) -> str | None:
        return self.parameters.get("tag")


@remembered
def parse_name_addr(text: str) -> NameAddr:
    """Read a name-addr or an addr-spec; with an addr-spec the parameters belong to the header (§20)."""
    text = text.strip(_WHITESPACE)
    display = ""
    rest = text
    if text.startswith('"'):
        end = end_of_quoted(text, 0)
        display, rest = unquote(text[:end]), text[end:].lstrip(_WHITESPACE)
        if not rest.startswith("<"):
            raise SipParseError("quoted display name without <URI>")
    opening = rest.find("<")
    if opening < 0:
        uri, _, tail = rest.partition(";")
        uri = uri.strip(_WHITESPACE)
        if "?" in uri or "," in uri:
            raise SipParseError("a URI with ? or , must stand in angle brackets")
        check_uri(uri)
        return NameAddr(uri, "", parse_parameters(tail) if tail else {})
    if opening > 0:
        words = rest[:opening].split()
        if not all(is_token(word) for word in words):
            raise SipParseError("display name is neither quoted nor made of tokens")
        display = " ".join(words)
    closing = rest.find(">", opening)
    if closing < 0:
        raise SipParseError("< has no >")
    uri = rest[opening + 1 : closing]
    check_uri(uri)
    tail = rest[closing + 1 :].lstrip(_WHITESPACE)
    if tail and not tail.startswith(";"):
        raise SipParseError("something other than parameters follows >")
    return NameAddr(uri, display, parse_parameters(tail[1:]) if tail else {})


@dataclass(frozen=True)
class Via:
    """One hop of the path back (§20.42)."""

    transport: str
    host: str
    port: int | None
    parameters: Parameters

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        # Values go back as they came in; a received address may be IPv6 and is no token.
        parameters = "".join(f";{k}" if v is None else f";{k}={v}" for k, v in self.parameters.items())
        return f"SIP/2.0/{self.transport} {self.host}{port}{parameters}"

    @property
    def branch(self) -> str | None:
        return self.parameters.get("branch")

    def seen_from(self, source: tuple[str, int]) -> Via:
        """This Via as the server that got it from `source` marks it (§18.2.1, RFC 3581 §4)."""
        asked_for_rport = "rport" in self.parameters
        if not asked_for_rport and self.host.strip("[]") == source[0]:
            return self
        marks: dict[str, str | None] = {"received": source[0]}
        if asked_for_rport:
            marks["rport"] = str(source[1])
        return Via(self.transport, self.host, self.port, {**self.parameters, **marks})

    def reply_address(self, source: tuple[str, int]) -> tuple[str, int]:
        """Where responses go over UDP (§18.2.2, RFC 3581 §4); maddr is ignored, it invites floods."""
        if "rport" in self.parameters:
            return source
        return source[0], self.port or DEFAULT_PORT


@remembered
def parse_via(text: str) -> Via:
    """Read one Via value; spaces around the slashes are allowed (RFC 4475 §3.1.1.1)."""
    head, semicolon, tail = text.partition(";")
    protocol, slash, rest = head.partition("/")
    version, slash2, rest = rest.partition("/")
    transport, _, sent_by = rest.strip(_WHITESPACE).partition(" ")
    if "\t" in transport:
        transport, _, sent_by = rest.strip(_WHITESPACE).partition("\t")
    if not slash or not slash2 or (protocol.strip().upper(), version.strip()) != ("SIP", "2.0"):
        raise SipParseError("Via does not start with SIP/2.0/")
    if not is_token(transport):
        raise SipParseError("Via has no transport")
    host, port = parse_host_port(sent_by.strip(_WHITESPACE))
    return Via(transport, host, port, parse_parameters(tail) if semicolon else {})
