"""May a webhook go to this address?

Only to hosts that anyone on the internet could reach: whatever is local, private, shared, reserved, or an
IPv4 address in IPv6 clothing that is any of these, is refused. The tables are the IANA special-purpose
registries (RFC 6890 and its updates), written out because the standard library's opinion of them has
changed between releases. Knows no names and no sockets.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "169.254.0.0/16",  # link-local, RFC 3927; cloud metadata lives at 169.254.169.254
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.31.196.0/24",  # AS112, RFC 7535
        "192.52.193.0/24",  # AMT, RFC 7450
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "192.175.48.0/24",  # AS112, RFC 7534
        "198.18.0.0/15",  # benchmarking, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 1112
        "240.0.0.0/4",  # reserved and broadcast, RFC 1112, RFC 8190
    )
)
# IPv6: what is not global unicast is closed altogether.
OPEN_V6 = IPv6Network("2000::/3")
CLOSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them, RFC 2928
        "2001:db8::/32",  # documentation, RFC 3849
        "2620:4f:8000::/48",  # AS112, RFC 7534
        "3fff::/20",  # documentation, RFC 9637
    )
)
V4_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291 §2.5.5.2
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056


def is_public(address: str) -> bool:
    """True for an IP address, in text, that a webhook may be sent to; a zone ("%eth0") is never public."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in CLOSED_V4)
    if parsed.scope_id is not None:
        return False
    inner = embedded_v4(parsed)
    if inner is not None:
        # A mapped address is never seen on the wire; a public one is refused with the rest of ::/3.
        return parsed not in V4_MAPPED and is_public(str(inner))
    return parsed in OPEN_V6 and not any(parsed in network for network in CLOSED_V6)


def embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 host that packets to this address would end at, where there is one."""
    if address in V4_MAPPED or address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return None


def is_loopback(address: str) -> bool:
    """True for 127.0.0.0/8 and ::1."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
