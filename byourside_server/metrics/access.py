"""Who may read the numbers.

`local` is for a Prometheus on this machine. Behind a proxy on this machine every visitor comes from loopback,
so whatever shows that somebody else asked refuses: a header that proxies add, HTTP/1.0 as nginx speaks by
default, or a Host that is not this machine (which also keeps out pages in a browser, DNS rebinding).
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

Readers = Literal["off", "local", "token", "open"]
READERS: tuple[Readers, ...] = ("off", "local", "token", "open")
MARKS_OF_A_PROXY = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
)
# RFC 6750 §2.1, the scheme in any case (RFC 9110 §11.1).
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,512})", re.IGNORECASE)


@dataclass(frozen=True)
class Denied:
    """Not for you: the HTTP status and one sentence that names the cure."""

    status: int
    why: str


@dataclass(frozen=True)
class Access:
    """The setting `metrics`, and the token where it asks for one."""

    readers: Readers = "local"
    token: str = field(default="", repr=False)

    def check(self, scope: Scope) -> Denied | None:
        """None where this visitor may read."""
        if self.readers == "open":
            return None
        headers = Headers(scope=scope)
        if self.readers == "token":
            return None if self._shows_token(headers) else Denied(401, "Send `Authorization: Bearer TOKEN`.")
        return _why_not_local(scope, headers)

    def _shows_token(self, headers: Headers) -> bool:
        given = headers.getlist("authorization")
        found = BEARER.fullmatch(given[0].strip(" \t")) if len(given) == 1 else None
        if found is None or not self.token:
            return False
        return hmac.compare_digest(found[1].encode(), self.token.encode())


def _why_not_local(scope: Scope, headers: Headers) -> Denied | None:
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return Denied(403, 'Only this machine reads these numbers: see the setting "metrics".')
    if any(mark in headers for mark in MARKS_OF_A_PROXY) or scope.get("http_version") == "1.0":
        return Denied(403, 'Not through a proxy: for that set metrics = "token".')
    host = _name_of(headers.get("host", ""))
    if host != "localhost" and not is_loopback(host):
        return Denied(403, "Ask for this machine by its loopback address, such as 127.0.0.1.")
    return None


def _name_of(host: str) -> str:
    """A Host header's name without its port, empty where it is none (`[::1`, `[127.0.0.1]`)."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether the text is an address of this machine alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
