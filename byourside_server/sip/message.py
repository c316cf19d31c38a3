"""SIP messages as values: a request or a response, its header fields, and how they become bytes.

Knows no state and no meaning beyond the fields every message has. Names compare without case; compact
forms are written out when parsed. Field values are kept as they came until somebody asks what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from byourside_server.sip.errors import LocalProtocolError, SipParseError
from byourside_server.sip.grammar import NameAddr, Via, is_number, parse_name_addr, parse_via, split_list

# §7.3.3 and the IANA registry: one letter → name.
COMPACT_NAMES: dict[str, str] = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

REASONS: dict[int, str] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
}

MAX_CSEQ = 2**31 - 1

T = TypeVar("T")


class once(Generic[T]):
    """A property worked out when first asked for; functools' own takes a lock each time until Python 3.12."""

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> once[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object, owner: type) -> T | once[T]:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work_out(instance)
        return value


_NO_MORE: dict[str, list[str]] = {}


class Headers:
    """Header fields in their order, found by name without regard to case."""

    __slots__ = ("_first", "_lines", "_more")

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = tuple(lines)
        # Name → first value, and → the values after it, made when first asked for: what we send ourselves
        # is seldom looked up. One dict of plain strings costs the garbage collector nothing.
        self._first: dict[str, str] | None = None
        self._more: dict[str, list[str]] = _NO_MORE

    def _found(self) -> dict[str, str]:
        first = self._first
        if first is None:
            first = self._first = {}
            for name, value in self._lines:
                key = name.lower()
                if key not in first:
                    first[key] = value
                    continue
                if self._more is _NO_MORE:
                    self._more = {}
                self._more.setdefault(key, []).append(value)
        return first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._found()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(self._lines)

    def __repr__(self) -> str:
        return f"Headers({list(self._lines)!r})"

    def get(self, name: str) -> str | None:
        """The first field of that name as it stands, or None."""
        return self._found().get(name.lower())

    @property
    def repeated(self) -> Collection[str]:
        """The names, lower-cased, that stand on more than one line."""
        self._found()
        return self._more.keys()

    def lines(self, name: str) -> list[str]:
        """Every field of that name, each as it stands on its line."""
        key = name.lower()
        first = self._found().get(key)
        return [] if first is None else [first, *self._more.get(key, ())]

    def values(self, name: str) -> list[str]:
        """Every value of a list field, over all its lines."""
        lines = self.lines(name)
        return [value for line in lines for value in split_list(line)] if lines else lines

    def tokens(self, name: str) -> set[str]:
        """The option tags, methods or types of a list field, lower-cased."""
        return {value.lower() for value in self.values(name)}


EMPTY_HEADERS = Headers()


@dataclass(frozen=True)
class SipMessage:
    """What requests and responses share."""

    headers: Headers
    body: bytes = b""

    def _start_line(self) -> str:
        raise NotImplementedError

    def _needed(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise SipParseError(f"{name} is missing")
        return value

    @once
    def call_id(self) -> str:
        return self._needed("Call-ID")

    @once
    def from_(self) -> NameAddr:
        return parse_name_addr(self._needed("From"))

    @once
    def to(self) -> NameAddr:
        return parse_name_addr(self._needed("To"))

    @once
    def vias(self) -> tuple[Via, ...]:
        """The whole path, topmost first."""
        values = self.headers.values("Via")
        if not values:
            raise SipParseError("Via is empty" if "Via" in self.headers else "Via is missing")
        return tuple(parse_via(value) for value in values)

    @property
    def via(self) -> Via:
        """The topmost Via."""
        return self.vias[0]

    @once
    def cseq(self) -> tuple[int, str]:
        parts = self._needed("CSeq").split()
        if len(parts) != 2 or not is_number(parts[0]) or len(parts[0]) > 10 or int(parts[0]) > MAX_CSEQ:
            raise SipParseError("CSeq is not a number below 2**31 and a method")
        return int(parts[0]), parts[1]

    @property
    def sdp(self) -> bytes:
        """The body where it is a session description, else nothing."""
        if not self.body:
            return b""
        kind = (self.headers.get("Content-Type") or "").split(";", 1)[0].strip().lower()
        return self.body if kind == "application/sdp" else b""

    def encode(self) -> bytes:
        """The message as bytes; Content-Length is always written, and always right."""
        return self._encoded

    @once
    def _encoded(self) -> bytes:
        lines = [self._start_line()]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines)
        if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
            raise LocalProtocolError("a header field may not hold a line break")
        return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Request(SipMessage):
    """A SIP request."""

    method: str = ""
    uri: str = ""

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


@dataclass(frozen=True)
class Response(SipMessage):
    """A SIP response."""

    status: int = 0
    reason: str = ""

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


def contact_uri(message: SipMessage) -> str | None:
    """The URI of the first Contact, or None where there is none that can be read."""
    try:
        values = message.headers.values("Contact")
        return parse_name_addr(values[0]).uri if values else None
    except SipParseError:
        return None


def respond(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    source: tuple[str, int],
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """The response to `request`, its copied fields in place (§8.2.6.2)."""
    vias = request.headers.values("Via")
    vias[0] = str(request.via.seen_from(source))
    to = request.headers.get("To") or ""
    if to_tag is not None and request.to.tag is None:
        to = f"{to};tag={to_tag}"
    lines = [("Via", via) for via in vias]
    # Copied, so that a dialog-making response carries the path (§12.1.1).
    lines += [("Record-Route", route) for route in request.headers.lines("Record-Route")]
    lines += [
        ("From", request.headers.get("From") or ""),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", request.headers.get("CSeq") or ""),
    ]
    lines += headers
    return Response(Headers(lines), body, status, REASONS.get(status, "") if reason is None else reason)
