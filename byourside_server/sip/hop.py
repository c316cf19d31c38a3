"""A hop: where a message goes next, and by which transport.

A plain value. Knows no message and no connection; `flow` is the number a connection has in `streams`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from byourside_server.sip.grammar import DEFAULT_PORT, SipUri

Transport = Literal["udp", "tcp", "tls"]
Address = tuple[str, int]

# §19.1.2: the port where none is written.
DEFAULT_PORTS: dict[Transport, int] = {"udp": DEFAULT_PORT, "tcp": DEFAULT_PORT, "tls": 5061}
# `transport=` of a URI, lower-cased, → what we use; a sips URI is TLS whatever it says (§26.2.2).
_OF_URI: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


@dataclass(frozen=True)
class Hop:
    """An address with a transport."""

    host: str
    port: int
    transport: Transport = "udp"
    # The name the certificate must carry, over TLS; the host where None.
    server_name: str | None = None
    # The connection something came on: what goes back uses it for as long as it is open (§18.2.2).
    flow: int | None = None

    def __str__(self) -> str:
        return f"{self.transport}:{written_host(self.host)}:{self.port}"

    @property
    def address(self) -> Address:
        return self.host, self.port

    @property
    def reliable(self) -> bool:
        """Whether the transport itself sees to it that nothing is lost."""
        return self.transport != "udp"

    def over(self, transport: Transport) -> Hop:
        """The same address by another transport."""
        return replace(self, transport=transport, flow=None)


def written_host(host: str) -> str:
    """A host as it stands in Via and URI: IPv6 in brackets (§25.1)."""
    return f"[{host}]" if ":" in host else host


@lru_cache(1024)
def is_address(host: str) -> bool:
    """Whether a host is written as an address and not as a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_out_of_reach(host: str, peer: str) -> bool:
    if not is_address(peer):
        return False
    return ipaddress.ip_address(host).is_private and ipaddress.ip_address(peer).is_global


def hop_of_uri(uri: SipUri, fallback: Hop) -> Hop:
    """Where a request for `uri` goes (§8.1.2), in a conversation that so far went by `fallback`.

    A name in its place: looking names up is not for this room, and what worked until now is nearest. So
    it is where a public peer names a private address: that lies behind its NAT.
    What began over TLS never leaves it: a peer that names another transport is sent its requests on the
    connection there is, rather than in the clear. Without `transport=` an address is UDP (RFC 3263 §4.1),
    unless it is the very address we talk to already.
    """
    asked = _OF_URI.get((uri.parameters.get("transport") or "").lower())
    secure = uri.scheme == "sips" or asked == "tls"
    host = (uri.parameters.get("maddr") or uri.host).strip("[]")
    if not is_address(host) or (fallback.transport == "tls" and not secure):
        return fallback
    if host != fallback.host and _is_out_of_reach(host, fallback.host):
        return fallback
    transport: Transport = "tls" if secure else asked or "udp"
    port = uri.port or DEFAULT_PORTS[transport]
    if (host, port) == fallback.address and (asked is None or transport == fallback.transport):
        return fallback
    return Hop(host, port, transport, fallback.server_name if host == fallback.host else None)
