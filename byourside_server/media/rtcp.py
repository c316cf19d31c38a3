"""RTCP as bytes: sender and receiver reports, who sends them, and goodbye (RFC 3550 §6, RFC 3611 §4.7).

Knows packets. Does not know rows, sockets or when a report is due: `reports` decides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SR, RR, SDES, BYE, XR = 200, 201, 202, 203, 207
"""RFC 3550 §12.1, RFC 3611 §2."""
_CNAME = 1
_VOIP_METRICS = 7
_VOIP_METRICS_WORDS = 8
MOST_BYTES = 1500
MOST_LOST, LEAST_LOST = 0x7FFFFF, -0x800000
"""24 bits with a sign; duplicates can make it negative (§6.4.1)."""

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IIIIII")
_BLOCK = struct.Struct("!IB3sIIII")
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True)
class SenderInfo:
    ntp: int
    """64 bits: seconds since 1900 and their fraction."""
    rtp_timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True)
class ReportBlock:
    """What a receiver says about one source."""

    ssrc: int
    fraction_lost: float
    """Of the packets since the report before, 0 to 1 in steps of 1/256."""
    lost: int
    highest_sequence: int
    """Extended: how often the number wrapped stands in the upper 16 bits."""
    jitter: int
    """In timestamp units."""
    last_sr: int = 0
    """Middle 32 bits of the NTP time of the last sender report; 0: there was none."""
    delay_since_last_sr: int = 0
    """In 1/65536 s."""


@dataclass(frozen=True)
class VoipMetrics:
    """RFC 3611 §4.7, as far as it is of use here; None where the sender can't tell (127)."""

    ssrc: int
    loss: float
    discarded: float
    round_trip_ms: int
    r_factor: int | None
    mos_listening: float | None


@dataclass(frozen=True)
class Report:
    """One compound packet."""

    ssrc: int
    sender: SenderInfo | None = None
    blocks: tuple[ReportBlock, ...] = ()
    cname: str | None = None
    bye: bool = False
    metrics: tuple[VoipMetrics, ...] = ()

    def to_bytes(self) -> bytes:
        blocks = b"".join(_block_bytes(block) for block in self.blocks)
        if self.sender is None:
            data = _packet(RR, len(self.blocks), struct.pack("!I", self.ssrc) + blocks)
        else:
            info = self.sender
            sent = _SENDER.pack(
                self.ssrc,
                info.ntp >> 32,
                info.ntp & 0xFFFFFFFF,
                info.rtp_timestamp & 0xFFFFFFFF,
                info.packets & 0xFFFFFFFF,
                info.octets & 0xFFFFFFFF,
            )
            data = _packet(SR, len(self.blocks), sent + blocks)
        if self.cname is not None:
            data += _packet(SDES, 1, _sdes_chunk(self.ssrc, self.cname))
        if self.bye:
            data += _packet(BYE, 1, struct.pack("!I", self.ssrc))
        return data


