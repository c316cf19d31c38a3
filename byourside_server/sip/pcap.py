"""A trace as a capture file that tshark and Wireshark read.

The frames are made up around the messages: Ethernet, IP and UDP, whatever they really came over, since an
analyser shows a message in one datagram best (a TLS stream could not be read at all). The file is libpcap's.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

from byourside_server.sip.trace import Passage

MEDIA_TYPE = "application/vnd.tcpdump.pcap"
_FILE_HEADER = struct.Struct("<IHHiIII")
_MAGIC_MICROSECONDS = 0xA1B2C3D4
_SNAPSHOT_BYTES = 262_144
_LINK_ETHERNET = 1
_RECORD_HEADER = struct.Struct("<IIII")
# Locally administered, so that no maker's name is shown: ours and the other side's.
_MACS = {True: bytes.fromhex("020000000001"), False: bytes.fromhex("020000000002")}
_ETHER_TYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}
_UDP = 17
_HOPS = 64
# Largest payload of one UDP datagram over IPv4; a longer message is cut here.
_MOST_BYTES = 65_535 - 20 - 8


def as_pcap(passages: Iterable[Passage]) -> bytes:
    """The whole file."""
    parts = [_FILE_HEADER.pack(_MAGIC_MICROSECONDS, 2, 4, 0, 0, _SNAPSHOT_BYTES, _LINK_ETHERNET)]
    for passage in passages:
        frame = _frame(passage)
        microseconds = round(passage.at * 1_000_000)
        seconds, rest = divmod(microseconds, 1_000_000)
        parts += [_RECORD_HEADER.pack(seconds, rest, len(frame), len(frame)), frame]
    return b"".join(parts)


def _frame(passage: Passage) -> bytes:
    payload = passage.message.encode("utf-8", "surrogateescape")[:_MOST_BYTES]
    is_ours = passage.way == "sent"
    source, target = (passage.ours, passage.theirs) if is_ours else (passage.theirs, passage.ours)
    source_ip, target_ip = _addresses(source[0], target[0])
    segment = _udp(source_ip, source[1], target_ip, target[1], payload)
    version = 6 if len(source_ip) == 16 else 4
    packet = _ip(version, source_ip, target_ip, segment)
    return _MACS[not is_ours] + _MACS[is_ours] + _ETHER_TYPES[version] + packet


def _addresses(source: str, target: str) -> tuple[bytes, bytes]:
    """Both addresses in one family: beside IPv6, IPv4 is mapped into it. What is no address becomes zeros."""
    found = [_address(source), _address(target)]
    if any(address.version == 6 for address in found):
        found = [
            ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
            if address.version == 4
            else address
            for address in found
        ]
    return found[0].packed, found[1].packed


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ipaddress.IPv4Address(0)


def _udp(source: bytes, source_port: int, target: bytes, target_port: int, payload: bytes) -> bytes:
    length = 8 + len(payload)
    header = struct.pack("!HHHH", source_port, target_port, length, 0)
    # RFC 768: summed over a pseudo header; RFC 8200 §8.1 counts the length in four bytes, which sums alike.
    summed = _checksum(source + target + struct.pack("!BBH", 0, _UDP, length) + header + payload)
    return header[:6] + struct.pack("!H", summed or 0xFFFF) + payload


def _ip(version: int, source: bytes, target: bytes, segment: bytes) -> bytes:
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), _UDP, _HOPS) + source + target + segment
    fields = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, _HOPS, _UDP, 0) + source + target
    return fields[:10] + struct.pack("!H", _checksum(fields)) + fields[12:] + segment


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    words: tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
