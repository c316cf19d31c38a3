"""Who may speak in a conversation: the addresses that have something to do with it.

A request inside a dialog, and a response to a request of ours, is heard only from the host we talk to,
from hosts whose answers made the dialog, from hosts in its routes and its target, and from the networks
an operator names for carriers that speak from several addresses. Hosts count and ports do not: proxies
send from other ports than they listen on. Names in routes prove nothing here, for nobody looks them up.
What is spoken over TLS is answered over TLS: source addresses of datagrams can be made up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from byourside_server.sip.dialog import Dialog
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import parse_name_addr, parse_sip_uri
from byourside_server.sip.hop import Hop, is_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Sources:
    """What an endpoint believes of where things come from."""

    def __init__(self) -> None:
        self.networks: tuple[Network, ...] = ()

    def trust(self, networks: Iterable[str]) -> None:
        """Networks that may speak in any conversation. Raises ValueError for what is none."""
        self.networks = tuple(ipaddress.ip_network(network) for network in networks)

    def is_trusted(self, host: str) -> bool:
        if not self.networks or not is_address(host):
            return False
        address = ipaddress.ip_address(host)
        return any(address in network for network in self.networks)

    def may_answer(self, asked: Hop, source: Hop) -> bool:
        """Whether a response from `source` may be to what was sent to `asked`.

        A hop that is a name was looked up below us, so its address is not known here.
        """
        if asked.transport == "tls" != source.transport:
            return False
        return (
            same_host(asked.host, source.host) or not is_address(asked.host) or self.is_trusted(source.host)
        )

    def may_speak(self, dialog: Dialog, heard_from: Iterable[str], source: Hop) -> bool:
        """Whether a request from `source` may be inside `dialog`."""
        if dialog.fallback.transport == "tls" != source.transport:
            return False
        host = source.host
        return (
            same_host(dialog.fallback.host, host)
            or any(same_host(known, host) for known in heard_from)
            or any(same_host(known, host) for known in _hosts(dialog))
            or not is_address(dialog.fallback.host)
            or self.is_trusted(host)
        )


def same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same address, however IPv6 is spelled."""
    if one == other:
        return True
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _hosts(dialog: Dialog) -> set[str]:
    """The hosts of the routes and of the target."""
    uris = [dialog.target, *(parse_name_addr(route).uri for route in dialog.routes)]
    found: set[str] = set()
    for uri in uris:
        try:
            host, _ = parse_sip_uri(uri).hop
        except SipParseError:
            continue
        found.add(host)
    return found