def ntp_time(epoch_s: float) -> int:
    """The 64 bits of RFC 3550 §4 for seconds since 1970."""
    return int((epoch_s + _NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def middle_of(ntp: int) -> int:
    """The 32 bits by which reports refer to a moment, in 1/65536 s."""
    return (ntp >> 16) & 0xFFFFFFFF


def parse(data: bytes) -> Report | None:
    """A compound packet, or None where anything in it is not as RFC 3550 A.2 wants it.

    The first packet must be a report; parts of kinds that are not known here are passed over.
    """
    if len(data) > MOST_BYTES:
        return None
    try:
        parts = list(_parts(data))
        if not parts or parts[0][0] not in (SR, RR):
            return None
        return _report(parts)
    except (struct.error, ValueError):
        return None


def _parts(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(kind, count, what follows the header) of every packet in the compound."""
    at = 0
    while at < len(data):
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        padded = bool(first & 0x20)
        if first >> 6 != 2 or end > len(data) or (padded and (at == 0 or end != len(data))):
            raise ValueError("not a compound packet")
        body = data[at + 4 : end]
        if padded:
            padding = data[-1]
            if not 0 < padding <= len(body) or padding % 4:
                raise ValueError("padding does not fit")
            body = body[:-padding]
        yield kind, first & 0x1F, body
        at = end


def _report(parts: list[tuple[int, int, bytes]]) -> Report:
    kind, count, body = parts[0]
    sender = None
    ssrc, after = struct.unpack_from("!I", body)[0], 4
    if kind == SR:
        _, high, low, timestamp, packets, octets = _SENDER.unpack_from(body)
        sender, after = SenderInfo((high << 32) | low, timestamp, packets, octets), _SENDER.size
    blocks = _blocks(body[after:], count)
    cname, bye, metrics = None, False, []
    for kind, count, body in parts[1:]:
        if kind in (SR, RR):
            # More than 31 sources need a second report (§6.1).
            blocks += _blocks(body[_SENDER.size if kind == SR else 4 :], count)
        elif kind == SDES:
            cname = cname or _cname_of(body, count)
        elif kind == BYE:
            bye = bye or ssrc in struct.unpack_from(f"!{count}I", body)
        elif kind == XR:
            metrics += _metrics_of(body)
    return Report(ssrc, sender, blocks, cname, bye, tuple(metrics))


def _blocks(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    found = []
    for number in range(count):
        ssrc, fraction, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(data, number * _BLOCK.size)
        signed = int.from_bytes(lost, "big", signed=True)
        found.append(ReportBlock(ssrc, fraction / 256, signed, highest, jitter, last_sr, delay))
    return tuple(found)


def _block_bytes(block: ReportBlock) -> bytes:
    lost = min(MOST_LOST, max(LEAST_LOST, block.lost))
    return _BLOCK.pack(
        block.ssrc,
        min(255, max(0, int(block.fraction_lost * 256))),
        lost.to_bytes(3, "big", signed=True),
        block.highest_sequence & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_sr,
        block.delay_since_last_sr & 0xFFFFFFFF,
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _sdes_chunk(ssrc: int, cname: str) -> bytes:
    """§6.5: items end with a zero byte, and the chunk on a border of four."""
    name = cname.encode()[:255]
    items = bytes([_CNAME, len(name)]) + name
    return struct.pack("!I", ssrc) + items + bytes(4 - len(items) % 4)


def _cname_of(body: bytes, count: int) -> str | None:
    """CNAME of the first chunk that has one."""
    at = 0
    for _ in range(count):
        at += 4
        while at < len(body) and body[at]:
            kind, length = struct.unpack_from("!BB", body, at)
            text = body[at + 2 : at + 2 + length]
            if len(text) != length:
                raise ValueError("an item is longer than its packet")
            if kind == _CNAME:
                return text.decode("utf-8", "replace")
            at += 2 + length
        at += 4 - at % 4
    return None


def _metrics_of(body: bytes) -> list[VoipMetrics]:
    found, at = [], 4
    while at + 4 <= len(body):
        kind, _, words = struct.unpack_from("!BBH", body, at)
        block = body[at + 4 : at + 4 + 4 * words]
        if len(block) != 4 * words:
            raise ValueError("an extended report is longer than its packet")
        if kind == _VOIP_METRICS and words == _VOIP_METRICS_WORDS:
            found.append(_voip_metrics(block))
        at += 4 + 4 * words
    return found


def _voip_metrics(block: bytes) -> VoipMetrics:
    ssrc, loss, discarded = struct.unpack_from("!IBB", block)
    round_trip_ms = struct.unpack_from("!H", block, 12)[0]
    r_factor, mos = block[20], block[22]
    return VoipMetrics(
        ssrc,
        loss / 256,
        discarded / 256,
        round_trip_ms,
        r_factor if r_factor <= 100 else None,
        mos / 10 if 10 <= mos <= 50 else None,
    )
